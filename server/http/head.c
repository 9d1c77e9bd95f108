#include "http/head.h"

#define ACCEPTABLE ((struct head_verdict){0, NULL})
#define REFUSED(status, detail) ((struct head_verdict){(status), (detail)})
#define MALFORMED(detail) REFUSED(400, (detail))

/* The headers that may decide where a request ends or whom it is for: counted, never merged. */
struct tally {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
};

/* RFC 9110, 5.6.2 */
static bool is_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char((unsigned char)s.p[i])) {
            return false;
        }
    }
    return s.n != 0;
}

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n != 0;
}

/* Visible ASCII only; `begins with a slash` is for path.c to say. */
static bool is_target(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7F) {
            return false;
        }
    }
    return s.n != 0;
}

static bool holds(struct span s, char c)
{
    return s.n != 0 && memchr(s.p, c, s.n) != NULL;
}

/* Cuts the first line off; false when it does not end in CRLF or holds another CR, or a NUL. */
static bool take_line(struct span *rest, struct span *line)
{
    size_t end = span_find(*rest, '\n');
    if (end == rest->n || end == 0 || rest->p[end - 1] != '\r') {
        return false;
    }
    *line = span_of(rest->p, end - 1);
    *rest = span_of(rest->p + end + 1, rest->n - end - 1);
    return !holds(*line, '\r') && !holds(*line, '\0');
}

/* method SP target SP version (RFC 9112, 3). Sets *old for HTTP/1.0. */
static struct head_verdict check_request_line(struct span line, bool *old)
{
    struct span rest = line;
    struct span method = span_cut(&rest, ' ');
    struct span target = span_is_null(rest) ? SPAN_NULL : span_cut(&rest, ' ');
    if (target.n > HEAD_URI_MAX) {
        return REFUSED(414, "URI Too Long");
    }
    if (!is_token(method) || !is_target(target)) {
        return MALFORMED("Malformed request line");
    }
    *old = span_eq(rest, SPAN("HTTP/1.0"));
    if (!*old && !span_eq(rest, SPAN("HTTP/1.1"))) {
        return MALFORMED("Unsupported HTTP version");
    }
    return ACCEPTABLE;
}

/* By length first: three lengths in a hundred headers are worth a comparison. */
static struct head_verdict check_header(struct span line, struct tally *seen)
{
    size_t colon = span_find(line, ':');
    struct span name = span_of(line.p, colon);
    if (colon == line.n || !is_token(name)) {
        return MALFORMED("Malformed header"); /* also folded lines, and a space before the colon */
    }
    if (name.n == 4) {
        seen->hosts += span_eq_nocase(name, SPAN("host"));
    } else if (name.n == 17) {
        seen->codings += span_eq_nocase(name, SPAN("transfer-encoding"));
    } else if (name.n == 14 && span_eq_nocase(name, SPAN("content-length"))) {
        seen->lengths++;
        if (!is_digits(span_trim(span_sub(line, colon + 1, line.n)))) {
            return MALFORMED("Malformed Content-Length");
        }
    }
    return ACCEPTABLE;
}

/* RFC 9112, 3.2 (Host) and 6.3 (length). Chunked bodies are not taken at all: no client of ours
 * sends them, and libh2o's decoder is lax (architecture, decision 1). */
static struct head_verdict judge(const struct tally *seen, bool old)
{
    if (seen->lengths + seen->codings > 1 || (seen->codings != 0 && old)) {
        return MALFORMED("Ambiguous body length");
    }
    if (seen->hosts > 1 || (seen->hosts == 0 && !old)) {
        return MALFORMED("Exactly one Host header is required");
    }
    if (seen->codings != 0) {
        return REFUSED(411, "Length Required");
    }
    return ACCEPTABLE;
}

static struct head_verdict check_headers(struct span input, struct span rest, bool old)
{
    struct tally seen = {0};
    for (;;) {
        struct span line;
        if (!take_line(&rest, &line)) {
            return MALFORMED("Malformed header");
        }
        if ((size_t)(rest.p - input.p) > HEAD_BYTES_MAX) {
            return REFUSED(431, "Request Header Fields Too Large");
        }
        if (line.n == 0) {
            return judge(&seen, old);
        }
        struct head_verdict v = check_header(line, &seen);
        if (v.status != 0) {
            return v;
        }
    }
}

struct head_verdict head_check(struct span input)
{
    struct span rest = input;
    if (span_starts(rest, SPAN("\r\n"))) { /* one is tolerated (RFC 9112, 2.2), as libh2o does */
        rest = span_sub(rest, 2, rest.n);
    }
    struct span line;
    if (!take_line(&rest, &line)) {
        return MALFORMED("Malformed request line");
    }
    bool old = false;
    struct head_verdict v = check_request_line(line, &old);
    return v.status != 0 ? v : check_headers(input, rest, old);
}

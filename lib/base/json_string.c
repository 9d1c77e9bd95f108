#include "base/json_plain.h"
#include "base/json_reader.h"
#include "base/utf8.h"

/* From behind the opening quote to the closing one; checks all but the escapes. */
static bool scan(struct json_reader *r, bool *escaped)
{
    for (;;) {
        r->at += json_plain_run(r->at, (size_t)(r->end - r->at));
        size_t left = (size_t)(r->end - r->at);
        if (left == 0 || (left == 1 && *r->at == '\\')) {
            return json_reader_refuse(r, ERR_INVALID, "unterminated string");
        }
        if (*r->at == '"') {
            return true;
        }
        if (*r->at == '\\') {
            *escaped = true;
            r->at += 2; /* whatever is escaped, it is not the end */
            continue;
        }
        size_t n = utf8_length(r->at, left);
        if (n < 2) {
            const char *what = n == 0 ? "invalid UTF-8" : "control character in string";
            return json_reader_refuse(r, ERR_INVALID, what);
        }
        r->at += n;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A UTF-16 unit from "uXXXX"; -1 when it is something else. */
static int32_t hex_unit(struct span s)
{
    if (s.n < 5 || s.p[0] != 'u') {
        return -1;
    }
    int32_t unit = 0;
    for (int i = 1; i < 5; i++) {
        int value = hex_value(s.p[i]);
        if (value < 0) {
            return -1;
        }
        unit = unit * 16 + value;
    }
    return unit;
}

/* `s` begins behind a backslash, at the u. Returns the bytes used, 0 when refused. */
static size_t unescape_unicode(struct span s, char **out)
{
    int32_t code = hex_unit(s);
    size_t used = 5;
    if (code < 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return 0;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        int32_t low = s.n > 5 && s.p[5] == '\\' ? hex_unit(span_sub(s, 6, 5)) : -1;
        if (low < 0xDC00 || low > 0xDFFF) {
            return 0;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        used = 11;
    }
    *out += utf8_encode((uint32_t)code, *out);
    return used;
}

/* `s` begins behind a backslash and is not empty. Returns the bytes used, 0 when refused. */
static size_t unescape_one(struct span s, char **out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (s.p[0] == 'u') {
        return unescape_unicode(s, out);
    }
    const char *found = memchr(from, s.p[0], sizeof from - 1);
    if (found == NULL) {
        return 0;
    }
    *(*out)++ = to[found - from];
    return 1;
}

/* No escape is shorter than what it stands for. */
static bool unescape(struct json_reader *r, struct span in, struct span *out)
{
    char *start = arena_alloc(r->arena, in.n + 1);
    char *to = start;
    for (;;) {
        size_t run = span_find(in, '\\');
        memcpy(to, in.p, run);
        to += run;
        if (run == in.n) {
            break;
        }
        in = span_sub(in, run + 1, in.n);
        size_t used = unescape_one(in, &to);
        if (used == 0) {
            r->at = in.p - 1;
            return json_reader_refuse(r, ERR_INVALID, "bad escape in string");
        }
        in = span_sub(in, used, in.n);
    }
    *out = span_of(start, (size_t)(to - start));
    return true;
}

static bool read_text(struct json_reader *r, struct span *text, bool *escaped)
{
    const char *first = ++r->at;
    if (!scan(r, escaped)) {
        return false;
    }
    *text = span_of(first, (size_t)(r->at - first));
    if (*escaped && !unescape(r, *text, text)) {
        return false;
    }
    r->at++;
    return true;
}

bool json_reader_name(struct json_reader *r, struct span *out)
{
    bool escaped = false;
    return read_text(r, out, &escaped);
}

bool json_reader_string(struct json_reader *r, struct span *out)
{
    bool escaped = false;
    if (!read_text(r, out, &escaped)) {
        return false;
    }
    if (!escaped) {
        *out = arena_copy(r->arena, *out);
    }
    return true;
}

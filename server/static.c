/* Answering from the table. */
#include "static.h"

#include "static_site.h"

enum { Q_MAX = 1000 };

/* --- lists with weights (RFC 9110, 12.4.2) --- */
/* "0", "0.5", "1.000" in thousandths; -1 for anything else. */
static int read_weight(struct span s)
{
    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.')) {
        return -1;
    }
    int weight = (s.p[0] - '0') * Q_MAX;
    int unit = Q_MAX / 10;
    for (size_t i = 2; i < s.n; i++, unit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return -1;
        }
        weight += (s.p[i] - '0') * unit;
    }
    return weight > Q_MAX ? -1 : weight;
}

/* The weight among the parameters after a name; one that cannot be read refuses. */
static int weight_in(struct span parameters)
{
    while (!span_is_null(parameters)) {
        struct span value = span_trim(span_cut(&parameters, ';'));
        struct span name = span_trim(span_cut(&value, '='));
        if (span_eq_nocase(name, SPAN("q"))) {
            int weight = read_weight(span_trim(value));
            return weight < 0 ? 0 : weight;
        }
    }
    return Q_MAX;
}

/* The weight that a list gives to `name`; -1 when it does not name it. */
static int weight_of(struct span list, struct span name)
{
    while (!span_is_null(list)) {
        struct span parameters = span_cut(&list, ',');
        if (span_eq_nocase(span_trim(span_cut(&parameters, ';')), name)) {
            return weight_in(parameters);
        }
    }
    return -1;
}

/* --- choices --- */
static const struct span coding_names[] = {[STATIC_PLAIN] = SPAN_CONST("identity"),
                                           [STATIC_GZIP] = SPAN_CONST("gzip"),
                                           [STATIC_BR] = SPAN_CONST("br")};

/* The form that is liked best; compressed ones before plain when liked equally. Plain when the
 * client likes none: better than an error (RFC 9110, 12.5.3). */
static enum static_coding choose(const struct static_file *file, struct span accepted)
{
    enum static_coding best = STATIC_PLAIN;
    int best_weight = 0;
    int others = weight_of(accepted, SPAN("*"));
    for (enum static_coding i = STATIC_PLAIN; i < STATIC_CODINGS; i++) {
        int weight = weight_of(accepted, coding_names[i]);
        weight = weight < 0 ? others : weight;
        if (!span_is_null(file->forms[i].bytes) && weight > 0 && weight >= best_weight) {
            best = i;
            best_weight = weight;
        }
    }
    return best;
}

/* RFC 9110, 13.1.2; compared weakly. An entity tag may hold a comma. */
static bool is_known(struct span if_none_match, struct span etag)
{
    struct span rest = if_none_match;
    if (span_is_null(rest)) {
        return false;
    }
    if (span_eq(span_trim(rest), SPAN("*"))) {
        return true;
    }
    for (;;) {
        (void)span_cut(&rest, '"');
        if (span_is_null(rest)) {
            return false;
        }
        struct span opaque = span_cut(&rest, '"');
        if (span_is_null(rest)) {
            return false; /* the quotation mark is not closed */
        }
        if (span_eq(opaque, span_sub(etag, 1, etag.n - 2))) {
            return true;
        }
    }
}

static bool is_reading(struct span method)
{
    return span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD"));
}

/* One that names text/html is a browser opening a page, not a script looking for a file. */
static bool is_page(const struct static_query *query)
{
    static const struct span kept[] = {SPAN_CONST("api"), SPAN_CONST("health"),
                                       SPAN_CONST("assets")};
    struct span rest = query->path;
    struct span part = span_cut(&rest, '/');
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (span_eq(part, kept[i])) {
            return false;
        }
    }
    while (!span_is_null(rest)) {
        part = span_cut(&rest, '/');
    }
    return is_reading(query->method) && span_find(part, '.') == part.n &&
           weight_of(query->accept, SPAN("text/html")) > 0;
}

static const struct static_file *find(const struct static_site *s, const struct static_query *query)
{
    const struct static_file *file =
        query->path.n == 0 ? s->index : map_get(&s->files, query->path);
    if (file != NULL && !file->hidden) {
        return file;
    }
    return is_page(query) ? s->index : NULL;
}

/* --- replies --- */
static void add(struct reply *r, struct span name, struct span value)
{
    r->headers[r->header_count++] = (struct reply_header){name, value};
}

/* COOP leaves popups their opener: signing in with another provider may use one. */
static void add_security(struct reply *r, struct span policy)
{
    add(r, SPAN("content-security-policy"), policy);
    add(r, SPAN("referrer-policy"), SPAN("strict-origin-when-cross-origin"));
    add(r, SPAN("cross-origin-opener-policy"), SPAN("same-origin-allow-popups"));
    add(r, SPAN("permissions-policy"),
        SPAN("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
}

static struct reply answer_method(struct span method)
{
    bool asks = span_eq(method, SPAN("OPTIONS"));
    struct reply r = {.status = asks ? 204 : 405,
                      .body = asks ? SPAN_NULL : SPAN("{\"detail\":\"Method Not Allowed\"}")};
    add(&r, SPAN("allow"), SPAN("GET, HEAD"));
    return r;
}

static struct reply answer_file(const struct static_site *s, const struct static_file *file,
                                const struct static_query *query)
{
    enum static_coding coding = choose(file, query->accept_encoding);
    const struct static_form *form = &file->forms[coding];
    struct reply r = {.status = 304};
    add(&r, SPAN("etag"), form->etag);
    add(&r, SPAN("cache-control"), file->cache);
    add(&r, SPAN("vary"), SPAN("Accept-Encoding"));
    add_security(&r, s->policy);
    if (is_known(query->if_none_match, form->etag)) {
        return r;
    }
    if (coding != STATIC_PLAIN) {
        add(&r, SPAN("content-encoding"), coding_names[coding]);
    }
    r.status = 200;
    r.type = file->type;
    r.body = form->bytes;
    return r;
}

bool static_find(const struct static_site *s, const struct static_query *query, struct reply *out)
{
    const struct static_file *file = find(s, query);
    if (file == NULL) {
        return false;
    }
    *out = is_reading(query->method) ? answer_file(s, file, query) : answer_method(query->method);
    return true;
}

static struct span joined_segments(const struct call *c)
{
    struct text path = TEXT((size_t)64 * 1024);
    for (size_t i = 0; i < c->segment_count; i++) {
        text_add(&path, i == 0 ? SPAN("") : SPAN("/"));
        text_add(&path, c->segments[i]);
    }
    struct span joined = arena_copy(c->arena, text_span(&path));
    text_free(&path);
    return joined;
}

bool static_serve(const struct static_site *s, const struct call *c, struct reply *out)
{
    if (s == NULL) {
        return false;
    }
    struct static_query query = {
        .method = c->method,
        .path = joined_segments(c),
        .accept = http_header(c, SPAN("accept")),
        .accept_encoding = http_header(c, SPAN("accept-encoding")),
        .if_none_match = http_header(c, SPAN("if-none-match")),
    };
    return static_find(s, &query, out);
}

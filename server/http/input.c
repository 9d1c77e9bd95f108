#include "http/input.h"

#include "base/text.h"
#include "http/conn.h"
#include "http/head.h"
#include "http/headers.h"
#include "http/request.h"

enum { REQUEST_ID_MAX = 64 };

static struct span of_iovec(h2o_iovec_t v)
{
    return span_of(v.base, v.len);
}

/* Trimmed, because libh2o leaves trailing blanks (T10); copied, because it may forget them first
 * (T1). */
static struct span copy_value(struct arena *a, h2o_iovec_t v)
{
    return arena_copy(a, span_trim(of_iovec(v)));
}

static bool is_request_id(struct span s)
{
    if (s.n == 0 || s.n > REQUEST_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return true;
}

/* --- headers --- */
struct span http_header(const struct call *c, struct span name)
{
    const struct request *q = request_of(c);
    if (q->req == NULL) {
        return SPAN_NULL;
    }
    ssize_t i = h2o_find_header_by_str(&q->req->headers, name.p, name.n, -1);
    return i == -1 ? SPAN_NULL : copy_value(c->arena, q->req->headers.entries[i].value);
}

struct span input_joined(const h2o_req_t *req, struct span name, struct arena *a)
{
    struct text all = TEXT(HEAD_BYTES_MAX);
    ssize_t i = h2o_find_header_by_str(&req->headers, name.p, name.n, -1);
    bool found = i != -1;
    for (bool first = true; i != -1; first = false) {
        text_add(&all, first ? SPAN("") : SPAN(", "));
        text_add(&all, of_iovec(req->headers.entries[i].value));
        i = h2o_find_header_by_str(&req->headers, name.p, name.n, i);
    }
    struct span joined = found ? arena_copy(a, text_span(&all)) : SPAN_NULL;
    text_free(&all);
    return joined;
}

/* The last line alone: what is right of it nobody has written. */
static struct span last_value(const h2o_req_t *req, struct span name)
{
    struct span last = SPAN_NULL;
    for (ssize_t i = -1; (i = h2o_find_header_by_str(&req->headers, name.p, name.n, i)) != -1;) {
        last = of_iovec(req->headers.entries[i].value);
    }
    return last;
}

/* One pass over the headers. Well-known names are pointers into libh2o's token table. */
static void fill_headers(struct request *q)
{
    struct call *c = &q->call;
    for (size_t i = 0; i < q->req->headers.size; i++) {
        const h2o_header_t *header = &q->req->headers.entries[i];
        struct span name = of_iovec(*header->name);
        if (header->name == &H2O_TOKEN_AUTHORIZATION->buf) {
            c->authorization_repeated = !span_is_null(c->authorization);
            c->authorization = copy_value(c->arena, header->value);
        } else if (header->name == &H2O_TOKEN_CONTENT_TYPE->buf) {
            c->content_type = copy_value(c->arena, header->value);
        } else if (span_eq(name, SPAN("origin"))) {
            c->origin = copy_value(c->arena, header->value);
        } else if (span_eq(name, SPAN("x-request-id")) &&
                   is_request_id(span_trim(of_iovec(header->value)))) {
            c->request_id = copy_value(c->arena, header->value);
        }
    }
}

/* --- who --- */
static struct span peer_of(const h2o_req_t *req)
{
    struct conn *c = conn_of(req);
    return c == NULL ? SPAN("") : conn_peer(c);
}

struct span input_client(const struct http *h, const h2o_req_t *req, struct arena *a)
{
    struct span peer = peer_of(req);
    if (!forwarded_trusts(&h->trust, peer)) {
        return arena_copy(a, peer);
    }
    char *out = arena_alloc(a, FORWARDED_CLIENT_SIZE);
    return forwarded_client(&h->trust, peer, input_joined(req, SPAN("x-forwarded-for"), a), out);
}

bool input_is_https(const struct http *h, const h2o_req_t *req)
{
    return h->trust.count != 0 &&
           forwarded_is_https(&h->trust, peer_of(req), last_value(req, SPAN("x-forwarded-proto")));
}

void input_fill(struct request *q)
{
    struct call *c = &q->call;
    const h2o_req_t *req = q->req;
    struct span rest = arena_copy(c->arena, of_iovec(req->input.path));
    c->method = arena_copy(c->arena, of_iovec(req->input.method));
    c->path = span_cut(&rest, '?');
    c->query = rest;
    c->body = span_of(req->entity.base == NULL ? "" : req->entity.base, req->entity.len);
    c->peer = arena_copy(c->arena, peer_of(req));
    c->client = input_client(q->http, req, c->arena);
    c->is_https = input_is_https(q->http, req);
    c->wants_upgrade = span_eq_nocase(span_trim(of_iovec(req->upgrade)), SPAN("websocket"));
    fill_headers(q);
    q->origin_allowed = cors_allows(q->http->origins, c->origin);
    if (span_is_null(c->request_id)) {
        c->request_id = headers_new_id(q->http, arena_alloc(c->arena, HEADERS_ID_LENGTH));
    }
}

#include "http/headers.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"
#include "http/head.h"
#include "http/input.h"
#include "http/reason.h"
#include "http/request.h"

enum { LOGGED_PATH_MAX = 512 };

static const struct span request_id_name = {"x-request-id", 12};
static const struct span allow_origin_name = {"access-control-allow-origin", 27};
static const struct span allow_credentials_name = {"access-control-allow-credentials", 32};
static const struct span vary_name = {"vary", 4};

/* On every answer that does not bring its own: what an API that nobody embeds, caches or renders
 * wants. The web app's files bring theirs (static.c). */
static const struct {
    struct span name, value;
} common[] = {
    {SPAN_CONST("x-content-type-options"), SPAN_CONST("nosniff")},
    {SPAN_CONST("x-frame-options"), SPAN_CONST("DENY")},
    {SPAN_CONST("referrer-policy"), SPAN_CONST("no-referrer")},
    {SPAN_CONST("content-security-policy"),
     SPAN_CONST("default-src 'none'; frame-ancestors 'none'")},
    {SPAN_CONST("cache-control"), SPAN_CONST("no-store")},
};
static const struct span hsts_name = SPAN_CONST("strict-transport-security");

void headers_add(h2o_req_t *req, const struct span *name, struct span value)
{
    _Static_assert(offsetof(struct span, p) == offsetof(h2o_iovec_t, base), "same shape");
    _Static_assert(offsetof(struct span, n) == offsetof(h2o_iovec_t, len), "same shape");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0') {
            log_event(LOG_ERROR, "header dropped", LOG_SPAN("name", *name));
            return;
        }
    }
    h2o_headers_t *headers = &req->res.headers;
    h2o_vector_reserve(&req->pool, headers, headers->size + 1);
    headers->entries[headers->size++] = (h2o_header_t){
        .name = (h2o_iovec_t *)(void *)name, /* libh2o only reads it */
        .value = h2o_iovec_init(value.p, value.n),
    };
}

struct span headers_new_id(struct http *h, char *p)
{
    memcpy(p, h->id_prefix, sizeof h->id_prefix);
    uint64_t count = ++h->id_count;
    size_t n = sizeof h->id_prefix;
    for (int shift = 4 * (HEADERS_ID_LENGTH - (int)n) - 4; shift >= 0; shift -= 4) {
        p[n++] = "0123456789abcdef"[count >> shift & 0xF];
    }
    return span_of(p, n);
}

/* The call of `req`; NULL when libh2o answers by itself. */
static struct request *request_behind(const h2o_req_t *req)
{
    struct conn *c = conn_of(req);
    return c == NULL ? NULL : c->request;
}

static struct http *http_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct http, context, req->conn->ctx);
}

/* CONTRACT.md section 1: errors carry these too. */
static void add_cors(h2o_req_t *req, struct span origin)
{
    headers_add(req, &allow_origin_name, origin);
    headers_add(req, &allow_credentials_name, SPAN("true"));
    headers_add(req, &vary_name, SPAN("Origin"));
}

static void add_common(h2o_req_t *req)
{
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        const struct span *name = &common[i].name;
        if (h2o_find_header_by_str(&req->res.headers, name->p, name->n, -1) == -1) {
            headers_add(req, name, common[i].value);
        }
    }
}

/* Only over https does it mean anything (RFC 6797, 7.2). */
static void add_hsts(h2o_req_t *req, bool is_https)
{
    if (is_https) {
        headers_add(req, &hsts_name, SPAN("max-age=31536000; includeSubDomains"));
    }
}

/* --- libh2o's own errors: text/plain becomes {"detail": ...} --- */
struct replacement {
    h2o_ostream_t super; /* first: libh2o hands it back */
    h2o_iovec_t body;
};

static void on_replaced_send(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                             h2o_send_state_t state)
{
    struct replacement *r = (struct replacement *)self;
    bool silent = h2o_send_state_is_in_progress(state) ||
                  h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    h2o_ostream_send_next(self, req, &r->body, silent ? 0 : 1, state);
}

/* Static words only, so that nothing needs escaping. */
static h2o_iovec_t error_body(h2o_req_t *req)
{
    const char *words = reason_of(req->res.status);
    return h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("{\"detail\":\"")),
                      h2o_iovec_init(words, strlen(words)), h2o_iovec_init(H2O_STRLIT("\"}")));
}

static h2o_ostream_t **replace_body(h2o_req_t *req, h2o_ostream_t **slot)
{
    ssize_t i = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    if (req->res.status < 400 || i == -1) {
        return slot;
    }
    struct replacement *r = (struct replacement *)h2o_add_ostream(req, sizeof *r, slot);
    r->super.do_send = on_replaced_send;
    r->body = error_body(req);
    req->res.headers.entries[i].value = h2o_iovec_init(H2O_STRLIT("application/json"));
    req->res.content_length = r->body.len;
    return &r->super.next;
}

static struct span origin_of(const h2o_req_t *req)
{
    ssize_t i = h2o_find_header_by_str(&req->headers, H2O_STRLIT("origin"), -1);
    return i == -1 ? SPAN_NULL
                   : span_trim(span_of(req->headers.entries[i].value.base,
                                       req->headers.entries[i].value.len));
}

/* What libh2o's own body reader does not know it calls a bad request; the guard, which it never
 * reaches, has the better name (411). */
static void rename_error(h2o_req_t *req)
{
    const struct conn *c = conn_of(req);
    if (req->res.status != 400 || c == NULL) {
        return;
    }
    const h2o_buffer_t *input = c->sock->input;
    struct head_verdict v = head_check(span_of(input->bytes, input->size));
    if (v.status != 0) {
        req->res.status = v.status;
        req->res.reason = reason_of(v.status);
    }
}

static h2o_ostream_t **set_up_own_error(h2o_req_t *req, h2o_ostream_t **slot)
{
    struct http *h = http_of(req);
    char *id = h2o_mem_alloc_pool(&req->pool, HEADERS_ID_LENGTH);
    headers_add(req, &request_id_name, headers_new_id(h, id));
    struct span origin = origin_of(req);
    if (cors_allows(h->origins, origin)) {
        add_cors(req, origin);
    }
    add_hsts(req, input_is_https(h, req));
    rename_error(req);
    return replace_body(req, slot);
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    const struct request *q = request_behind(req);
    add_common(req);
    if (q == NULL) {
        slot = set_up_own_error(req, slot);
    } else {
        headers_add(req, &request_id_name, q->call.request_id);
        add_hsts(req, q->call.is_https);
        if (q->origin_allowed) {
            add_cors(req, q->call.origin);
        }
    }
    h2o_setup_next_ostream(req, slot);
}

/* --- the access log --- */
static struct span logged_path(struct span path)
{
    return span_of(path.p, span_utf8_prefix(path, LOGGED_PATH_MAX));
}

static void log_request(const h2o_req_t *req, const struct request *q)
{
    const struct call *c = &q->call;
    log_event(LOG_INFO, "request", LOG_SPAN("method", c->method),
              LOG_SPAN("path", logged_path(c->path)), LOG_INT("status", req->res.status),
              LOG_INT("bytes", (int64_t)req->bytes_sent),
              LOG_INT("us", (int64_t)(clock_mono_us() - c->started_us)),
              LOG_SPAN("request_id", c->request_id), LOG_SPAN("client", c->client));
}

/* One that libh2o refused itself. Its query may hold a token. */
static void log_own_error(const h2o_req_t *req)
{
    struct span path = span_of(req->input.path.base, req->input.path.len);
    path.n = span_find(path, '?');
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    log_event(LOG_INFO, "request",
              LOG_SPAN("method", span_of(req->input.method.base, req->input.method.len)),
              LOG_SPAN("path", logged_path(path)), LOG_INT("status", req->res.status),
              LOG_INT("bytes", (int64_t)req->bytes_sent),
              LOG_SPAN("client", input_client(http_of(req), req, a)));
}

/* libh2o calls this once per request, when it is about to forget it. */
static void on_log_access(h2o_logger_t *self, h2o_req_t *req)
{
    struct request *q = request_behind(req);
    struct conn *c = conn_of(req);
    if (c != NULL) {
        conn_account(c);
    }
    if (q == NULL) {
        log_own_error(req);
        return;
    }
    log_request(req, q);
    request_disposed(q);
}

void headers_register(h2o_pathconf_t *path)
{
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup_ostream;
    h2o_create_logger(path, sizeof(h2o_logger_t))->log_access = on_log_access;
}

#include "http/request.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"
#include "http/head.h"
#include "http/headers.h"
#include "http/input.h"
#include "http/path.h"
#include "http/reason.h"

/* What libh2o hands to request_on_req knows its server by lying in the same struct. */
static struct http *http_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct http, context, req->conn->ctx);
}

struct request *request_of(const struct call *c)
{
    return (struct request *)(void *)((char *)c - offsetof(struct request, call));
}

static void free_request(struct request *q)
{
    if (q->input != NULL) {
        h2o_buffer_dispose(&q->input);
    }
    arena_free(q->call.arena); /* `q` lies in it */
}

/* The body lies in the socket's buffer, which goes with the connection: leave the socket an empty
 * one. */
static void keep_input(struct request *q)
{
    h2o_socket_t *sock = q->req->conn->callbacks->get_socket(q->req->conn);
    if (sock != NULL && q->input == NULL) {
        q->input = sock->input;
        h2o_buffer_init(&sock->input, &h2o_socket_buffer_prototype);
    }
}

void request_disposed(struct request *q)
{
    if (q == NULL) {
        return;
    }
    struct conn *c = conn_of(q->req);
    if (c != NULL) {
        c->request = NULL;
    }
    if (q->ended) {
        free_request(q);
        return;
    }
    keep_input(q);
    q->req = NULL;
    list_remove(&q->pending); /* the list's head may go before the caller answers */
}

bool request_end(struct request *q)
{
    assert(!q->ended);
    q->ended = true;
    list_remove(&q->pending);
    if (q->req == NULL) {
        free_request(q);
        return false;
    }
    return !q->answered;
}

/* RFC 9110: neither has a body, nor a length worth stating. */
static bool is_bodiless(int status)
{
    return status == 204 || status == 304;
}

/* Exactly one h2o_send per request, and a known length, always (T3, T5). The body is not copied: it
 * is in the arena, which outlives libh2o's interest, or static. */
static void send_reply(struct request *q, const struct reply *r)
{
    static h2o_generator_t generator = {NULL, NULL};
    static const struct span content_type = {"content-type", 12};
    h2o_req_t *req = q->req;
    if (q->http->closing) {
        req->http1_is_persistent = 0; /* libh2o decided before the end began */
    }
    req->res.status = r->status;
    req->res.reason = reason_of(r->status);
    req->res.content_length = is_bodiless(r->status) ? SIZE_MAX : r->body.n;
    if (!is_bodiless(r->status)) {
        bool json = span_is_null(r->type);
        headers_add(req, &content_type, json ? SPAN("application/json") : r->type);
    }
    for (size_t i = 0; i < r->header_count; i++) {
        headers_add(req, &r->headers[i].name, r->headers[i].value);
    }
    h2o_iovec_t body = h2o_iovec_init(r->body.p, r->body.n);
    bool silent = is_bodiless(r->status) || body.len == 0 || span_eq(q->call.method, SPAN("HEAD"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, silent ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void http_answer(struct call *c, struct reply r)
{
    assert(!r.later && r.header_count <= sizeof r.headers / sizeof *r.headers);
    struct request *q = request_of(c);
    if (request_end(q)) {
        /* the names are kept by pointer until the head is written, so not on this stack */
        struct reply *kept = arena_alloc(c->arena, sizeof *kept);
        *kept = r;
        send_reply(q, kept);
    }
}

static struct reply error_reply(struct arena *a, int status, const char *detail)
{
    return (struct reply){.status = status, .body = arena_printf(a, "{\"detail\":\"%s\"}", detail)};
}

void request_refuse(struct request *q, int status, const char *detail)
{
    http_answer(&q->call, error_reply(q->call.arena, status, detail));
}

void request_abandon(struct request *q)
{
    if (q->req == NULL || q->answered) {
        return;
    }
    keep_input(q);
    q->answered = true;
    struct reply *r = arena_alloc(q->call.arena, sizeof *r);
    *r = error_reply(q->call.arena, 503, "The server is shutting down");
    send_reply(q, r);
}

/* --- clients that leave (T2) --- */
bool http_call_is_gone(const struct call *c)
{
    const struct request *q = request_of(c);
    const struct conn *conn = q->req == NULL || q->answered ? NULL : conn_of(q->req);
    return conn == NULL || conn_is_gone(conn);
}

static struct request *first_gone(const struct http *h)
{
    LIST_EACH (it, &h->pending) {
        struct request *q = LIST_ENTRY(it, struct request, pending);
        if (q->gone && !q->gone_told) {
            return q;
        }
    }
    return NULL;
}

/* First a look at all, then the calls: each of them may answer any request. */
void request_sweep(struct http *h)
{
    LIST_EACH (it, &h->pending) {
        struct request *q = LIST_ENTRY(it, struct request, pending);
        q->gone = q->call.on_gone != NULL && !q->gone_told && http_call_is_gone(&q->call);
    }
    for (struct request *q = first_gone(h); q != NULL; q = first_gone(h)) {
        q->gone_told = true;
        q->call.on_gone(&q->call);
    }
}

static struct request *new_request(h2o_req_t *req)
{
    struct arena *a = arena_new();
    struct request *q = arena_alloc(a, sizeof *q);
    q->http = http_of(req);
    q->req = req;
    q->call.arena = a;
    q->call.app = q->http->options.app;
    q->call.started_us = clock_mono_us();
    list_add_last(&q->http->pending, &q->pending);
    conn_of(req)->request = q;
    input_fill(q);
    return q;
}

static bool is_preflight(const struct call *c)
{
    return span_eq(c->method, SPAN("OPTIONS")) && !span_is_null(c->origin) &&
           !span_is_null(http_header(c, SPAN("access-control-request-method")));
}

/* The filter adds allow-origin, credentials and vary for an allowed origin, as on any other answer.
 */
static void answer_preflight(struct request *q)
{
    struct call *c = &q->call;
    struct cors_verdict v =
        cors_preflight(q->origin_allowed, http_header(c, SPAN("access-control-request-method")));
    struct reply r = {
        .status = v.status,
        .type = SPAN("text/plain; charset=utf-8"),
        .body = v.body,
        .headers = {{SPAN("access-control-allow-methods"), SPAN(CORS_METHODS)},
                    {SPAN("access-control-max-age"), SPAN(CORS_MAX_AGE)}},
        .header_count = 2,
    };
    struct span asked = http_header(c, SPAN("access-control-request-headers"));
    if (!span_is_null(asked)) {
        r.headers[r.header_count++] =
            (struct reply_header){SPAN("access-control-allow-headers"), asked};
    }
    http_answer(c, r);
}

/* The raw head still lies at the start of the socket's buffer when the handler is called. */
static bool passes_guard(struct request *q)
{
    const h2o_buffer_t *input = conn_of(q->req)->sock->input;
    struct head_verdict v = head_check(span_of(input->bytes, input->size));
    if (v.status == 0) {
        return true;
    }
    q->req->http1_is_persistent = 0; /* drops whatever was smuggled behind it */
    request_refuse(q, v.status, v.detail);
    return false;
}

/* "OPTIONS *" asks about the server as a whole (RFC 9110, 9.3.7). */
static bool is_about_server(const struct call *c)
{
    return span_eq(c->method, SPAN("OPTIONS")) && span_eq(c->path, SPAN("*"));
}

static void answer_about_server(struct request *q)
{
    http_answer(&q->call, (struct reply){.status = 204,
                                         .headers = {{SPAN("allow"), SPAN(CORS_METHODS)}},
                                         .header_count = 1});
}

static bool has_good_path(struct request *q)
{
    struct call *c = &q->call;
    enum err e = path_split(c->arena, c->path, c->segments, CALL_SEGMENTS_MAX, &c->segment_count);
    if (e == OK) {
        return true;
    }
    bool too_deep = e == ERR_LIMIT; /* no route is that long */
    request_refuse(q, too_deep ? 404 : 400, too_deep ? "Not Found" : "Malformed path");
    return false;
}

int request_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct request *q = new_request(req);
    if (!passes_guard(q)) {
        return 0;
    }
    if (is_about_server(&q->call)) {
        answer_about_server(q);
        return 0;
    }
    if (!has_good_path(q)) {
        return 0;
    }
    if (is_preflight(&q->call)) {
        answer_preflight(q);
        return 0;
    }
    q->http->options.on_call(&q->call);
    return 0;
}

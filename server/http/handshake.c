/* The opening handshake (RFC 6455, 4.2), of which libh2o checks only part (T30). */
#include <mbedtls/md.h>

#include "base/b64.h"
#include "http/headers.h"
#include "http/request.h"
#include "http/sockets.h"

enum { NONCE_SIZE = 16, SHA1_SIZE = 20, ACCEPT_MAX = 32 };

struct refusal {
    int status; /* 0: none */
    const char *detail;
    struct reply_header header; /* its name is the null span for none */
};

static bool is_nonce(struct span key)
{
    uint8_t nonce[NONCE_SIZE + 2];
    size_t n = 0;
    return b64_decode(key, nonce, sizeof nonce, &n) == OK && n == NONCE_SIZE;
}

static bool is_repeated(const h2o_req_t *req, struct span name)
{
    ssize_t first = h2o_find_header_by_str(&req->headers, name.p, name.n, -1);
    return first != -1 && h2o_find_header_by_str(&req->headers, name.p, name.n, first) != -1;
}

static struct refusal check(const struct request *q)
{
    static const struct span key_name = {"sec-websocket-key", 17};
    const struct call *c = &q->call;
    if (!span_eq(c->method, SPAN("GET"))) {
        return (struct refusal){405, "Method Not Allowed", {SPAN("allow"), SPAN("GET")}};
    }
    if (!c->wants_upgrade || q->req->version < 0x101) {
        return (struct refusal){426, "This is a WebSocket", {SPAN("upgrade"), SPAN("websocket")}};
    }
    if (!span_eq(http_header(c, SPAN("sec-websocket-version")), SPAN("13"))) {
        return (struct refusal){
            426, "WebSocket version 13 only", {SPAN("sec-websocket-version"), SPAN("13")}};
    }
    if (!is_nonce(http_header(c, key_name)) || is_repeated(q->req, key_name) || c->body.n != 0) {
        return (struct refusal){400, "Malformed WebSocket handshake", {SPAN_NULL, SPAN_NULL}};
    }
    if (q->http->closing) {
        return (struct refusal){503, "The server is shutting down", {SPAN_NULL, SPAN_NULL}};
    }
    return (struct refusal){0};
}

/* The key and a fixed string, hashed: proof that we are no cache and no plain HTTP server. */
static struct span accept_value(struct arena *a, struct span key)
{
    struct span source =
        arena_printf(a, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", SPAN_ARGS(key));
    unsigned char hash[SHA1_SIZE] = {0};
    (void)mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), (const unsigned char *)source.p,
                     source.n, hash); /* fails only for a bad digest type */
    struct text encoded = TEXT(ACCEPT_MAX);
    b64_encode(&encoded, span_of((const char *)hash, sizeof hash));
    struct span value = arena_copy(a, text_span(&encoded));
    text_free(&encoded);
    return value;
}

/* The 101 passes no filter (T8), so it gets its request id here. */
static void set_head(struct request *q)
{
    static const struct span names[] = {
        {"upgrade", 7}, {"sec-websocket-accept", 20}, {"x-request-id", 12}};
    h2o_req_t *req = q->req;
    struct span key = http_header(&q->call, SPAN("sec-websocket-key"));
    req->res.status = 101;
    req->res.reason = "Switching Protocols";
    headers_add(req, &names[0], SPAN("websocket"));
    headers_add(req, &names[1], accept_value(q->call.arena, key));
    headers_add(req, &names[2], q->call.request_id);
}

static void refuse(struct request *q, const struct refusal *no)
{
    struct call *c = &q->call;
    http_answer(c, (struct reply){
                       .status = no->status,
                       .body = arena_printf(c->arena, "{\"detail\":\"%s\"}", no->detail),
                       .headers = {no->header},
                       .header_count = span_is_null(no->header.name) ? 0 : 1,
                   });
}

struct ws *http_upgrade(struct call *c, const struct ws_options *options)
{
    struct request *q = request_of(c);
    struct refusal no = {0};
    if (q->req != NULL) {
        no = check(q);
    }
    if (no.status != 0) {
        refuse(q, &no);
        return NULL;
    }
    if (!request_end(q)) {
        return NULL; /* nobody is there any more (T1) */
    }
    set_head(q);
    return sockets_upgrade(q->http, q->req, options);
}

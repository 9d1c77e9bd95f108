#include "http/conn.h"

#include <netdb.h>

#include "base/log.h"

enum { BACKLOG = 4096, KEEPALIVE_S = 60 };

static void take_connection(uv_stream_t *listener, int status);

static void on_handle_closed(uv_handle_t *handle)
{
    struct conn *c = (struct conn *)(void *)handle;
    struct http *h = c->http;
    mem_free(c);
    h->conn_count--;
    if (h->accept_paused && !h->closing) {
        h->accept_paused = false;
        take_connection((uv_stream_t *)&h->listener, 0);
    }
}

/* The socket ends; its handle follows within this turn of the loop. */
static void on_socket_closed(void *data)
{
    struct conn *c = data;
    c->sock = NULL;
    list_remove(&c->link);
}

static void start(struct conn *c)
{
    struct http *h = c->http;
    (void)uv_tcp_nodelay(&c->tcp, 1);
    (void)uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
    c->progress_at = state_now(h);
    c->sock = h2o_uv_socket_create((uv_stream_t *)&c->tcp, on_handle_closed);
    c->sock->on_close.cb = on_socket_closed;
    c->sock->on_close.data = c;
    list_add_last(&h->conns, &c->link);
    h2o_accept(&h->accept, c->sock);
}

/* At the cap the connection is left in the listener: libuv does not poll it again until uv_accept.
 */
static void take_connection(uv_stream_t *listener, int status)
{
    struct http *h = listener->data;
    if (status != 0) {
        log_event(LOG_WARN, "accept", LOG_STR("reason", uv_strerror(status)));
        return;
    }
    if (h->conn_count >= h->options.connections_max) {
        h->accept_paused = true;
        return;
    }
    struct conn *c = mem_alloc(sizeof *c);
    c->http = h;
    h->conn_count++;
    (void)uv_tcp_init(h->loop, &c->tcp); /* makes no socket yet: cannot fail */
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0) {
        uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
        return;
    }
    start(c);
}

/* Names are for "localhost"; resolving blocks, once, before the loop runs. */
static int resolve(const struct http_options *options, struct sockaddr_storage *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[16];
    (void)snprintf(port, sizeof port, "%u", options->port);
    if (options->port > UINT16_MAX || getaddrinfo(options->host, port, &hints, &found) != 0) {
        return UV_EADDRNOTAVAIL;
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

static int listen_on(struct http *h)
{
    struct sockaddr_storage address = {0};
    int r = resolve(&h->options, &address);
    if (r == 0) {
        r = uv_tcp_bind(&h->listener, (const struct sockaddr *)&address, 0);
    }
    return r != 0 ? r : uv_listen((uv_stream_t *)&h->listener, BACKLOG, take_connection);
}

enum err conn_listen(struct http *h)
{
    h->listener.data = h;
    int r = listen_on(h);
    if (r == 0) {
        return OK;
    }
    log_event(LOG_ERROR, "listen", LOG_STR("host", h->options.host),
              LOG_INT("port", h->options.port), LOG_STR("reason", uv_strerror(r)));
    return ERR_UNAVAILABLE;
}

struct conn *conn_of(const h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    return sock == NULL || sock->on_close.cb != on_socket_closed ? NULL : sock->on_close.data;
}

struct span conn_peer(struct conn *c)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    if (c->peer[0] == '\0' &&
        uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &size) == 0) {
        (void)uv_ip_name((const struct sockaddr *)&address, c->peer, sizeof c->peer);
    }
    return span_str(c->peer);
}

size_t conn_unsent(const struct conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

void conn_cut(const struct conn *c)
{
    if (c->sock != NULL) {
        (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
    }
}

static void cut_if_stalled(struct conn *c)
{
    uint64_t now = state_now(c->http);
    size_t unsent = conn_unsent(c);
    if (unsent == 0 || unsent != c->unsent) {
        c->unsent = unsent;
        c->progress_at = now;
    } else if (now - c->progress_at > c->http->timing.stall_ms) {
        conn_cut(c);
    }
}

/* A request is being received from its first byte until libh2o has chosen a handler for it. */
static int64_t receiving(const h2o_req_t *req)
{
    struct timeval begin = req->timestamps.request_begin_at;
    return req->pathconf != NULL ? 0 : (int64_t)begin.tv_sec * 1000000 + begin.tv_usec;
}

static int cut_if_slow(h2o_req_t *req, void *data)
{
    struct http *h = data;
    struct conn *c = conn_of(req);
    if (c == NULL) {
        return 0;
    }
    int64_t request = receiving(req);
    if (request == 0 || request != c->receiving) {
        c->receiving = request;
        c->receiving_since = state_now(h);
        return 0;
    }
    bool head_done = req->version != 0;
    if (state_now(h) - c->receiving_since > (head_done ? h->timing.body_ms : h->timing.head_ms)) {
        conn_cut(c);
    }
    return 0;
}

void conn_sweep(struct http *h)
{
    LIST_EACH (it, &h->conns) {
        cut_if_stalled(LIST_ENTRY(it, struct conn, link));
    }
    (void)h->config.http1.callbacks.foreach_request(&h->context, cut_if_slow, h);
}

/* Bytes the client sent before the shutdown are still read, so no request is lost half-way. */
void conn_close_idle(struct http *h)
{
    LIST_EACH (it, &h->conns) {
        struct conn *c = LIST_ENTRY(it, struct conn, link);
        bool busy = c->upgraded || c->request != NULL || c->sock->input->size != 0 ||
                    h2o_socket_is_writing(c->sock);
        if (!busy) {
            (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RD);
        }
    }
}

void conn_cut_all(struct http *h)
{
    LIST_EACH (it, &h->conns) {
        conn_cut(LIST_ENTRY(it, struct conn, link));
    }
}

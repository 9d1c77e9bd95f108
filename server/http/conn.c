#include "http/conn.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include "base/log.h"
#include "http/accept.h"

enum { KEEPALIVE_S = 60 };

/* All that libh2o writes without an end in the access log: "100 Continue", or its raw 400. */
#define INTERIM_SIZE (sizeof "HTTP/1.1 100 Continue\r\n\r\n" - 1)

static void on_handle_closed(uv_handle_t *handle)
{
    struct conn *c = (struct conn *)(void *)handle;
    struct http *h = c->http;
    mem_free(c);
    h->conn_count--;
    accept_resume(h);
}

/* What libh2o cannot parse at all it refuses without calling anybody (T8): seen here by what it
 * has written. */
static void log_raw_refusal(struct conn *c)
{
    if (!c->upgraded && c->sock->bytes_written > c->accounted + INTERIM_SIZE) {
        log_event(LOG_INFO, "request", LOG_STR("method", NULL), LOG_INT("status", 400),
                  LOG_INT("received", (int64_t)c->sock->bytes_read), LOG_STR("client", c->peer));
    }
}

/* The socket ends; its handle follows within this turn of the loop. */
static void on_socket_closed(void *data)
{
    struct conn *c = data;
    log_raw_refusal(c);
    c->sock = NULL;
    list_remove(&c->link);
}

static void name_peer(struct conn *c)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &size) != 0) {
        return; /* it has left already */
    }
    (void)uv_ip_name((const struct sockaddr *)&address, c->peer, sizeof c->peer);
    if (strncmp(c->peer, "::ffff:", 7) == 0 && strchr(c->peer, '.') != NULL) {
        memmove(c->peer, c->peer + 7, strlen(c->peer + 7) + 1); /* IPv4 at an IPv6 listener */
    }
}

void conn_start(struct http *h, int fd)
{
    struct conn *c = mem_alloc(sizeof *c);
    c->http = h;
    h->conn_count++;
    (void)uv_tcp_init(h->loop, &c->tcp); /* makes no socket yet: cannot fail */
    int r = uv_tcp_open(&c->tcp, fd);
    if (r != 0) {
        log_event(LOG_ERROR, "accept", LOG_STR("reason", uv_strerror(r)));
        (void)close(fd);
        uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
        return;
    }
    (void)uv_tcp_nodelay(&c->tcp, 1);
    (void)uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
    name_peer(c);
    c->progress_at = state_now(h);
    c->sock = h2o_uv_socket_create((uv_stream_t *)&c->tcp, on_handle_closed);
    c->sock->on_close.cb = on_socket_closed;
    c->sock->on_close.data = c;
    list_add_last(&h->conns, &c->link);
    h2o_accept(&h->accept, c->sock);
}

struct conn *conn_of(const h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    return sock == NULL || sock->on_close.cb != on_socket_closed ? NULL : sock->on_close.data;
}

struct span conn_peer(const struct conn *c)
{
    return span_str(c->peer);
}

void conn_account(struct conn *c)
{
    if (c->sock != NULL) {
        c->accounted = c->sock->bytes_written;
    }
}

/* A FIN or a reset shows in the state of TCP, whatever still waits to be read (T2). */
bool conn_is_gone(const struct conn *c)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    return c->sock == NULL ||
           getsockopt(h2o_socket_get_fd(c->sock), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
           info.tcpi_state != TCP_ESTABLISHED;
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

/* A WebSocket that stalls is told so by its ws first (1013), and has as long again for that. */
static void cut_if_stalled(struct conn *c)
{
    uint64_t now = state_now(c->http);
    uint64_t patience = (uint64_t)c->http->timing.stall_ms * (c->upgraded ? 2 : 1);
    size_t unsent = conn_unsent(c);
    if (unsent == 0 || unsent != c->unsent) {
        c->unsent = unsent;
        c->progress_at = now;
    } else if (now - c->progress_at > patience) {
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

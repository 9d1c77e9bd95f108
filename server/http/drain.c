/* The end of a server (T25, T27). It passes three points: no more accepting; no connections left;
 * no uv handles left. */
#include <assert.h>

#include "http/accept.h"
#include "http/conn.h"
#include "http/request.h"
#include "http/sockets.h"

enum { DRAIN_TICK_MS = 20, SERVICE_RESTART = 1012 };

static void on_last_closed(uv_handle_t *handle)
{
    struct http *h = handle->data;
    http_closed_cb closed = h->closed;
    void *data = h->data;
    arena_free(h->arena);
    mem_free(h);
    closed(data);
}

/* libh2o's own timers lie in h->context and were closed in the same turn as these; libuv finishes
 * them in no promised order. So the timer, last, is closed a turn later. */
static void on_handle_closed(uv_handle_t *handle)
{
    struct http *h = handle->data;
    h->handles--;
    if (h->handles == 1 && h->torn_down) {
        uv_close((uv_handle_t *)&h->timer, on_last_closed);
    }
}

/* h2o_context_dispose ends by running its loop once. We are inside a callback of that loop, so it
 * gets an empty one to run; its handles are closed by the real one, which they remember. That one
 * was made at the start: now there may be no descriptor left for it. */
static void dispose_context(struct http *h)
{
    h->context.loop = &h->empty;
    h2o_context_dispose(&h->context);
    h2o_config_dispose(&h->config);
    int r = uv_loop_close(&h->empty);
    assert(r == 0);
}

static void tear_down(struct http *h)
{
    h->torn_down = true;
    (void)uv_timer_stop(&h->timer);
    dispose_context(h);
    uv_close((uv_handle_t *)&h->flush, on_handle_closed);
    uv_close((uv_handle_t *)&h->awake, on_handle_closed);
    uv_close((uv_handle_t *)&h->retry, on_handle_closed);
}

/* Those who still owe an answer may give it later, to nobody. */
static void cut_everything(struct http *h)
{
    LIST_EACH (it, &h->pending) {
        request_abandon(LIST_ENTRY(it, struct request, pending));
    }
    sockets_cut(h);
    conn_cut_all(h);
}

static void on_drain(uv_timer_t *timer)
{
    struct http *h = timer->data;
    if (h->conn_count == 0 && list_is_empty(&h->sockets)) {
        tear_down(h);
        return;
    }
    conn_sweep(h);
    sockets_sweep(h);
    conn_close_idle(h);
    if (state_now(h) >= h->deadline) {
        cut_everything(h);
    }
}

void http_close(struct http *h, unsigned deadline_ms, http_closed_cb closed, void *data)
{
    assert(!h->closing);
    h->closing = true;
    h->closed = closed;
    h->data = data;
    h->deadline = state_now(h) + deadline_ms;
    accept_close(h, on_handle_closed);
    h2o_context_request_shutdown(&h->context); /* from now on: `Connection: close` */
    sockets_close(h, SERVICE_RESTART, SPAN("The server is restarting"));
    (void)uv_timer_start(&h->timer, on_drain, 0, DRAIN_TICK_MS);
}

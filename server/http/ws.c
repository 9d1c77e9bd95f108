/* The WebSocket glue (T30-T38). wslay reads frames and answers pings and closes; what we send
 * ourselves is framed here, straight into one buffer, so that order is kept (T33), bytes are
 * counted (T37) and a turn of the loop costs one write (T36). Callers only ever append and mark;
 * everything that may end a socket happens in sockets_flush, where no caller is on the stack (T32,
 * T35). */
#include <assert.h>

#include <h2o.h>
#include <h2o/http1.h>
#include <wslay/wslay.h>

#include "http/conn.h"
#include "http/frame.h"
#include "http/sockets.h"

enum {
    CONTROL_ROOM = 64 * 1024, /* for pongs and a close, over queue_max */
    KEPT_BUFFER = 4096,       /* an idle socket keeps no more than this */
    PINGS_MISSED_MAX = 2,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_UNSUPPORTED = 1003,
    CLOSE_TRY_LATER = 1013,
};

/* OPEN -> CLOSING -> LINGERING -> GONE, and any of them -> GONE */
enum state {
    OPEN,
    CLOSING,   /* a close frame is queued or sent: nothing of ours may follow it */
    LINGERING, /* it was written, and reading makes no sense any more: read on, and throw away, so
                  that a reset does not overtake it */
    GONE,      /* freed by the next flush */
};

static const unsigned allowed[] = {
    [OPEN] = 1U << CLOSING | 1U << GONE,
    [CLOSING] = 1U << LINGERING | 1U << GONE,
    [LINGERING] = 1U << GONE,
    [GONE] = 0,
};

struct ws {
    struct http *http;
    struct list link;   /* in http->sockets */
    struct list dirty;  /* in http->dirty, or nowhere */
    h2o_socket_t *sock; /* NULL until the 101 is out (T34) */
    wslay_event_context_ptr wslay;
    const struct ws_handler *handler;
    void *data;
    struct text out;     /* frames waiting for the next flush */
    struct text writing; /* frames libuv is writing */
    size_t queue_max;
    enum state state;
    bool upgrading;    /* libh2o will call on_upgraded */
    bool drained;      /* CLOSING, and everything was handed to the system */
    uint64_t deadline; /* of CLOSING and LINGERING */
    uint64_t ping_at;
    unsigned missed; /* pings since the last byte from the other side */
};

static void move(struct ws *w, enum state to)
{
    assert((allowed[w->state] >> to & 1U) != 0);
    w->state = to;
}

/* Only its being there matters: the loop does not wait while it runs. */
static void on_awake(uv_idle_t *idle)
{
}

static void mark(struct ws *w)
{
    if (!list_is_linked(&w->dirty)) {
        list_add_last(&w->http->dirty, &w->dirty);
        (void)uv_idle_start(&w->http->awake, on_awake);
    }
}

static void give_up(struct ws *w)
{
    if (w->state != GONE) {
        move(w, GONE);
    }
    mark(w);
}

/* From here on nothing follows the close frame, so the rest of `out` is all there will ever be. A
 * reader that stalls on it, or trickles, has stall_ms; close_ms start when it is written. */
static void begin_close(struct ws *w)
{
    move(w, CLOSING);
    w->deadline = state_now(w->http) + w->http->timing.stall_ms;
    mark(w);
}

void ws_close(struct ws *w, unsigned code, struct span reason)
{
    if (w->state != OPEN) {
        return;
    }
    w->out.max += CONTROL_ROOM; /* what it was made with may be used up */
    frame_add_close(&w->out, code, reason);
    wslay_event_shutdown_write(w->wslay); /* its own close would be a second one */
    begin_close(w);
}

/* T37. What waits here is dropped, so that the close comes soon: the client resumes by sequence
 * number. What libuv is writing are whole frames, so the stream stays well-formed. */
static void close_overfull(struct ws *w)
{
    text_free(&w->out);
    ws_close(w, CLOSE_TRY_LATER, SPAN("Too slow: reconnect and resume"));
}

static const struct conn *conn_behind(const struct ws *w)
{
    return w->sock->on_close.data;
}

size_t ws_queued(const struct ws *w)
{
    return w->out.n + (w->sock == NULL ? 0 : conn_unsent(conn_behind(w)));
}

void ws_send(struct ws *w, struct span text)
{
    if (w->state != OPEN) {
        return;
    }
    size_t queued = ws_queued(w);
    if (queued > w->queue_max || text.n > w->queue_max - queued) {
        close_overfull(w);
        return;
    }
    frame_add(&w->out, FRAME_TEXT, text);
    mark(w);
}

/* --- wslay's side --- */
static ssize_t on_wslay_send(wslay_event_context_ptr ev, const uint8_t *p, size_t n, int flags,
                             void *data)
{
    struct ws *w = data;
    char *room = text_reserve(&w->out, n);
    if (room == NULL) {
        wslay_event_set_error(ev, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    memcpy(room, p, n);
    w->out.n += n;
    return (ssize_t)n;
}

static ssize_t on_wslay_recv(wslay_event_context_ptr ev, uint8_t *p, size_t n, int flags,
                             void *data)
{
    const struct ws *w = data;
    size_t there = w->sock->input->size;
    if (there == 0) {
        wslay_event_set_error(ev, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t taken = n < there ? n : there;
    memcpy(p, w->sock->input->bytes, taken);
    h2o_buffer_consume(&w->sock->input, taken);
    return (ssize_t)taken;
}

/* Of control frames wslay has taken care. After a close, messages are no longer delivered. */
static void on_wslay_message(wslay_event_context_ptr ev,
                             const struct wslay_event_on_msg_recv_arg *arg, void *data)
{
    struct ws *w = data;
    if (wslay_is_ctrl_frame(arg->opcode) || w->state != OPEN) {
        return;
    }
    if (arg->opcode != WSLAY_TEXT_FRAME) {
        ws_close(w, CLOSE_UNSUPPORTED, SPAN("Text messages only"));
        return;
    }
    w->handler->on_message(
        w->data, span_of(arg->msg == NULL ? "" : (const char *)arg->msg, arg->msg_length));
}

static const struct wslay_event_callbacks wslay_callbacks = {
    .send_callback = on_wslay_send,
    .recv_callback = on_wslay_recv,
    .on_msg_recv_callback = on_wslay_message,
};

/* --- reading --- */
static void discard_input(h2o_socket_t *sock)
{
    h2o_buffer_dispose(&sock->input);
    h2o_buffer_init(&sock->input, &h2o_socket_buffer_prototype);
}

/* wslay says nothing definite for what is no frame at all (it only queues an empty close). */
static void close_protocol_error(struct ws *w)
{
    if (w->state == OPEN) {
        wslay_event_shutdown_write(w->wslay);
        frame_add_close(&w->out, CLOSE_PROTOCOL, SPAN_NULL);
        begin_close(w);
    }
}

static void take_input(struct ws *w)
{
    if (w->state == LINGERING || !wslay_event_want_read(w->wslay)) {
        discard_input(w->sock);
        return;
    }
    if (wslay_event_recv(w->wslay) != 0) {
        close_protocol_error(w);
    }
    if (w->sock->input->size == 0 || !wslay_event_want_read(w->wslay)) {
        discard_input(w->sock); /* an idle socket holds no buffer */
    }
}

static void on_read(h2o_socket_t *sock, const char *error)
{
    struct ws *w = sock->data;
    if (error != NULL) {
        h2o_socket_read_stop(sock);
        give_up(w);
        return;
    }
    w->missed = 0;
    take_input(w);
    mark(w);
}

/* --- writing --- */
static void on_written(h2o_socket_t *sock, const char *error)
{
    struct ws *w = sock->data;
    if (error != NULL) {
        give_up(w);
    }
    if (w->writing.cap > KEPT_BUFFER) {
        text_free(&w->writing);
    } else {
        text_clear(&w->writing);
    }
    if (w->out.n != 0 || w->state != OPEN) {
        mark(w);
    }
}

static void write_out(struct ws *w)
{
    struct text t = w->writing;
    w->writing = w->out;
    w->out = t;
    w->out.max = w->writing.max;
    h2o_iovec_t bytes = h2o_iovec_init(w->writing.p, w->writing.n);
    h2o_socket_write(w->sock, &bytes, 1, on_written);
}

/* Pongs, and wslay's answer to a close or its complaint about a frame. */
static void take_control_frames(struct ws *w)
{
    if (wslay_event_want_write(w->wslay) && wslay_event_send(w->wslay) != 0) {
        give_up(w); /* more pongs than fit: nobody reads them */
        return;
    }
    if (w->state == OPEN && wslay_event_get_close_sent(w->wslay)) {
        begin_close(w);
    }
}

/* --- ending --- */
static void finish(struct ws *w)
{
    list_remove(&w->link);
    list_remove(&w->dirty);
    if (w->sock != NULL) {
        h2o_socket_close(w->sock);
    }
    wslay_event_context_free(w->wslay);
    text_free(&w->out);
    text_free(&w->writing);
    w->handler->on_closed(w->data);
    mem_free(w);
}

static void linger(struct ws *w)
{
    move(w, LINGERING);
    (void)shutdown(h2o_socket_get_fd(w->sock), SHUT_WR);
}

/* Everything is written. RFC 6455, 7.1.1: the server closes first, once both sides have said so.
 * What ends reading otherwise is a broken frame, or a close that wslay refuses (it knows no 1012
 * and 1013, which a client echoes): then the client is left to close. */
static void step_close(struct ws *w)
{
    if (wslay_event_get_close_received(w->wslay)) {
        move(w, GONE);
        return;
    }
    if (w->state == CLOSING && !wslay_event_want_read(w->wslay)) {
        linger(w);
    }
    if (!w->drained) {
        w->drained = true;
        w->deadline = state_now(w->http) + w->http->timing.close_ms;
    }
}

static void write_or_step(struct ws *w)
{
    if (h2o_socket_is_writing(w->sock)) {
        return; /* on_written marks it again */
    }
    if (w->out.n != 0) {
        write_out(w);
    } else if (w->state != OPEN) {
        step_close(w);
    }
}

/* Control frames are taken from wslay even while a write hangs: its own queue has no limit. */
static void flush(struct ws *w)
{
    if (w->upgrading) {
        return; /* on_upgraded marks it again */
    }
    if (w->state != GONE) {
        take_control_frames(w);
    }
    if (w->state != GONE) {
        write_or_step(w);
    }
    if (w->state == GONE) {
        finish(w);
    }
}

void sockets_flush(struct http *h)
{
    struct list *first = NULL;
    while ((first = list_take_first(&h->dirty)) != NULL) {
        flush(LIST_ENTRY(first, struct ws, dirty));
    }
    (void)uv_idle_stop(&h->awake);
}

/* --- beginning --- */
/* Frames may have come together with the request: they lie behind it in the buffer. */
static void on_upgraded(void *data, h2o_socket_t *sock, size_t request_size)
{
    struct ws *w = data;
    w->upgrading = false;
    if (sock == NULL) {
        give_up(w);
        return;
    }
    w->sock = sock;
    sock->data = w;
    h2o_buffer_consume(&sock->input, request_size);
    h2o_socket_read_start(sock, on_read);
    on_read(sock, NULL);
}

struct ws *sockets_upgrade(struct http *h, h2o_req_t *req, const struct ws_options *options)
{
    struct ws *w = mem_alloc(sizeof *w);
    w->http = h;
    w->handler = options->handler;
    w->data = options->data;
    w->queue_max = options->queue_max;
    w->out = w->writing = TEXT(options->queue_max + CONTROL_ROOM);
    w->upgrading = true;
    w->ping_at = state_now(h) + h->timing.ping_ms;
    int r = wslay_event_context_server_init(&w->wslay, &wslay_callbacks, w);
    assert(r == 0); /* it can only lack memory */
    wslay_event_config_set_max_recv_msg_length(w->wslay, options->message_max);
    list_add_last(&h->sockets, &w->link);
    conn_of(req)->upgraded = true;
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, w);
    return w;
}

/* --- all of them --- */
static void ping(struct ws *w)
{
    if (w->missed == PINGS_MISSED_MAX) {
        ws_close(w, CLOSE_GOING_AWAY, SPAN("No answer to pings"));
        return;
    }
    w->missed++;
    w->ping_at = state_now(w->http) + w->http->timing.ping_ms;
    frame_add(&w->out, FRAME_PING, SPAN_NULL);
    mark(w);
}

static void sweep(struct ws *w)
{
    uint64_t now = state_now(w->http);
    if (w->state == OPEN && w->sock != NULL && now >= w->ping_at) {
        ping(w);
    } else if ((w->state == CLOSING || w->state == LINGERING) && now >= w->deadline) {
        give_up(w);
    }
}

void sockets_sweep(struct http *h)
{
    LIST_EACH (it, &h->sockets) {
        sweep(LIST_ENTRY(it, struct ws, link));
    }
}

void sockets_close(struct http *h, unsigned code, struct span reason)
{
    LIST_EACH (it, &h->sockets) {
        ws_close(LIST_ENTRY(it, struct ws, link), code, reason);
    }
}

void sockets_cut(struct http *h)
{
    LIST_EACH (it, &h->sockets) {
        give_up(LIST_ENTRY(it, struct ws, link));
    }
}

/* One WebSocket's connection (T30-T38): socket, queue, pings, deadlines. What is said on it is the
 * codec's. Bytes to send are counted (T37), and a turn of the loop costs one write (T36). Callers
 * only ever append and mark; everything that may end a socket happens in sockets_flush, where no
 * caller is on the stack (T32, T35). */
#include <assert.h>

#include <h2o.h>
#include <h2o/http1.h>

#include "http/codec.h"
#include "http/conn.h"
#include "http/sockets.h"

enum {
    KEPT_BUFFER = 4096, /* an idle socket keeps no more than this */
    PINGS_MISSED_MAX = 2,
};

/* OPEN -> CLOSING -> LINGERING -> GONE, and any of them -> GONE */
enum state {
    OPEN,
    CLOSING,   /* a close frame is queued or sent */
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
    const struct ws_handler *handler;
    void *data;
    struct codec codec;  /* its `out` waits for the next flush */
    struct text writing; /* what libuv is writing: whole frames */
    size_t queue_max;
    size_t low_water;
    enum state state;
    bool upgrading;    /* libh2o will call on_upgraded */
    bool above;        /* the queue was above low_water since on_drained was last called */
    bool written;      /* CLOSING, and everything was handed to the system */
    uint64_t deadline; /* of CLOSING and LINGERING */
    uint64_t ping_at;
    unsigned missed;      /* pings since the last byte from the other side */
    size_t unsent;        /* by libuv, at the last sweep */
    uint64_t progress_at; /* when that number last changed, or was 0 */
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

/* --- closing --- */
/* The codec's close frame is in the queue, so nothing will ever follow what is there now. Its
 * reader, who may stall or trickle, has `ms`; timing.close_ms start anew when it is written. */
static void begin_close(struct ws *w, unsigned ms)
{
    move(w, CLOSING);
    w->deadline = state_now(w->http) + ms;
    mark(w);
}

void ws_close(struct ws *w, unsigned code, struct span reason)
{
    if (w->state == OPEN) {
        codec_close(&w->codec, code, reason);
        begin_close(w, w->http->timing.stall_ms);
    }
}

/* T37. What libuv does not have yet is dropped, so that the close comes soon: the client resumes by
 * sequence number. */
static void close_slow(struct ws *w, unsigned ms)
{
    codec_drop(&w->codec);
    codec_close(&w->codec, CODEC_TRY_LATER, SPAN("Too slow: reconnect and resume"));
    begin_close(w, ms);
}

/* --- sending --- */
static const struct conn *conn_behind(const struct ws *w)
{
    return w->sock->on_close.data;
}

static size_t unsent(const struct ws *w)
{
    return w->sock == NULL ? 0 : conn_unsent(conn_behind(w));
}

size_t ws_queued(const struct ws *w)
{
    return w->codec.out.n + unsent(w);
}

static void send_message(struct ws *w, enum frame_opcode opcode, const struct span *parts, size_t n)
{
    if (w->state != OPEN) {
        return;
    }
    if (ws_queued(w) > w->queue_max) {
        close_slow(w, w->http->timing.stall_ms);
        return;
    }
    codec_send(&w->codec, opcode, parts, n);
    w->above = w->above || ws_queued(w) > w->low_water;
    mark(w);
}

void ws_send_parts(struct ws *w, const struct span *parts, size_t n)
{
    send_message(w, FRAME_TEXT, parts, n);
}

void ws_send(struct ws *w, struct span text)
{
    send_message(w, FRAME_TEXT, &text, 1);
}

void ws_send_binary(struct ws *w, struct span bytes)
{
    send_message(w, FRAME_BINARY, &bytes, 1);
}

/* --- reading --- */
static void on_codec_message(void *data, enum frame_opcode opcode, struct span message)
{
    struct ws *w = data;
    if (opcode == FRAME_TEXT) {
        w->handler->on_message(w->data, message);
    } else {
        w->handler->on_binary(w->data, message);
    }
}

/* An idle socket holds no buffer. */
static void discard_input(h2o_socket_t *sock)
{
    h2o_buffer_dispose(&sock->input);
    h2o_buffer_init(&sock->input, &h2o_socket_buffer_prototype);
}

static void take_input(struct ws *w)
{
    const h2o_buffer_t *input = w->sock->input;
    codec_feed(&w->codec, span_of(input->bytes, input->size));
    discard_input(w->sock);
    if (w->state == OPEN && w->codec.state != CODEC_OPEN) {
        begin_close(w, w->http->timing.stall_ms);
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
    mark(w);
}

static void write_out(struct ws *w)
{
    codec_take(&w->codec, &w->writing);
    h2o_iovec_t bytes = h2o_iovec_init(w->writing.p, w->writing.n);
    h2o_socket_write(w->sock, &bytes, 1, on_written);
}

static void tell_drained(struct ws *w)
{
    if (w->state == OPEN && w->above && ws_queued(w) <= w->low_water) {
        w->above = false;
        if (w->handler->on_drained != NULL && w->low_water != 0) {
            w->handler->on_drained(w->data);
        }
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
    codec_free(&w->codec);
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
 * Who broke the rules is left to close. */
static void step_close(struct ws *w)
{
    if (w->codec.state == CODEC_CLOSED) {
        move(w, GONE);
        return;
    }
    if (w->state == CLOSING && w->codec.state == CODEC_FAILED) {
        linger(w);
    }
    if (!w->written) {
        w->written = true;
        w->deadline = state_now(w->http) + w->http->timing.close_ms;
    }
}

static void write_or_step(struct ws *w)
{
    if (h2o_socket_is_writing(w->sock)) {
        return; /* on_written marks it again */
    }
    if (w->codec.out.n != 0) {
        write_out(w);
    } else if (w->state != OPEN) {
        step_close(w);
    }
}

static void flush(struct ws *w)
{
    if (w->upgrading) {
        return; /* on_upgraded marks it again */
    }
    if (w->state != GONE) {
        write_or_step(w);
        tell_drained(w);
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
    w->low_water = options->low_water;
    w->writing = TEXT(SIZE_MAX / 2);
    w->upgrading = true;
    w->progress_at = state_now(h);
    w->ping_at = w->progress_at + h->timing.ping_ms;
    codec_init(&w->codec,
               &(struct codec_options){.on_message = on_codec_message,
                                       .data = w,
                                       .message_max = options->message_max,
                                       .takes_binary = options->handler->on_binary != NULL});
    list_add_last(&h->sockets, &w->link);
    conn_of(req)->upgraded = true;
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, w);
    return w;
}

/* --- all of them --- */
static void ping(struct ws *w)
{
    if (w->missed == PINGS_MISSED_MAX) {
        ws_close(w, CODEC_GOING_AWAY, SPAN("No answer to pings"));
        return;
    }
    w->missed++;
    w->ping_at = state_now(w->http) + w->http->timing.ping_ms;
    codec_ping(&w->codec);
    mark(w);
}

/* None of the bytes that libuv holds was taken for too long (T18). */
static bool is_stalled(struct ws *w)
{
    size_t n = unsent(w);
    if (n == 0 || n != w->unsent) {
        w->unsent = n;
        w->progress_at = state_now(w->http);
    }
    return state_now(w->http) - w->progress_at > w->http->timing.stall_ms;
}

static void sweep_open(struct ws *w)
{
    if (is_stalled(w)) {
        close_slow(w, w->http->timing.close_ms);
    } else if (state_now(w->http) >= w->ping_at) {
        ping(w);
    } else if (w->above && ws_queued(w) <= w->low_water) {
        mark(w); /* drained in the middle of a long write */
    }
}

static void sweep(struct ws *w)
{
    if (w->state == OPEN && w->sock != NULL) {
        sweep_open(w);
    } else if ((w->state == CLOSING || w->state == LINGERING) &&
               state_now(w->http) >= w->deadline) {
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

#include "kernel/conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void drop_queue(struct conn *c)
{
    text_free(&c->queue);
    c->sent = 0;
}

/* Whether the socket took something. A reader that is gone is not told here: the end of the stream,
 * or the process's exit, is. */
static bool write_some(struct conn *c)
{
    ssize_t n = send(c->fd, c->queue.p + c->sent, c->queue.n - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop_queue(c);
        }
        return false;
    }
    c->sent += (size_t)n;
    if (c->sent == c->queue.n) {
        drop_queue(c);
    }
    return true;
}

static bool is_wanted(const struct conn *c)
{
    return c->reading && !c->paused;
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct conn *c)
{
    int events = (is_wanted(c) ? UV_READABLE : 0) | (c->queue.n > 0 ? UV_WRITABLE : 0);
    int result = events == 0 ? uv_poll_stop(&c->poll) : uv_poll_start(&c->poll, events, on_poll);
    assert(result == 0);
}

static void flush(struct conn *c)
{
    while (c->queue.n > 0 && write_some(c)) {
    }
    watch(c);
}

/* A negative status (the other side left data unread when it closed) stops the poll in libuv;
 * reading tells what happened. */
static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct conn *c = handle->data;
    if (status < 0) {
        drop_queue(c);
    }
    if ((events & UV_WRITABLE) != 0) {
        flush(c);
    }
    if (is_wanted(c) && (status < 0 || (events & UV_READABLE) != 0)) {
        c->on_readable(c);
    }
}

void conn_open(struct conn *c, uv_loop_t *loop, int fd, enum frame_source source)
{
    c->fd = fd;
    c->in = (struct frame_reader){.source = source};
    c->queue = TEXT(CONN_QUEUE_MAX);
    c->reading = true;
    c->paused = false;
    c->poll.data = c;
    int result = uv_poll_init(loop, &c->poll, fd);
    assert(result == 0); /* a socket can always be polled */
    watch(c);
}

enum conn_result conn_read(struct conn *c, size_t *n)
{
    size_t room = 0;
    char *p = frame_room(&c->in, &room);
    ssize_t got = recv(c->fd, p, room, 0);
    *n = 0;
    if (got > 0) {
        *n = (size_t)got;
        frame_filled(&c->in, *n);
        return CONN_DATA;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? CONN_EMPTY : CONN_ENDED;
}

void conn_pause(struct conn *c, bool paused)
{
    c->paused = paused;
    if (c->fd >= 0) {
        watch(c);
    }
}

void conn_stop_reading(struct conn *c)
{
    c->reading = false;
    if (c->fd >= 0) {
        watch(c);
    }
}

/* Forgets what was sent before the queue would outgrow its maximum. */
static bool make_room(struct conn *c, size_t n)
{
    if (c->queue.n + n > CONN_QUEUE_MAX) {
        text_consume(&c->queue, c->sent);
        c->sent = 0;
    }
    return c->queue.n + n <= CONN_QUEUE_MAX;
}

enum err conn_send(struct conn *c, unsigned kind, uint64_t run, struct span payload)
{
    char header[FRAME_HEADER];
    frame_header(kind, run, payload.n, header);
    if (c->fd < 0) {
        return OK;
    }
    if (!make_room(c, sizeof header + payload.n)) {
        return ERR_LIMIT;
    }
    text_add(&c->queue, span_of(header, sizeof header));
    text_add(&c->queue, payload);
    flush(c);
    return OK;
}

size_t conn_waiting(const struct conn *c)
{
    return c->queue.n - c->sent;
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    frame_free(&c->in);
    drop_queue(c);
    c->on_closed(c);
}

void conn_close(struct conn *c)
{
    assert(c->fd >= 0);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    (void)close(c->fd); /* after uv_close the loop no longer watches it */
    c->fd = -1;
    c->reading = false;
}

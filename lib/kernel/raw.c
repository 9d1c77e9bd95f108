#include "kernel/raw.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "kernel/repair.h"

static void give(struct raw *r, struct span s)
{
    CLEANUP(text_free) struct text repaired = TEXT(3 * (s.n + 1));
    struct span text = repair(s, &repaired);
    if (text.n > 0) {
        r->on_text(r, text);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct raw *r = handle->data;
    (void)status; /* whatever it is, reading tells */
    (void)events;
    r->on_readable(r);
}

static void watch(struct raw *r)
{
    int result = r->paused || r->ended ? uv_poll_stop(&r->poll)
                                       : uv_poll_start(&r->poll, UV_READABLE, on_poll);
    assert(result == 0); /* the handle is open */
}

void raw_open(struct raw *r, uv_loop_t *loop, int fd)
{
    r->fd = fd;
    r->ended = r->paused = false;
    r->held_count = 0;
    r->poll.data = r;
    int result = uv_poll_init(loop, &r->poll, fd);
    assert(result == 0); /* a pipe can always be polled */
    watch(r);
}

void raw_pause(struct raw *r, bool paused)
{
    r->paused = paused;
    if (r->fd >= 0) {
        watch(r);
    }
}

static size_t read_once(struct raw *r, size_t most)
{
    char buffer[sizeof r->held + RAW_READ_MAX];
    memcpy(buffer, r->held, r->held_count);
    size_t room = most < RAW_READ_MAX ? most : RAW_READ_MAX;
    ssize_t n = read(r->fd, buffer + r->held_count, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (n <= 0) { /* held bytes wait for raw_flush */
        r->ended = true;
        watch(r);
        return 0;
    }
    struct span s = span_of(buffer, r->held_count + (size_t)n);
    r->held_count = repair_open_tail(s);
    s.n -= r->held_count;
    memcpy(r->held, s.p + s.n, r->held_count);
    give(r, s);
    return (size_t)n;
}

size_t raw_read(struct raw *r, size_t most)
{
    return r->fd >= 0 && !r->ended && most > 0 ? read_once(r, most) : 0;
}

size_t raw_waiting(const struct raw *r)
{
    int n = 0;
    return r->fd >= 0 && ioctl(r->fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void raw_flush(struct raw *r)
{
    if (r->fd >= 0 && r->held_count > 0) {
        struct span s = span_of(r->held, r->held_count);
        r->held_count = 0;
        give(r, s);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct raw *r = handle->data;
    r->on_closed(r);
}

void raw_close(struct raw *r)
{
    assert(r->fd >= 0);
    uv_close((uv_handle_t *)&r->poll, on_closed);
    (void)close(r->fd); /* after uv_close the loop no longer watches it */
    r->fd = -1;
}

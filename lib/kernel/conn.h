/* conn: one framed stream socket on the loop, for reading and writing. It moves bytes and finds
 * frames; what they mean, and how much to read in one turn of the loop, is its owner's business. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "kernel/frame.h"

#define CONN_QUEUE_MAX ((size_t)32 * 1024 * 1024) /* bytes that wait to be written */

struct conn;
typedef void (*conn_cb)(struct conn *c);

struct conn {
    uv_poll_t poll;
    int fd; /* owned; -1 once closed */
    struct frame_reader in;
    struct text queue; /* to be written, from `sent` on */
    size_t sent;
    bool reading;        /* until the end, or conn_stop_reading */
    bool paused;         /* on_readable waits */
    conn_cb on_readable; /* there are bytes, or the end: conn_read tells */
    conn_cb on_closed;
    void *data;
};

/* `c` holds the callbacks and data already. Takes `fd`, which does not block. */
void conn_open(struct conn *c, uv_loop_t *loop, int fd, enum frame_source source);

enum conn_result { CONN_DATA, CONN_EMPTY, CONN_ENDED };
/* Reads once; what came is in c->in, and *n says how much it was. Take every frame (frame_next)
 * before the next call, and frame_rest when done for now. Not after the end, a broken protocol or
 * conn_close. */
enum conn_result conn_read(struct conn *c, size_t *n);
/* While paused, on_readable does not come; writing goes on. */
void conn_pause(struct conn *c, bool paused);
/* No more on_readable. */
void conn_stop_reading(struct conn *c);
/* Writes now what can be written, and keeps the rest. ERR_LIMIT when too much waits already: the
 * other side does not read. Ignored when the other side is gone or after conn_close. */
MUST_CHECK enum err conn_send(struct conn *c, unsigned kind, uint64_t run, struct span payload);
/* Bytes that wait to be written. */
size_t conn_waiting(const struct conn *c);
/* on_closed follows, later; c->in stays valid until then. */
void conn_close(struct conn *c);

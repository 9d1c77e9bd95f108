/* raw: the read end of a kernel's descriptor 1 or 2, where C code and child processes print. The
 * bytes become valid UTF-8: a sequence that a read cut in two is held back and joined. */
#pragma once

#include <uv.h>

#include "base/span.h"

#define RAW_TURN_MAX ((size_t)64 * 1024)    /* bytes read when the loop says there are some */
#define RAW_DRAIN_MAX ((size_t)1024 * 1024) /* a pipe holds no more (pipe-max-size) */

struct raw;
typedef void (*raw_text_cb)(struct raw *r, struct span text); /* may close `r` */
typedef void (*raw_cb)(struct raw *r);

struct raw {
    uv_poll_t poll;
    int fd;       /* owned; -1 once closed */
    char held[3]; /* the beginning of a sequence */
    size_t held_count;
    raw_text_cb on_text;
    raw_cb on_readable; /* there are bytes, or the end: raw_read finds out */
    raw_cb on_closed;
    void *data;
};

/* `r` holds the callbacks and data already. Takes `fd`, which does not block. */
void raw_open(struct raw *r, uv_loop_t *loop, int fd);
/* Reads once; stops watching at the end. */
void raw_read(struct raw *r);
/* Reads what is there now; returns how many bytes. What arrives meanwhile waits. */
size_t raw_drain(struct raw *r);
/* No more will come that belongs to what is held back: it goes out as U+FFFD. */
void raw_flush(struct raw *r);
/* on_closed follows, later; on_text no more. */
void raw_close(struct raw *r);

/* questions: what a kernel was asked (complete, inspect, variables) and has not answered yet.
 * Embedded in its owner, who sends the frames. Every question is answered exactly once, from the
 * loop: by the kernel, by the clock, or by the end. */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "kernel/frame.h"
#include "kernel/kernel.h"

#define QUESTIONS_MS 2000 /* for an answer */
#define QUESTIONS_BYTES_MAX                                                                        \
    ((size_t)2 * 1024 * 1024) /* of all that the kernel has not read yet; a cell has 256 KiB */

struct questions;
typedef void (*questions_cb)(struct questions *q);

struct questions {
    struct list waiting; /* struct question, in the order of asking, so of their deadlines too */
    struct list decided; /* struct question, that only the callback misses */
    unsigned count;      /* of `waiting` */
    uint64_t last;       /* number of the latest that was sent */
    uv_timer_t timer;    /* the first deadline, or at once for what is decided */
    questions_cb on_overdue; /* before a deadline counts: take answers that were not read yet */
    questions_cb on_closed;
    void *data;
};

struct asked {
    enum kernel_question what;
    kernel_answer_cb done;
    void *data;
};

/* `q` holds the callbacks and data already. */
void questions_open(struct questions *q, uv_loop_t *loop);
/* The number for the frame; 0 when it must not be sent, because `refused` is not OK or too many
 * wait (ERR_LIMIT): then it is answered with that. */
uint64_t questions_ask(struct questions *q, const struct asked *asked, enum err refused);
/* A frame of the kernel. ERR_INVALID with *problem when it breaks the protocol. The callback may
 * close the owner. */
MUST_CHECK enum err questions_answer(struct questions *q, const struct frame *f,
                                     const char **problem);
/* All that wait are answered with `e`, later. */
void questions_end(struct questions *q, enum err e);
/* All that wait are answered with ERR_CANCELED, later; then on_closed. */
void questions_close(struct questions *q);

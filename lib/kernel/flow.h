/* flow: what one kernel writes (frames on `out`, text in the pipes behind descriptors 1 and 2), in
 * the order in which it was written, a bounded part of it in each turn of the loop. Embedded in its
 * owner. Knows nothing of runs, nor of what frames mean. A frame says whether text came before it
 * in the pipes, not how much: text that was written after it, while this side was paused or slow,
 * may come before it too. */
#pragma once

#include "kernel/conn.h"
#include "kernel/raw.h"

/* Taken in one turn; the others have their turn then. A frame costs at least FLOW_FRAME_COST, so
 * that a flood of empty ones is bounded too. One that is larger than all of this is taken whole. */
#define FLOW_TURN_MAX ((size_t)64 * 1024)
#define FLOW_FRAME_COST 512
/* Of what a dead kernel left in its socket, which holds less; processes it has forked may go on. */
#define FLOW_REST_MAX ((size_t)8 * 1024 * 1024)

struct flow;
typedef void (*flow_cb)(struct flow *f);
typedef void (*flow_frame_cb)(struct flow *f, const struct frame *frame);
typedef void (*flow_text_cb)(struct flow *f, bool is_stderr, struct span text); /* valid UTF-8 */
typedef void (*flow_broken_cb)(struct flow *f, const char *problem);

struct flow {
    struct conn out;
    struct raw raws[2]; /* descriptors 1 and 2 */
    uv_idle_t more;     /* active: something can be taken that no descriptor tells of */
    unsigned handles;   /* open ones */
    bool is_open, paused;
    struct frame held; /* waits for the text that was written before it */
    bool has_held;
    bool drained;   /* that text was taken for all frames in out.in */
    size_t owed[2]; /* bytes in the pipes that come before anything else */
    size_t left;    /* of this turn */
    bool finishing; /* nobody writes any more: the rest, then on_finished */
    bool finishing_raws;
    size_t rest; /* of FLOW_REST_MAX */
    /* All may call any flow_ function. */
    flow_frame_cb on_frame;
    flow_text_cb on_text;
    flow_broken_cb on_broken; /* nothing can follow; close it */
    flow_cb on_lost;          /* `out` has ended */
    flow_cb on_finished;
    flow_cb on_closed;
    void *data;
};

/* `f` holds the callbacks and data already. Takes the descriptors, which do not block. */
void flow_open(struct flow *f, uv_loop_t *loop, int out, const int raws[2]);
/* While paused nothing is read. Anything else waits, and so does on_finished. */
void flow_pause(struct flow *f, bool paused);
/* The process is dead: on_finished follows what it has left, later. */
void flow_finish(struct flow *f);
/* A character of which only the beginning came in a pipe is given up. */
void flow_flush(struct flow *f);
/* on_closed follows, later, nothing else. Ignored unless open. */
void flow_close(struct flow *f);

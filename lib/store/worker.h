/* worker: a thread that takes its whole queue at once. Filled from the loop; what is done goes to
 * the outbox. The queue's length is bounded by whoever fills it. */
#pragma once

#include "store/outbox.h"

struct worker;
struct worker_kind {
    const char *name; /* of the thread, under 16 bytes */
    /* On the thread. Takes every item (they are struct outbox_item) and posts it to the outbox. */
    void (*work)(struct worker *w, struct list *items);
    /* On the thread, once, after the last item. */
    void (*finish)(struct worker *w);
    /* On the loop, after the thread has ended. */
    void (*ended)(struct worker *w);
};

struct worker {
    const struct worker_kind *kind;
    struct outbox *outbox;
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t changed;
    struct list queue; /* under the mutex */
    bool stopping;     /* under the mutex */
    bool started;
    struct outbox_item end; /* its delivery joins the thread */
};

void worker_init(struct worker *w, const struct worker_kind *kind, struct outbox *outbox);
/* Not while the thread runs. */
void worker_free(struct worker *w);
MUST_CHECK enum err worker_start(struct worker *w);
/* Not after worker_stop. */
void worker_push(struct worker *w, struct outbox_item *item);
/* The thread works off its queue, ends, and posts `end`, which calls kind->ended. */
void worker_stop(struct worker *w);
/* Stops and waits, for a start that failed half-way: `end` is taken out of the outbox, kind->ended
 * is not called. */
void worker_abort(struct worker *w);

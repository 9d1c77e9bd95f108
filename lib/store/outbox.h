/* outbox: finished work on its way back to the loop. Any thread posts; the loop delivers, in the
 * order of posting, one wake-up for however many there are. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/list.h"

/* The first member of what is delivered. `deliver` runs on the loop and may free the item. */
struct outbox_item {
    struct list link;
    void (*deliver)(struct outbox_item *item);
};

struct outbox {
    uv_async_t wake;
    uv_mutex_t mutex;
    struct list ready; /* under the mutex */
    bool open;         /* under the mutex: `wake` can be used */
    void (*closed)(void *data);
    void *data;
};

void outbox_init(struct outbox *o);
/* For one that was never opened, or is closed. Nothing may be in it. */
void outbox_free(struct outbox *o);
MUST_CHECK enum err outbox_open(struct outbox *o, uv_loop_t *loop);
/* Moves all of `items` in. What is posted before outbox_open waits for the first post after it. */
void outbox_post(struct outbox *o, struct list *items);
void outbox_post_one(struct outbox *o, struct outbox_item *item);
/* Delivers what is in it and what is still posted until then, then calls `closed`. On the loop. */
void outbox_close(struct outbox *o, void (*closed)(void *data), void *data);

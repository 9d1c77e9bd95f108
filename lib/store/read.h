/* read: one question, asked on the loop, answered by the reader's thread. What it needs and what it
 * finds live in its arena: the two threads share nothing else. */
#pragma once

#include "store/db.h"
#include "store/outbox.h"
#include "store/store.h"

struct read {
    struct outbox_item item; /* first: the outbox gives it back */
    const struct read_kind *kind;
    struct store *store;
    struct arena *arena;
    bool queued;
    enum err err;
    void *data;
};

struct read_kind {
    /* On the thread, inside a transaction: all it reads is one state of the file. */
    enum err (*find)(struct db *d, struct read *r);
    /* On the loop, once, whether it was asked or not. */
    void (*answer)(struct read *r);
};

/* Of `size` bytes, the first of them a struct read. */
void *read_new(struct store *s, const struct read_kind *kind, size_t size, void *data);
/* Hands it over: its answer comes later, once. */
void read_submit(struct read *r);
/* Asks, and sets r->err. On the reader's thread. */
void read_perform(struct db *d, struct read *r);

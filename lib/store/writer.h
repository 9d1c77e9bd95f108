/* writer: the thread with the only connection that writes and checkpoints. It takes all that waits
 * into one transaction, a savepoint per write, and posts the outcomes after the commit. */
#pragma once

#include <stdatomic.h>

#include "store/db.h"
#include "store/reserve.h"
#include "store/worker.h"

struct writer {
    struct worker worker; /* first */
    struct db *db;        /* owned; the thread's while it runs; NULL once it has ended */
    bool refusing;        /* the disk failed: nothing is written until a restart */
    struct reserve reserve;
    int frames; /* of the log, at the last checkpoint */
    atomic_uint_least64_t transactions;
    void (*ended)(struct writer *w); /* on the loop */
};

void writer_init(struct writer *w, struct outbox *outbox);
/* Closes the database if the thread did not. */
void writer_free(struct writer *w);

/* reader: the thread for reads without a bound: whole notebooks, lists, events,
 * text. It never writes, and never
 * checkpoints. */
#pragma once

#include "store/db.h"
#include "store/worker.h"

struct reader {
    struct worker worker;            /* first */
    struct db *db;                   /* owned; the thread's while it runs; NULL once it has ended */
    void (*ended)(struct reader *r); /* on the loop */
};

void reader_init(struct reader *r, struct outbox *outbox);
/* Closes the database if the thread did not. */
void reader_free(struct reader *r);

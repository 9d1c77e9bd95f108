/* inside: what the calls of store.h share. The loop's, except where a field says otherwise. */
#pragma once

#include "store/db.h"
#include "store/outbox.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/writer.h"

struct store {
    struct outbox outbox;
    struct writer writer;
    struct reader reader;
    struct db *point; /* the loop's own connection, for reads of one row */
    int lock;         /* held while open */
    size_t queue_max, queue_bytes_max;
    size_t pending, pending_bytes; /* writes not yet called back */
    size_t reading;                /* reads not yet called back */
    bool closing;
    store_closed_cb closed;
    void *closed_data;
};

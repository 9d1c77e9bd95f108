/* write: a list of changes, collected on the loop, applied by the writer's thread. Everything they
 * need is copied into the write's arena: the two threads share nothing else. */
#pragma once

#include "store/db.h"
#include "store/outbox.h"
#include "store/store.h"

struct write_change;

struct store_write {
    struct outbox_item item; /* first: the outbox gives it back */
    struct store *store;
    struct arena *arena;
    struct span owner, notebook;
    int64_t now_ms; /* when the intent was made */
    struct write_change *first, *last;
    enum err err; /* refused while it was collected; later its outcome */
    size_t bytes; /* while it is queued; 0 when it was not */
    bool frees;   /* it takes content away: on a full disk the reserve is for such */
    store_done_cb done;
    void *data;
};

/* Applies one change, inside the write's savepoint. Anything but OK undoes the whole write. It may
 * run again, after a transaction that failed as a whole. */
typedef enum err (*write_apply_fn)(struct db *d, const struct store_write *w, const void *change);

/* Adds a change; the caller fills the `size` zeroed bytes returned. */
void *write_add(struct store_write *w, write_apply_fn apply, size_t size);
/* The write will fail with `e`. */
void write_refuse(struct store_write *w, enum err e);
/* All changes or, when the outcome is not OK, none. The outcome may be that the whole transaction
 * is gone. */
MUST_CHECK enum err write_apply(struct db *d, const struct store_write *w);

/* Every statement on what a notebook holds has the notebook as ?1 and its owner as ?2; they are
 * bound here. (SQLite notices that a statement does not name the owner only when it has no later
 * parameter; tests/unit/store/foreign.c tries them all.) */
struct db_query write_query(struct db *d, const struct store_write *w, const char *sql);
/* For the WHERE of a statement on cells or outputs. */
#define WRITE_OWNED " EXISTS (SELECT 1 FROM notebooks WHERE id = ?1 AND owner_id = ?2) "

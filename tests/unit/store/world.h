/* world: a directory of its own, a loop and a store in it; the store's calls made to wait for their
 * answer. */
#pragma once

#include <uv.h>

#include "store/store.h"
#include "tests/unit/check.h"

#define ALICE SPAN("user_alice")
#define MALLORY SPAN("user_mallory")
#define BOOK SPAN("demo-user_alice")

struct world {
    char dir[128];
    uv_loop_t loop;
    struct store *store; /* NULL while closed */
    size_t queue_max, queue_bytes_max;
};

/* A new directory, and the store open in it. */
void world_start(struct world *w);
/* The directory only. */
void world_prepare(struct world *w);
enum err world_open(struct world *w);
void world_close(struct world *w); /* and waits */
void world_reopen(struct world *w);
/* Closes what is open, removes the directory. */
void world_end(struct world *w);
/* Of a file in the directory; the result is static. */
const char *world_path(const struct world *w, const char *name);
int64_t world_size(const struct world *w, const char *name); /* -1 when there is none */

struct store_write *world_write(struct world *w); /* alice's, on her book */
enum err world_commit(struct world *w, struct store_write *write);
/* The book; NULL when there is none. */
struct notebook *world_load(struct world *w, struct span owner, enum err *e);
/* An empty book of alice's, and in the file too. */
struct notebook *world_book(struct world *w);
/* Loads the book and checks that it equals `n`, which stays the caller's. */
void world_check_stored(struct world *w, const struct notebook *n);

/* A cell at the end of a notebook in memory. */
struct cell *world_cell(struct notebook *n, struct span code);
/* xorshift: the same numbers in every run. */
uint32_t world_random(uint32_t *state);
/* Runs `sql` on the file; the store is closed. */
void world_sql(const struct world *w, const char *sql);
/* The first column of the first row; the store is closed. */
int64_t world_number(const struct world *w, const char *sql);

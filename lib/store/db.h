/* db: one connection to SQLite: its settings, its prepared statements, its errors as `enum err`.
 * A connection is used by one thread at a time. Knows nothing of notebooks.
 *
 * Only the DB_WRITER connection writes and checkpoints, the automatic checkpoint when a connection
 * closes included: SQLite before 3.51.3 can lose a commit when another connection checkpoints (the
 * WAL-reset bug). */
#pragma once

#include "base/err.h"
#include "base/mem.h"

struct db;
struct sqlite3_stmt;

enum db_role {
    DB_WRITER, /* the file exists already */
    DB_READER,
};

/* A new DB_WRITER leaves the file alone until db_begin_writing: it also closes without a
 * checkpoint. */
MUST_CHECK enum err db_open(struct db **out, const char *path, enum db_role role);
/* The last connection to close must be the writer: it empties the log into the file. NULL is fine.
 */
void db_close(struct db *d);
/* WAL, synchronous=FULL, foreign keys, db_zero_deleted. From now on this connection may checkpoint.
 */
MUST_CHECK enum err db_begin_writing(struct db *d);
/* What is deleted is overwritten (as Debian builds SQLite), or only where that costs no writing:
 * zeroing a notebook takes as much log as the notebook. Not inside a transaction. */
MUST_CHECK enum err db_zero_deleted(struct db *d, bool all);
/* For a writer that must not touch the file again, not even when it closes. */
void db_stop_writing(struct db *d);

/* SQLite's `PRAGMA quick_check`: ERR_INVALID when it finds damage. */
MUST_CHECK enum err db_quick_check(struct db *d);
/* Statements without result, not kept prepared. */
MUST_CHECK enum err db_exec(struct db *d, const char *sql);
/* One statement without parameters or rows, a literal, kept prepared. */
MUST_CHECK enum err db_do(struct db *d, const char *sql);
/* Ends a transaction that failed, if SQLite has not done so itself. */
void db_rollback(struct db *d);
bool db_in_transaction(const struct db *d);

/* Pages in the log after the last commit; 0 before the first. */
int db_wal_frames(const struct db *d);
/* Moves what no reader still needs from the log into the file. */
MUST_CHECK enum err db_checkpoint(struct db *d);
/* As above, waits for everything, and empties the log. */
MUST_CHECK enum err db_checkpoint_all(struct db *d);

/* An input or output error was seen: what is on disk is uncertain. Never for a full disk. */
bool db_is_broken(const struct db *d);
/* The file is no database, or a damaged one. */
bool db_is_damaged(const struct db *d);

/* --- one run of a prepared statement:
 *   CLEANUP(db_end) struct db_query q = db_query(d, SQL);
 *   db_bind_text(&q, 1, id);
 *   return db_run(&q);
 * `sql` is a literal: the prepared statement is found again by its address. What is bound is
 * borrowed until db_end. The first error sticks, and comes out of db_run or db_row. */
struct db_query {
    struct db *db;
    struct sqlite3_stmt *stmt;
    int rc;
};
struct db_query db_query(struct db *d, const char *sql);
void db_bind_text(struct db_query *q, int at, struct span s);  /* the null span is NULL */
void db_bind_bytes(struct db_query *q, int at, struct span s); /* as a BLOB */
void db_bind_int(struct db_query *q, int at, int64_t v);
/* For a statement without rows. ERR_CONFLICT (a key is taken), ERR_DISK_FULL, ERR_UNAVAILABLE
 * (another process holds the file), ERR_INTERNAL. */
MUST_CHECK enum err db_run(struct db_query *q);
/* As db_run, and ERR_NOT_FOUND when no row was changed. */
MUST_CHECK enum err db_run_one(struct db_query *q);
/* OK with the next row, ERR_NOT_FOUND after the last. */
MUST_CHECK enum err db_row(struct db_query *q);
struct span db_text(const struct db_query *q,
                    int column); /* valid until the next row; NULL is the null span */
/* Of a BLOB that is not empty; valid until the next row. */
struct span db_bytes(const struct db_query *q, int column);
int64_t db_int(const struct db_query *q, int column);
void db_end(struct db_query *q);

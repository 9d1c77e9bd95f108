#include "store/db.h"

#include <assert.h>
#include <errno.h>

#include <sqlite3.h>

#include "base/log.h"

#define STATEMENTS_MAX 96
#define WRITER_BUSY_MS 2000 /* another process in our file; never ourselves */
/* What savepoints need to undo; temporary files would lie outside the data directory, maybe the
 * only place that can be written. */
#define TEMPORARY_IN_MEMORY "PRAGMA temp_store = MEMORY"
#define READER_BUSY_MS 50 /* one of the readers is the loop's */

struct statement {
    const char *sql; /* a literal: compared by address */
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *handle;
    struct statement statements[STATEMENTS_MAX];
    size_t statement_count;
    int wal_frames;
    bool broken, damaged;
    bool full; /* said so already */
};

/* --- errors --- */
static bool is_disk_full(struct db *d, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL) {
        return true;
    }
    /* e.g. the shared index of the log could not grow (SQLITE_IOERR_SHMSIZE), or a quota is used up
     */
    int cause = sqlite3_system_errno(d->handle);
    return ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN) &&
           (cause == ENOSPC || cause == EDQUOT);
}

static void log_failure(enum log_level level, struct db *d, int rc, const char *doing)
{
    log_event(level, "store_failed", LOG_STR("doing", doing), LOG_INT("sqlite", rc),
              LOG_STR("words", sqlite3_errmsg(d->handle)),
              LOG_INT("errno", sqlite3_system_errno(d->handle)));
}

static enum err disk_full(struct db *d, int rc, const char *doing)
{
    if (!d->full) {
        log_failure(LOG_ERROR, d, rc, doing);
    }
    d->full = true; /* once, until a statement ends a transaction well again */
    return ERR_DISK_FULL;
}

static enum err failed(struct db *d, int rc, const char *doing)
{
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE) {
        return ERR_CONFLICT;
    }
    if (is_disk_full(d, rc)) {
        return disk_full(d, rc, doing);
    }
    if ((rc & 0xff) == SQLITE_BUSY) {
        log_failure(LOG_WARN, d, rc, doing);
        return ERR_UNAVAILABLE;
    }
    d->broken |= (rc & 0xff) == SQLITE_IOERR;
    d->damaged |= (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
    log_failure(LOG_ERROR, d, rc, doing);
    return ERR_INTERNAL;
}

bool db_is_broken(const struct db *d)
{
    return d->broken;
}

bool db_is_damaged(const struct db *d)
{
    return d->damaged;
}

/* --- the connection --- */
static int on_wal(void *data, sqlite3 *handle, const char *schema, int frames)
{
    struct db *d = data;
    d->wal_frames = frames;
    d->full = false;
    return SQLITE_OK;
}

static bool allow_checkpoint_on_close(struct db *d, bool allow)
{
    return sqlite3_db_config(d->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, allow ? 0 : 1, NULL) ==
           SQLITE_OK;
}

/* Registering our own hook takes the place of the automatic checkpoint after 1000 pages. */
static bool configure(struct db *d, enum db_role role)
{
    (void)sqlite3_extended_result_codes(d->handle, 1);
    (void)sqlite3_busy_timeout(d->handle, role == DB_WRITER ? WRITER_BUSY_MS : READER_BUSY_MS);
    (void)sqlite3_wal_hook(d->handle, on_wal, d);
    return allow_checkpoint_on_close(d, false) &&
           sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
           sqlite3_db_config(d->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK;
}

enum err db_open(struct db **out, const char *path, enum db_role role)
{
    struct db *d = mem_alloc(sizeof *d);
    int flags = role == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int rc = sqlite3_open_v2(path, &d->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    enum err e = rc == SQLITE_OK && configure(d, role) ? OK : failed(d, rc, "open");
    if (e == OK) {
        e = db_exec(d, TEMPORARY_IN_MEMORY);
    }
    if (e != OK) {
        db_close(d);
        return e;
    }
    *out = d;
    return OK;
}

void db_close(struct db *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->statement_count; i++) {
        (void)sqlite3_finalize(d->statements[i].stmt); /* its error was reported when it ran */
    }
    int rc = sqlite3_close(d->handle);
    assert(rc == SQLITE_OK); /* SQLITE_BUSY: a statement of ours is still open */
    mem_free(d);
}

/* On file systems without shared memory SQLite answers with another mode instead of an error. */
static enum err use_wal(struct db *d)
{
    CLEANUP(db_end) struct db_query q = db_query(d, "PRAGMA journal_mode = WAL");
    enum err e = db_row(&q);
    if (e == OK && !span_eq(db_text(&q, 0), SPAN("wal"))) {
        log_event(LOG_ERROR, "store_without_wal", LOG_STR("do", "put DATA_DIR on a local disk"));
        return ERR_INTERNAL;
    }
    return e;
}

enum err db_zero_deleted(struct db *d, bool all)
{
    return db_exec(d, all ? "PRAGMA secure_delete = ON" : "PRAGMA secure_delete = FAST");
}

enum err db_begin_writing(struct db *d)
{
    enum err e = use_wal(d);
    if (e == OK) {
        e = db_exec(d, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                       "PRAGMA journal_size_limit = 67108864");
    }
    if (e == OK) {
        e = db_zero_deleted(d, true);
    }
    if (e != OK) {
        return e;
    }
    return allow_checkpoint_on_close(d, true) ? OK : ERR_INTERNAL;
}

void db_stop_writing(struct db *d)
{
    bool done = allow_checkpoint_on_close(d, false);
    assert(done);
}

enum err db_quick_check(struct db *d)
{
    CLEANUP(db_end) struct db_query q = db_query(d, "PRAGMA quick_check(1)");
    enum err e = db_row(&q);
    if (e != OK) {
        return d->damaged ? ERR_INVALID : e;
    }
    struct span found = db_text(&q, 0);
    if (!span_eq(found, SPAN("ok"))) {
        log_event(LOG_ERROR, "store_damaged", LOG_SPAN("quick_check", found));
        return ERR_INVALID;
    }
    return OK;
}

enum err db_exec(struct db *d, const char *sql)
{
    int rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : failed(d, rc, sql);
}

bool db_in_transaction(const struct db *d)
{
    return sqlite3_get_autocommit(d->handle) == 0;
}

void db_rollback(struct db *d)
{
    if (db_in_transaction(d) && db_exec(d, "ROLLBACK") != OK) {
        d->broken = true; /* logged; nothing may build on this connection */
    }
}

/* --- the log --- */
int db_wal_frames(const struct db *d)
{
    return d->wal_frames;
}

static enum err checkpoint(struct db *d, int mode)
{
    int rc = sqlite3_wal_checkpoint_v2(d->handle, NULL, mode, NULL, NULL);
    return rc == SQLITE_OK ? OK : failed(d, rc, "checkpoint");
}

enum err db_checkpoint(struct db *d)
{
    return checkpoint(d, SQLITE_CHECKPOINT_PASSIVE);
}

enum err db_checkpoint_all(struct db *d)
{
    return checkpoint(d, SQLITE_CHECKPOINT_TRUNCATE);
}

/* --- queries --- */
static sqlite3_stmt *prepare(struct db *d, const char *sql, int *rc)
{
    for (size_t i = 0; i < d->statement_count; i++) {
        if (d->statements[i].sql == sql) {
            return d->statements[i].stmt;
        }
    }
    assert(d->statement_count < STATEMENTS_MAX);
    sqlite3_stmt *stmt = NULL;
    *rc = sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (*rc == SQLITE_OK) {
        d->statements[d->statement_count++] = (struct statement){sql, stmt};
    }
    return stmt;
}

struct db_query db_query(struct db *d, const char *sql)
{
    struct db_query q = {.db = d, .rc = SQLITE_OK};
    q.stmt = prepare(d, sql, &q.rc);
    return q;
}

void db_bind_text(struct db_query *q, int at, struct span s)
{
    if (q->rc == SQLITE_OK) { /* a NULL pointer binds NULL, whatever the length */
        q->rc = sqlite3_bind_text64(q->stmt, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    }
}

void db_bind_bytes(struct db_query *q, int at, struct span s)
{
    if (q->rc == SQLITE_OK) {
        q->rc = sqlite3_bind_blob64(q->stmt, at, s.p, s.n, SQLITE_STATIC);
    }
}

void db_bind_int(struct db_query *q, int at, int64_t v)
{
    if (q->rc == SQLITE_OK) {
        q->rc = sqlite3_bind_int64(q->stmt, at, v);
    }
}

static int step(struct db_query *q)
{
    if (q->rc == SQLITE_OK || q->rc == SQLITE_ROW) {
        q->rc = sqlite3_step(q->stmt);
    }
    return q->rc;
}

static enum err failed_query(struct db_query *q)
{
    return failed(q->db, q->rc, q->stmt == NULL ? "prepare" : sqlite3_sql(q->stmt));
}

enum err db_run(struct db_query *q)
{
    return step(q) == SQLITE_DONE ? OK : failed_query(q);
}

enum err db_do(struct db *d, const char *sql)
{
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    return db_run(&q);
}

enum err db_run_one(struct db_query *q)
{
    enum err e = db_run(q);
    return e == OK && sqlite3_changes(q->db->handle) == 0 ? ERR_NOT_FOUND : e;
}

enum err db_row(struct db_query *q)
{
    int rc = step(q);
    if (rc == SQLITE_ROW) {
        return OK;
    }
    return rc == SQLITE_DONE ? ERR_NOT_FOUND : failed_query(q);
}

struct span db_text(const struct db_query *q, int column)
{
    const unsigned char *p = sqlite3_column_text(q->stmt, column);
    return span_of((const char *)p, (size_t)sqlite3_column_bytes(q->stmt, column));
}

struct span db_bytes(const struct db_query *q, int column)
{
    const char *p = sqlite3_column_blob(q->stmt, column);
    return span_of(p, (size_t)sqlite3_column_bytes(q->stmt, column));
}

int64_t db_int(const struct db_query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

/* What reset returns was reported by step already. */
void db_end(struct db_query *q)
{
    if (q->stmt != NULL) {
        (void)sqlite3_reset(q->stmt);
        (void)sqlite3_clear_bindings(q->stmt);
    }
}

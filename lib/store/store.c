#include "store/store.h"

#include <assert.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "store/backup.h"
#include "store/dir.h"
#include "store/inside.h"
#include "store/migrate.h"

#define QUEUE_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define QUICK_CHECK_MAX ((int64_t)1024 * 1024 * 1024) /* it reads the whole file */
#define SQLITE_OLDEST 3037000                         /* STRICT tables */

/* --- the file --- */
struct paths {
    const char *dir, *file, *wal, *fresh;
};

static struct paths paths_in(struct arena *a, const char *dir)
{
    return (struct paths){
        .dir = arena_printf(a, "%s", dir).p,
        .file = arena_printf(a, "%s/notebookd.sqlite", dir).p,
        .wal = arena_printf(a, "%s/notebookd.sqlite-wal", dir).p,
        .fresh = arena_printf(a, "%s/notebookd.sqlite.new", dir).p,
    };
}

static enum err fill(const char *path)
{
    struct db *d = NULL;
    enum err e = db_open(&d, path, DB_WRITER);
    if (e == OK) {
        e = migrate_run(d, migrate_steps, migrate_step_count);
    }
    db_close(d);
    return e;
}

/* Made aside and then renamed, so that an empty or half-made file under the real name always means
 * damage. */
static enum err create(const struct paths *p)
{
    int64_t size = 0;
    if (dir_size(p->wal, &size) != ERR_NOT_FOUND) {
        log_event(LOG_ERROR, "store_refused",
                  LOG_STR("why", "the database is gone, its log is not"),
                  LOG_STR("do", "restore a backup"), LOG_STR("log", p->wal));
        return ERR_INVALID;
    }
    enum err e = dir_create_file(p->fresh);
    if (e == OK) {
        e = fill(p->fresh);
    }
    return e == OK ? dir_publish(p->dir, p->fresh, p->file) : e;
}

static enum err check(struct db *d, int64_t size)
{
    enum err e = migrate_check(d, migrate_step_count);
    if (e != OK) {
        return e;
    }
    if (size > QUICK_CHECK_MAX) {
        log_event(LOG_WARN, "store_unchecked", LOG_STR("why", "too large to read at every start"),
                  LOG_INT("bytes", size));
        return OK;
    }
    return db_quick_check(d);
}

/* A file that is up to date is left as it is. */
static enum err migrate(struct db *d, const struct paths *p)
{
    int64_t version = 0;
    enum err e = migrate_version(d, &version);
    if (e == OK && version < (int64_t)migrate_step_count) {
        e = backup_before(d, p->dir, p->file, version + 1);
    }
    if (e == OK) {
        e = db_begin_writing(d);
    }
    return e == OK ? migrate_run(d, migrate_steps, migrate_step_count) : e;
}

static enum err open_writer(struct db **out, const struct paths *p)
{
    int64_t size = 0;
    enum err e = dir_size(p->file, &size);
    if (e == ERR_NOT_FOUND) {
        e = create(p);
    }
    if (e == OK) {
        e = db_open(out, p->file, DB_WRITER);
    }
    if (e == OK) {
        e = check(*out, size);
    }
    return e == OK ? migrate(*out, p) : e;
}

static enum err open_databases(struct store *s, const char *dir)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct paths p = paths_in(a, dir);
    enum err e = dir_lock(dir, &s->lock);
    if (e == OK) {
        e = open_writer(&s->writer.db, &p);
    }
    if (e == OK) {
        e = db_open(&s->reader.db, p.file, DB_READER);
    }
    if (e == OK) {
        e = db_open(&s->point, p.file, DB_READER);
    }
    if (e == OK) {
        reserve_open(&s->writer.reserve, dir);
    }
    return e;
}

/* --- the threads --- */
static enum err start(struct store *s, uv_loop_t *loop)
{
    enum err e = worker_start(&s->reader.worker);
    if (e == OK) {
        e = worker_start(&s->writer.worker);
    }
    if (e == OK) {
        e = outbox_open(&s->outbox, loop); /* last: it alone cannot be undone at once */
    }
    if (e != OK) {
        worker_abort(&s->reader.worker);
        worker_abort(&s->writer.worker);
    }
    return e;
}

/* The writer's connection closes last, see db_close. */
static void release(struct store *s)
{
    db_close(s->point);
    reader_free(&s->reader);
    writer_free(&s->writer);
    outbox_free(&s->outbox);
    if (s->lock >= 0) {
        (void)close(s->lock); /* nothing was written through it */
    }
    mem_free(s);
}

/* --- closing: the point connection, the reader, the writer, the outbox --- */
static void on_outbox_closed(void *data)
{
    struct store *s = data;
    store_closed_cb closed = s->closed;
    void *closed_data = s->closed_data;
    release(s);
    closed(closed_data);
}

static void on_writer_ended(struct writer *w)
{
    struct store *s = LIST_ENTRY(w, struct store, writer);
    outbox_close(&s->outbox, on_outbox_closed, s);
}

static void on_reader_ended(struct reader *r)
{
    struct store *s = LIST_ENTRY(r, struct store, reader);
    worker_stop(&s->writer.worker);
}

static struct store *store_new(const struct store_options *options)
{
    struct store *s = mem_alloc(sizeof *s);
    s->lock = -1;
    s->queue_max = options->queue_max;
    s->queue_bytes_max = options->queue_bytes_max == 0 ? QUEUE_BYTES_MAX : options->queue_bytes_max;
    outbox_init(&s->outbox);
    writer_init(&s->writer, &s->outbox);
    reader_init(&s->reader, &s->outbox);
    s->writer.ended = on_writer_ended;
    s->reader.ended = on_reader_ended;
    return s;
}

enum err store_open(struct store **out, uv_loop_t *loop, const struct store_options *options)
{
    assert(sqlite3_threadsafe() != 0 && sqlite3_libversion_number() >= SQLITE_OLDEST);
    struct store *s = store_new(options);
    enum err e = open_databases(s, options->dir);
    if (e == OK) {
        e = start(s, loop);
    }
    if (e != OK) {
        release(s);
        return e;
    }
    log_event(LOG_INFO, "store_open", LOG_STR("dir", options->dir),
              LOG_STR("sqlite", sqlite3_libversion()));
    *out = s;
    return OK;
}

void store_close(struct store *s, store_closed_cb closed, void *data)
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    s->closed_data = data;
    db_close(s->point);
    s->point = NULL;
    worker_stop(&s->reader.worker);
}

void store_stats(const struct store *s, struct store_stats *out)
{
    out->pending = s->pending;
    out->pending_bytes = s->pending_bytes;
    out->transactions = atomic_load_explicit(&s->writer.transactions, memory_order_relaxed);
}

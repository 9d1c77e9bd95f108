#include "store/migrate.h"

#include "base/log.h"

#define APPLICATION_ID                                                                             \
    0x6e6f7465 /* "note", in the file's header: `file` and we know it by that                      \
                */

static enum err read_pragma(struct db *d, const char *sql, int64_t *out)
{
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    enum err e = db_row(&q);
    if (e == OK) {
        *out = db_int(&q, 0);
    }
    return e;
}

static enum err refuse(const char *why, const char *action, int64_t version)
{
    log_event(LOG_ERROR, "store_refused", LOG_STR("why", why), LOG_STR("do", action),
              LOG_INT("version", version));
    return ERR_INVALID;
}

enum err migrate_version(struct db *d, int64_t *out)
{
    return read_pragma(d, "PRAGMA user_version", out);
}

enum err migrate_check(struct db *d, size_t step_count)
{
    int64_t version = 0, application = 0;
    enum err e = migrate_version(d, &version);
    if (e == OK) {
        e = read_pragma(d, "PRAGMA application_id", &application);
    }
    if (e != OK) {
        return db_is_damaged(d) ? refuse("damaged", "restore a backup", 0) : e;
    }
    if (application != APPLICATION_ID || version < 1) {
        return refuse("not a database of this server", "check DATA_DIR, or restore a backup",
                      version);
    }
    if (version > (int64_t)step_count) {
        return refuse("written by a newer version", "install that version", version);
    }
    return OK;
}

static enum err take_step(struct db *d, const struct migrate_step *step)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span mark = arena_printf(a, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                                    APPLICATION_ID, step->version);
    enum err e = db_exec(d, "BEGIN IMMEDIATE");
    if (e == OK) {
        e = db_exec(d, step->sql);
    }
    if (e == OK) {
        e = db_exec(d, mark.p);
    }
    if (e == OK) {
        e = db_exec(d, "COMMIT");
    }
    if (e != OK) {
        db_rollback(d);
        return e;
    }
    log_event(LOG_INFO, "store_migrated", LOG_STR("step", step->name));
    return OK;
}

enum err migrate_run(struct db *d, const struct migrate_step *steps, size_t count)
{
    int64_t version = 0;
    enum err e = migrate_version(d, &version);
    for (size_t i = (size_t)version; e == OK && i < count; i++) {
        e = take_step(d, &steps[i]);
    }
    return e;
}

#include "store/backup.h"

#include "base/log.h"
#include "store/dir.h"

#define COPIES_MAX 9

/* Nothing was written to the database since: a log that is empty was made by opening it. */
static bool is_current(struct arena *a, const char *copy, const char *file)
{
    const char *log = arena_printf(a, "%s-wal", file).p;
    int64_t size = 0;
    bool logged = dir_size(log, &size) == OK && size != 0;
    return !dir_is_newer(file, copy) && (!logged || !dir_is_newer(log, copy));
}

static const char *name_of(struct arena *a, const char *file, int64_t step, int number)
{
    return number == 1 ? arena_printf(a, "%s.before-%lld", file, (long long)step).p
                       : arena_printf(a, "%s.before-%lld.%d", file, (long long)step, number).p;
}

/* A name that is free; NULL when there is a copy that will do. */
static enum err choose_name(struct arena *a, const char *file, int64_t step, const char **out)
{
    enum err e = OK;
    for (int i = 1; i <= COPIES_MAX; i++) {
        int64_t size = 0;
        const char *name = name_of(a, file, step, i);
        e = dir_size(name, &size);
        if (e == ERR_NOT_FOUND || (e == OK && is_current(a, name, file))) {
            *out = e == OK ? NULL : name;
            return OK;
        }
        if (e != OK) {
            return e;
        }
    }
    log_event(LOG_ERROR, "store_refused", LOG_STR("why", "too many copies of failed updates"),
              LOG_STR("do", "move the copies elsewhere"),
              LOG_STR("copy", name_of(a, file, step, 1)));
    return ERR_LIMIT;
}

static enum err copy_to(struct db *d, const char *path)
{
    CLEANUP(db_end) struct db_query q = db_query(d, "VACUUM INTO ?1");
    db_bind_text(&q, 1, span_str(path));
    return db_run(&q);
}

static void say_full(const char *file)
{
    int64_t size = 0;
    if (dir_size(file, &size) != OK) {
        return; /* which it has logged */
    }
    log_event(LOG_ERROR, "store_refused",
              LOG_STR("why", "no room for the copy that is made before an update of the database"),
              LOG_STR("do", "make room in DATA_DIR"), LOG_INT("bytes_needed", size));
}

/* Made aside, so that what bears the name is whole. */
static enum err make(struct db *d, const char *dir, const char *file, const char *name)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *fresh = arena_printf(a, "%s.new", name).p;
    enum err e = dir_create_file(fresh);
    if (e == OK) {
        e = copy_to(d, fresh);
    }
    if (e == OK) {
        e = dir_publish(dir, fresh, name);
    }
    if (e == OK) {
        log_event(LOG_INFO, "store_copied", LOG_STR("copy", name));
        return OK;
    }
    dir_remove_file(fresh);
    if (e == ERR_DISK_FULL) {
        say_full(file);
    }
    return e;
}

enum err backup_before(struct db *d, const char *dir, const char *file, int64_t step)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *name = NULL;
    enum err e = choose_name(a, file, step, &name);
    return e != OK || name == NULL ? e : make(d, dir, file, name);
}

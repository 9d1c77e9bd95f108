#include "store/events.h"

#include <assert.h>

#include "base/log.h"
#include "store/write.h"

#define ITEMS_MAX ((size_t)1000)

/* --- writing --- */
static enum err find_notebook(struct db *d, const struct store_write *w)
{
    static const char sql[] = "SELECT 1 FROM notebooks WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    return db_row(&q);
}

/* ERR_CONFLICT when it is not the next number. */
static enum err take_number(struct db *d, const struct store_write *w, int64_t seq)
{
    static const char sql[] =
        "UPDATE notebooks SET seq = ?3 WHERE id = ?1 AND owner_id = ?2 AND seq + 1 = ?3";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, seq);
    enum err e = db_run_one(&q);
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    e = find_notebook(d, w);
    return e == OK ? ERR_CONFLICT : e;
}

static enum err apply_append(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "INSERT INTO events (notebook_id, seq, kind, cell_id, json)"
                              " SELECT id, ?3, ?4, ?5, ?6 FROM notebooks"
                              " WHERE id = ?1 AND owner_id = ?2";
    const struct store_event *event = change;
    enum err e = take_number(d, w, event->seq);
    if (e != OK) {
        return e;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, event->seq);
    db_bind_text(&q, 4, event->kind);
    db_bind_text(&q, 5, event->cell_id);
    db_bind_bytes(&q, 6, event->json);
    return db_run_one(&q);
}

static enum err apply_trim(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "DELETE FROM events"
                              " WHERE notebook_id = ?1 AND seq < ?3 AND" WRITE_OWNED;
    enum err e = find_notebook(d, w);
    if (e != OK) {
        return e;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, *(const int64_t *)change);
    return db_run(&q);
}

void store_append_event(struct store_write *w, const struct store_event *e)
{
    assert(e->json.n != 0);
    struct store_event *change = write_add(w, apply_append, sizeof *change);
    *change = (struct store_event){
        .seq = e->seq,
        .kind = arena_copy(w->arena, e->kind),
        .cell_id = arena_copy(w->arena, e->cell_id),
        .json = arena_copy(w->arena, e->json),
    };
}

void store_trim_events(struct store_write *w, int64_t oldest)
{
    int64_t *change = write_add(w, apply_trim, sizeof *change);
    *change = oldest;
}

/* --- reading --- */
enum err events_count(struct db *d, struct notebook *n)
{
    static const char sql[] =
        "SELECT COUNT(*), COALESCE(SUM(length(json)), 0), MIN(seq), MAX(seq) FROM events"
        " WHERE notebook_id = ?1 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, span_str(n->id));
    db_bind_text(&q, 2, span_str(n->owner));
    enum err e = db_row(&q);
    if (e != OK) {
        return e;
    }
    int64_t count = db_int(&q, 0);
    n->events_count = (size_t)count;
    n->events_bytes = (size_t)db_int(&q, 1);
    n->oldest = n->seq - count + 1;
    if (count != 0 && (db_int(&q, 2) != n->oldest || db_int(&q, 3) != n->seq)) {
        log_event(LOG_ERROR, "store_damaged", LOG_STR("column", "events.seq"),
                  LOG_STR("notebook", n->id));
        return ERR_INTERNAL;
    }
    return OK;
}

static void bind_range(struct db_query *q, const struct store_range *range)
{
    db_bind_text(q, 1, range->notebook_id);
    db_bind_text(q, 2, range->owner);
}

static enum err load_ends(struct db *d, const struct store_range *range, struct store_events *out)
{
    static const char sql[] =
        "SELECT epoch, seq, COALESCE((SELECT MIN(seq) FROM events WHERE notebook_id = ?1), seq + 1)"
        " FROM notebooks WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    bind_range(&q, range);
    enum err e = db_row(&q);
    if (e == OK) {
        struct span epoch = db_text(&q, 0);
        memcpy(out->epoch.s, epoch.p, epoch.n < ID_LENGTH ? epoch.n : ID_LENGTH);
        out->seq = db_int(&q, 1);
        out->oldest = db_int(&q, 2);
    }
    return e;
}

/* How many of the events after `since` fit: their lengths are known without reading them. */
static enum err count_fitting(struct db *d, const struct store_range *range, size_t *count)
{
    static const char sql[] = "SELECT length(json) FROM events"
                              " WHERE notebook_id = ?1 AND seq > ?3 AND" WRITE_OWNED "ORDER BY seq";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    bind_range(&q, range);
    db_bind_int(&q, 3, range->since);
    size_t bytes = 0;
    enum err e = OK;
    while (*count < ITEMS_MAX && (e = db_row(&q)) == OK) {
        bytes += (size_t)db_int(&q, 0);
        if (*count != 0 && bytes > range->bytes_max) {
            return OK;
        }
        ++*count;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err load_items(struct db *d, struct arena *a, const struct store_range *range,
                           struct store_events *out)
{
    static const char sql[] =
        "SELECT seq, kind, cell_id, json FROM events"
        " WHERE notebook_id = ?1 AND seq > ?3 AND" WRITE_OWNED "ORDER BY seq LIMIT ?4";
    size_t count = 0;
    enum err e = count_fitting(d, range, &count);
    if (e != OK) {
        return e;
    }
    out->items = arena_alloc_array(a, count, sizeof *out->items);
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    bind_range(&q, range);
    db_bind_int(&q, 3, range->since);
    db_bind_int(&q, 4, (int64_t)count);
    while ((e = db_row(&q)) == OK) {
        out->items[out->count++] = (struct store_event){
            .seq = db_int(&q, 0),
            .kind = arena_copy(a, db_text(&q, 1)),
            .cell_id = arena_copy(a, db_text(&q, 2)),
            .json = arena_copy(a, db_bytes(&q, 3)),
        };
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err events_load(struct db *d, struct arena *a, const struct store_range *range,
                     struct store_events *out)
{
    enum err e = load_ends(d, range, out);
    if (e != OK || range->since < out->oldest - 1) { /* some are gone */
        return e;
    }
    return load_items(d, a, range, out);
}

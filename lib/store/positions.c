#include "store/positions.h"

#define NOBODY INT64_MIN /* below every position */

static enum err position_of(struct db *d, const struct store_write *w, struct span id, int64_t *out)
{
    static const char sql[] = "SELECT position FROM cells"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    if (span_is_null(id)) {
        *out = NOBODY;
        return OK;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, id);
    enum err e = db_row(&q);
    *out = e == OK ? db_int(&q, 0) : NOBODY;
    return e;
}

/* ERR_NOT_FOUND after the last. */
static enum err next_after(struct db *d, const struct store_write *w, int64_t low, int64_t *out)
{
    static const char sql[] = "SELECT position FROM cells WHERE notebook_id = ?1"
                              " AND position > ?3 AND" WRITE_OWNED "ORDER BY position LIMIT 1";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, low);
    enum err e = db_row(&q);
    *out = e == OK ? db_int(&q, 0) : 0;
    return e;
}

/* `*out` is `low` itself when nothing fits between the neighbours. */
static enum err middle(struct db *d, const struct store_write *w, int64_t low, int64_t *out)
{
    int64_t high = 0;
    enum err e = next_after(d, w, low, &high);
    if (e == ERR_NOT_FOUND) {
        *out = low == NOBODY ? 0 : low + POSITIONS_GAP;
        return OK;
    }
    *out = low == NOBODY ? high - POSITIONS_GAP : low + (high - low) / 2;
    return e;
}

static enum err renumber(struct db *d, const struct store_write *w)
{
    static const char sql[] =
        "UPDATE cells SET position = ordered.n * ?3 FROM"
        " (SELECT id, ROW_NUMBER() OVER (ORDER BY position) AS n FROM cells WHERE notebook_id = ?1)"
        " AS ordered WHERE cells.notebook_id = ?1 AND cells.id = ordered.id AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, POSITIONS_GAP);
    return db_run_one(&q);
}

enum err positions_choose(struct db *d, const struct store_write *w, struct span after,
                          int64_t *out)
{
    int64_t low = NOBODY;
    enum err e = position_of(d, w, after, &low);
    if (e == OK) {
        e = middle(d, w, low, out);
    }
    if (e != OK || *out != low) {
        return e;
    }
    e = renumber(d, w);
    if (e == OK) {
        e = position_of(d, w, after, &low);
    }
    return e == OK ? middle(d, w, low, out) : e;
}

#include "store/hidden.h"

#include <assert.h>

/* --- writing --- */
enum err hidden_clear(struct db *d, const struct store_write *w, struct span cell_id)
{
    static const char forget[] = "UPDATE cells SET text_end = 0, hidden_start = 0, hidden_end = 0"
                                 " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    static const char sql[] = "DELETE FROM hidden_text"
                              " WHERE notebook_id = ?1 AND cell_id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query cell = write_query(d, w, forget);
    db_bind_text(&cell, 3, cell_id);
    enum err e = db_run_one(&cell);
    if (e != OK) {
        return e;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, cell_id);
    return db_run(&q);
}

struct piece {
    struct span cell_id;
    int64_t start;
    struct span data;
};

/* OK when the piece goes on where the last one ended, or is the first. */
static enum err check_goes_on(struct db *d, const struct store_write *w, const struct piece *p)
{
    static const char sql[] =
        "SELECT start + length(data) FROM hidden_text"
        " WHERE notebook_id = ?1 AND cell_id = ?3 AND" WRITE_OWNED "ORDER BY start DESC LIMIT 1";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, p->cell_id);
    enum err e = db_row(&q);
    if (e != OK) {
        return e == ERR_NOT_FOUND ? OK : e;
    }
    return db_int(&q, 0) == p->start ? OK : ERR_CONFLICT;
}

static enum err apply_append(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "INSERT INTO hidden_text (notebook_id, cell_id, start, data)"
                              " SELECT notebook_id, id, ?4, ?5 FROM cells"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    const struct piece *p = change;
    enum err e = check_goes_on(d, w, p);
    if (e != OK) {
        return e;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, p->cell_id);
    db_bind_int(&q, 4, p->start);
    db_bind_bytes(&q, 5, p->data);
    return db_run_one(&q);
}

void store_append_text(struct store_write *w, struct span cell_id, size_t start, struct span text)
{
    struct span id = arena_copy(w->arena, cell_id);
    for (size_t at = 0; at < text.n; at += HIDDEN_PIECE_MAX) {
        struct piece *p = write_add(w, apply_append, sizeof *p);
        p->cell_id = id;
        p->start = (int64_t)(start + at);
        p->data = arena_copy(w->arena, span_sub(text, at, HIDDEN_PIECE_MAX));
    }
}

/* --- reading --- */
static void bind_range(struct db_query *q, const struct store_text_range *range)
{
    db_bind_text(q, 1, range->notebook_id);
    db_bind_text(q, 2, range->owner);
    db_bind_text(q, 3, range->cell_id);
}

static enum err check_cell(struct db *d, const struct store_text_range *range)
{
    static const char sql[] = "SELECT 1 FROM cells"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    bind_range(&q, range);
    return db_row(&q);
}

/* Adds what the piece at `start` has from where `out` has got to; false when it cannot. */
static bool add_piece(const struct db_query *q, const struct store_text_range *range,
                      struct text *out)
{
    struct span data = db_bytes(q, 1);
    size_t start = (size_t)db_int(q, 0);
    size_t wanted = range->start + out->n;
    if (wanted < start || wanted - start >= data.n) {
        return false;
    }
    text_add(out, span_sub(data, wanted - start, range->size - out->n));
    return out->n < range->size;
}

/* From the piece that `start` lies in. */
enum err hidden_load(struct db *d, const struct store_text_range *range, struct text *out)
{
    static const char sql[] =
        "SELECT start, data FROM hidden_text WHERE notebook_id = ?1 AND cell_id = ?3"
        " AND start >= (SELECT MAX(start) FROM hidden_text"
        " WHERE notebook_id = ?1 AND cell_id = ?3 AND start <= ?4)"
        " AND start < ?5 AND" WRITE_OWNED "ORDER BY start";
    enum err e = check_cell(d, range);
    if (e != OK || range->start > INT64_MAX) {
        return e;
    }
    size_t size = range->size < INT64_MAX - range->start ? range->size : INT64_MAX - range->start;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    bind_range(&q, range);
    db_bind_int(&q, 4, (int64_t)range->start);
    db_bind_int(&q, 5, (int64_t)(range->start + size));
    while ((e = db_row(&q)) == OK && add_piece(&q, range, out)) {
    }
    assert(!out->overflowed);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err hidden_extent(struct db *d, struct span notebook, struct cell *c)
{
    static const char sql[] = "SELECT MIN(start), MAX(start + length(data)) FROM hidden_text"
                              " WHERE notebook_id = ?1 AND cell_id = ?2";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, notebook);
    db_bind_text(&q, 2, id_span(&c->id));
    enum err e = db_row(&q);
    if (e == OK && db_int(&q, 1) > 0) {
        c->hidden_start = (size_t)db_int(&q, 0);
        c->hidden_end = c->text_end = (size_t)db_int(&q, 1);
    }
    return e;
}

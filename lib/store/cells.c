#include "store/cells.h"

#include <assert.h>

#include "store/positions.h"

/* --- copying --- */
static struct span names_json(struct store_write *w, const struct names *names, bool known)
{
    if (!known) {
        return SPAN_NULL;
    }
    CLEANUP(text_free) struct text out = TEXT(CELLS_NAMES_MAX);
    struct json_writer json = JSON_WRITER(&out);
    json_open_array(&json);
    for (size_t i = 0; i < names->count; i++) {
        json_put_string(&json, span_str(names->items[i]));
    }
    json_close_array(&json);
    if (out.overflowed) {
        write_refuse(w, ERR_TOO_LARGE);
    }
    return arena_copy(w->arena, text_span(&out));
}

void cells_copy(struct store_write *w, const struct cell *c, struct cells_row *out)
{
    assert(c->hidden_start <= c->hidden_end && c->hidden_end <= c->text_end);
    *out = (struct cells_row){
        .id = arena_copy(w->arena, id_span(&c->id)),
        .type = cell_type_name(c->type),
        .status = cell_status_name(c->status),
        .reads = names_json(w, &c->reads, c->analysed),
        .writes = names_json(w, &c->writes, c->analysed),
        .flaw = arena_copy(w->arena, span_str(c->flaw)),
        .error = arena_copy(w->arena, span_str(c->error)),
        .code = arena_copy(w->arena, c->code == NULL ? SPAN("") : span_str(c->code)),
        .name = arena_copy(w->arena, span_str(c->name)),
        .revision = c->revision,
        .disabled = c->disabled,
        .stale = c->stale,
        .text_end = c->text_end,
        .hidden_start = c->hidden_start,
        .hidden_end = c->hidden_end,
    };
}

/* --- statements --- */
static void bind_content(struct db_query *q, const struct cells_row *r)
{
    db_bind_text(q, 3, r->id);
    db_bind_text(q, 4, r->status);
    db_bind_text(q, 5, r->reads);
    db_bind_text(q, 6, r->writes);
    db_bind_text(q, 7, r->flaw);
    db_bind_text(q, 8, r->error);
    db_bind_text(q, 9, r->code);
    db_bind_text(q, 10, r->type);
    db_bind_text(q, 11, r->name);
    db_bind_int(q, 12, r->revision);
    db_bind_int(q, 13, r->disabled);
    db_bind_int(q, 14, r->stale);
    db_bind_int(q, 15, (int64_t)r->text_end);
    db_bind_int(q, 16, (int64_t)r->hidden_start);
    db_bind_int(q, 17, (int64_t)r->hidden_end);
}

static enum err insert(struct db *d, const struct store_write *w, const struct cells_row *r,
                       int64_t position)
{
    static const char sql[] =
        "INSERT INTO cells"
        " (notebook_id, id, status, reads, writes, flaw, error, code, type, name, revision,"
        " disabled, stale, text_end, hidden_start, hidden_end, position)"
        " SELECT id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18"
        " FROM notebooks WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    bind_content(&q, r);
    db_bind_int(&q, 18, position);
    return db_run_one(&q);
}

enum err cells_append_all(struct db *d, const struct store_write *w, const struct cells_row *rows,
                          size_t count)
{
    enum err e = OK;
    for (size_t i = 0; i < count && e == OK; i++) {
        e = insert(d, w, &rows[i], (int64_t)i * POSITIONS_GAP);
        if (e == OK) {
            e = outputs_append_all(d, w, rows[i].id, &rows[i].outputs);
        }
    }
    return e;
}

enum err cells_find(struct db *d, const struct store_write *w, struct span id)
{
    static const char sql[] = "SELECT 1 FROM cells"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, id);
    return db_row(&q);
}

/* --- the calls --- */
struct insertion {
    struct cells_row row;
    struct span after;
};

static enum err apply_insert(struct db *d, const struct store_write *w, const void *change)
{
    const struct insertion *c = change;
    int64_t position = 0;
    enum err e = positions_choose(d, w, c->after, &position);
    if (e == OK) {
        e = insert(d, w, &c->row, position);
    }
    return e == OK ? outputs_append_all(d, w, c->row.id, &c->row.outputs) : e;
}

static enum err apply_update(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] =
        "UPDATE cells SET status = ?4, reads = ?5, writes = ?6, flaw = ?7, error = ?8, code = ?9,"
        " type = ?10, name = ?11, revision = ?12, disabled = ?13, stale = ?14, text_end = ?15,"
        " hidden_start = ?16, hidden_end = ?17"
        " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    bind_content(&q, change);
    return db_run_one(&q);
}

static enum err apply_delete(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "DELETE FROM cells"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, *(const struct span *)change);
    return db_run_one(&q);
}

struct move {
    struct span id, after;
};

/* The cell's own place counts as one to keep clear of, which does no harm. */
static enum err apply_move(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "UPDATE cells SET position = ?4"
                              " WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    const struct move *c = change;
    int64_t position = 0;
    enum err e = positions_choose(d, w, c->after, &position);
    if (e != OK) {
        return e;
    }
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, c->id);
    db_bind_int(&q, 4, position);
    return db_run_one(&q);
}

void store_insert_cell(struct store_write *w, const struct cell *c, struct span after)
{
    struct insertion *change = write_add(w, apply_insert, sizeof *change);
    cells_copy(w, c, &change->row);
    outputs_copy_all(w, c, &change->row.outputs);
    change->after = arena_copy(w->arena, after);
}

void store_update_cell(struct store_write *w, const struct cell *c)
{
    struct cells_row *change = write_add(w, apply_update, sizeof *change);
    cells_copy(w, c, change);
}

void store_delete_cell(struct store_write *w, struct span cell_id)
{
    struct span *change = write_add(w, apply_delete, sizeof *change);
    *change = arena_copy(w->arena, cell_id);
    w->frees = true;
}

void store_move_cell(struct store_write *w, struct span cell_id, struct span after)
{
    struct move *change = write_add(w, apply_move, sizeof *change);
    change->id = arena_copy(w->arena, cell_id);
    change->after = arena_copy(w->arena, after);
}

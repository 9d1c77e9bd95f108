#include "store/outputs.h"

#include "store/cells.h"
#include "store/hidden.h"

static const char *const kind_names[] = {
    [OUTPUT_STDOUT] = "stdout",
    [OUTPUT_STDERR] = "stderr",
    [OUTPUT_DISPLAY] = "display",
};

struct span outputs_kind_name(enum output_kind k)
{
    return span_str(kind_names[k]);
}

enum err outputs_kind_parse(struct span s, enum output_kind *out)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (span_eq(s, span_str(kind_names[i]))) {
            *out = (enum output_kind)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

static void copy_output(struct store_write *w, const struct output *o, struct outputs_row *out)
{
    out->kind = outputs_kind_name(o->kind);
    out->data = arena_copy(w->arena, o->data == NULL ? SPAN("") : span_of(o->data, o->size));
    out->display_id = arena_copy(w->arena, span_str(o->display_id));
}

void outputs_copy_all(struct store_write *w, const struct cell *c, struct outputs_rows *out)
{
    out->items = arena_alloc_array(w->arena, c->output_count, sizeof *out->items);
    out->count = c->output_count;
    for (size_t i = 0; i < c->output_count; i++) {
        copy_output(w, &c->outputs[i], &out->items[i]);
    }
}

static enum err append(struct db *d, const struct store_write *w, struct span cell_id,
                       const struct outputs_row *r)
{
    static const char sql[] =
        "INSERT INTO outputs (notebook_id, cell_id, n, kind, data, display_id)"
        " SELECT notebook_id, id,"
        " (SELECT COALESCE(MAX(n), 0) + 1 FROM outputs WHERE notebook_id = ?1 AND cell_id = ?3),"
        " ?4, ?5, ?6 FROM cells WHERE notebook_id = ?1 AND id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, cell_id);
    db_bind_text(&q, 4, r->kind);
    db_bind_text(&q, 5, r->data);
    db_bind_text(&q, 6, r->display_id);
    return db_run_one(&q);
}

enum err outputs_append_all(struct db *d, const struct store_write *w, struct span cell_id,
                            const struct outputs_rows *rows)
{
    enum err e = OK;
    for (size_t i = 0; i < rows->count && e == OK; i++) {
        e = append(d, w, cell_id, &rows->items[i]);
    }
    return e;
}

static enum err clear(struct db *d, const struct store_write *w, struct span cell_id)
{
    static const char sql[] = "DELETE FROM outputs"
                              " WHERE notebook_id = ?1 AND cell_id = ?3 AND" WRITE_OWNED;
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, cell_id);
    return db_run(&q);
}

/* --- the calls --- */
struct outputs_change {
    struct span cell_id;
    struct outputs_rows rows;
};

static enum err apply_clear(struct db *d, const struct store_write *w, const void *change)
{
    const struct span *cell_id = change;
    enum err e = hidden_clear(d, w, *cell_id);
    return e == OK ? clear(d, w, *cell_id) : e;
}

static enum err apply_append(struct db *d, const struct store_write *w, const void *change)
{
    const struct outputs_change *c = change;
    return outputs_append_all(d, w, c->cell_id, &c->rows);
}

static enum err apply_replace(struct db *d, const struct store_write *w, const void *change)
{
    const struct outputs_change *c = change;
    enum err e = cells_find(d, w, c->cell_id); /* no outputs are fine, no cell is not */
    if (e == OK) {
        e = clear(d, w, c->cell_id);
    }
    return e == OK ? outputs_append_all(d, w, c->cell_id, &c->rows) : e;
}

void store_clear_outputs(struct store_write *w, struct span cell_id)
{
    struct span *change = write_add(w, apply_clear, sizeof *change);
    *change = arena_copy(w->arena, cell_id);
    w->frees = true;
}

void store_append_output(struct store_write *w, struct span cell_id, const struct output *o)
{
    struct outputs_change *change = write_add(w, apply_append, sizeof *change);
    change->cell_id = arena_copy(w->arena, cell_id);
    change->rows.items = arena_alloc(w->arena, sizeof *change->rows.items);
    change->rows.count = 1;
    copy_output(w, o, change->rows.items);
}

void store_replace_outputs(struct store_write *w, const struct cell *c)
{
    struct outputs_change *change = write_add(w, apply_replace, sizeof *change);
    change->cell_id = arena_copy(w->arena, id_span(&c->id));
    outputs_copy_all(w, c, &change->rows);
}

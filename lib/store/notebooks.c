#include <assert.h>

#include "store/cells.h"
#include "store/users.h"
#include "store/write.h"

/* --- creating --- */
struct creation {
    struct span name, connection, epoch;
    int64_t revision, seq;
    bool if_missing;
    struct cells_row *cells;
    size_t count;
};

static enum err insert(struct db *d, const struct store_write *w, const struct creation *c)
{
    static const char sql[] =
        "INSERT INTO notebooks"
        " (id, owner_id, seq_no, name, connection, revision, created_ms, updated_ms, seq, epoch)"
        " SELECT ?1, ?2, COALESCE(MAX(seq_no), 0) + 1, ?3, ?4, ?5, ?6, ?6, ?7, ?8"
        " FROM notebooks WHERE owner_id = ?2 ON CONFLICT (id) DO NOTHING";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, c->name);
    db_bind_text(&q, 4, c->connection);
    db_bind_int(&q, 5, c->revision);
    db_bind_int(&q, 6, w->now_ms);
    db_bind_int(&q, 7, c->seq);
    db_bind_text(&q, 8, c->epoch);
    return db_run_one(&q);
}

static enum err apply_create(struct db *d, const struct store_write *w, const void *change)
{
    const struct creation *c = change;
    enum err e = users_put(d, w);
    if (e != OK) {
        return e;
    }
    e = insert(d, w, c);
    if (e == ERR_NOT_FOUND) { /* nothing inserted: it exists */
        return c->if_missing ? OK : ERR_CONFLICT;
    }
    return e == OK ? cells_append_all(d, w, c->cells, c->count) : e;
}

void store_create_notebook(struct store_write *w, const struct notebook *n, bool if_missing)
{
    assert(span_eq(w->notebook, span_str(n->id)) && span_eq(w->owner, span_str(n->owner)));
    struct creation *c = write_add(w, apply_create, sizeof *c);
    c->name = arena_copy(w->arena, span_str(n->name));
    c->connection = arena_copy(w->arena, span_str(n->connection));
    c->epoch = arena_copy(w->arena, id_span(&n->epoch));
    c->revision = n->revision;
    c->seq = n->seq;
    c->if_missing = if_missing;
    c->cells = arena_alloc_array(w->arena, n->cell_count, sizeof *c->cells);
    c->count = n->cell_count;
    for (size_t i = 0; i < n->cell_count; i++) {
        cells_copy(w, n->cells[i], &c->cells[i]);
        outputs_copy_all(w, n->cells[i], &c->cells[i].outputs);
    }
}

/* --- changing its own row --- */
static enum err set_text(struct db *d, const struct store_write *w, const char *sql, struct span s)
{
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_text(&q, 3, s);
    db_bind_int(&q, 4, w->now_ms);
    return db_run_one(&q);
}

static enum err apply_rename(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] =
        "UPDATE notebooks SET name = ?3, updated_ms = ?4 WHERE id = ?1 AND owner_id = ?2";
    return set_text(d, w, sql, *(const struct span *)change);
}

static enum err apply_connection(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] =
        "UPDATE notebooks SET connection = ?3, updated_ms = ?4 WHERE id = ?1 AND owner_id = ?2";
    return set_text(d, w, sql, *(const struct span *)change);
}

static enum err apply_revision(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] =
        "UPDATE notebooks SET revision = ?3, updated_ms = ?4 WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    db_bind_int(&q, 3, *(const int64_t *)change);
    db_bind_int(&q, 4, w->now_ms);
    return db_run_one(&q);
}

static enum err apply_delete(struct db *d, const struct store_write *w, const void *change)
{
    static const char sql[] = "DELETE FROM notebooks WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = write_query(d, w, sql);
    return db_run_one(&q);
}

static void add_text(struct store_write *w, write_apply_fn apply, struct span s)
{
    struct span *change = write_add(w, apply, sizeof *change);
    *change = arena_copy(w->arena, s);
}

void store_rename(struct store_write *w, struct span name)
{
    add_text(w, apply_rename, name);
}

void store_set_connection(struct store_write *w, struct span value)
{
    add_text(w, apply_connection, value);
}

void store_set_revision(struct store_write *w, int64_t revision)
{
    int64_t *change = write_add(w, apply_revision, sizeof *change);
    *change = revision;
}

void store_delete_notebook(struct store_write *w)
{
    (void)write_add(w, apply_delete, 0);
    w->frees = true;
}

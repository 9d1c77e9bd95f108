#include "store/load.h"

#include "base/log.h"
#include "store/cells.h"

#define STOPPED SPAN("The server stopped while this cell was running.")

/* Our own row says what we never write. Its value may be somebody's content, so it is not logged.
 */
static enum err damaged(const char *what, struct span cell_id)
{
    log_event(LOG_ERROR, "store_damaged", LOG_STR("column", what), LOG_SPAN("cell", cell_id));
    return ERR_INTERNAL;
}

/* ERR_NOT_FOUND is how rows end. */
static enum err all_read(enum err e)
{
    return e == ERR_NOT_FOUND ? OK : e;
}

/* --- heads --- */
enum err load_head(struct db *d, struct arena *a, struct span id, struct store_head *out)
{
    static const char sql[] = "SELECT id, owner_id, name, revision FROM notebooks WHERE id = ?1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    enum err e = db_row(&q);
    if (e == OK) {
        *out = (struct store_head){
            .id = arena_copy(a, db_text(&q, 0)),
            .owner = arena_copy(a, db_text(&q, 1)),
            .name = arena_copy(a, db_text(&q, 2)),
            .revision = db_int(&q, 3),
        };
    }
    return e;
}

/* The array doubles inside the arena; what it leaves behind is no more than it ends with. */
static struct store_head *add_head(struct arena *a, struct store_list *list, size_t *cap)
{
    if (list->count == *cap) {
        *cap = *cap == 0 ? 16 : *cap * 2;
        struct store_head *items = arena_alloc_array(a, *cap, sizeof *items);
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
    }
    return &list->items[list->count++];
}

enum err load_list(struct db *d, struct arena *a, struct span owner, struct store_list *out)
{
    static const char sql[] =
        "SELECT id, name, revision FROM notebooks WHERE owner_id = ?1 ORDER BY seq_no";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, owner);
    struct span owner_copy = arena_copy(a, owner);
    size_t cap = 0;
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        *add_head(a, out, &cap) = (struct store_head){
            .id = arena_copy(a, db_text(&q, 0)),
            .owner = owner_copy,
            .name = arena_copy(a, db_text(&q, 1)),
            .revision = db_int(&q, 2),
        };
    }
    return all_read(e);
}

/* --- one notebook --- */
static enum err add_output(const struct db_query *q, struct cell *c)
{
    enum output_kind kind = OUTPUT_STDOUT;
    if (outputs_kind_parse(db_text(q, 0), &kind) != OK) {
        return damaged("outputs.kind", id_span(&c->id));
    }
    if (kind == OUTPUT_DISPLAY && db_text(q, 1).n == 0) {
        return damaged("outputs.data", id_span(&c->id));
    }
    if (kind == OUTPUT_DISPLAY) {
        cell_add_display(c, db_text(q, 1), db_text(q, 2));
    } else {
        cell_add_stream(c, kind, db_text(q, 1));
    }
    return OK;
}

static enum err load_outputs(struct db *d, struct span notebook, struct cell *c)
{
    static const char sql[] = "SELECT kind, data, display_id FROM outputs"
                              " WHERE notebook_id = ?1 AND cell_id = ?2 ORDER BY n";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, notebook);
    db_bind_text(&q, 2, id_span(&c->id));
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        e = add_output(&q, c);
        if (e != OK) {
            return e;
        }
    }
    return all_read(e);
}

static bool is_list_of_strings(const struct json *array)
{
    bool strings = array->kind == JSON_ARRAY;
    for (size_t i = 0; i < array->count && strings; i++) {
        strings = array->items[i].kind == JSON_STRING;
    }
    return strings;
}

static enum err set_names(struct names *names, struct span json, struct span cell_id)
{
    static const struct json_limits limits = {
        .bytes = CELLS_NAMES_MAX, .depth = 2, .values = (size_t)NOTEBOOK_CODE_MAX};
    if (span_is_null(json)) {
        return OK;
    }
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct json *array = NULL;
    struct json_error error = {0};
    if (json_parse(a, json, &limits, &array, &error) != OK || !is_list_of_strings(array)) {
        return damaged("cells.reads or cells.writes", cell_id);
    }
    struct span *items = arena_alloc_array(a, array->count, sizeof *items);
    for (size_t i = 0; i < array->count; i++) {
        items[i] = array->items[i].string;
    }
    names_set(names, items, array->count);
    return OK;
}

enum cell_column {
    CELL_ID,
    CELL_TYPE,
    CELL_CODE,
    CELL_READS,
    CELL_WRITES,
    CELL_STATUS,
    CELL_FLAW,
    CELL_LAST_ERROR
};

/* What its run would have said nobody knows now. */
static void set_outcome(struct cell *c, enum cell_status stored, struct span error)
{
    bool interrupted = stored == CELL_RUNNING;
    cell_set_error(c, interrupted ? STOPPED : error);
    c->status = interrupted ? CELL_ERROR : stored;
}

static enum err add_cell(const struct db_query *q, struct notebook *n)
{
    enum cell_type type = CELL_PYTHON;
    enum cell_status status = CELL_IDLE;
    if (cell_type_parse(db_text(q, CELL_TYPE), &type) != OK) {
        return damaged("cells.type", db_text(q, CELL_ID));
    }
    if (cell_status_parse(db_text(q, CELL_STATUS), &status) != OK) {
        return damaged("cells.status", db_text(q, CELL_ID));
    }
    if (db_text(q, CELL_ID).n != ID_LENGTH) {
        return damaged("cells.id", db_text(q, CELL_ID));
    }
    if (span_find(db_text(q, CELL_CODE), '\0') != db_text(q, CELL_CODE).n) {
        return damaged("cells.code", db_text(q, CELL_ID));
    }
    struct cell *c =
        notebook_insert(n, n->cell_count, db_text(q, CELL_ID), type, db_text(q, CELL_CODE));
    enum err e = set_names(&c->reads, db_text(q, CELL_READS), id_span(&c->id));
    if (e == OK) {
        e = set_names(&c->writes, db_text(q, CELL_WRITES), id_span(&c->id));
    }
    c->analysed = !span_is_null(db_text(q, CELL_READS));
    cell_set_flaw(c, db_text(q, CELL_FLAW));
    set_outcome(c, status, db_text(q, CELL_LAST_ERROR));
    return e;
}

static enum err load_cells(struct db *d, struct notebook *n)
{
    static const char sql[] = "SELECT id, type, code, reads, writes, status, flaw, error FROM cells"
                              " WHERE notebook_id = ?1 ORDER BY position";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, span_str(n->id));
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        e = add_cell(&q, n);
        if (e == OK) {
            e = load_outputs(d, span_str(n->id), n->cells[n->cell_count - 1]);
        }
        if (e != OK) {
            return e;
        }
    }
    return all_read(e);
}

static enum err load_row(struct db *d, struct span owner, struct span id, struct notebook **out)
{
    static const char sql[] = "SELECT name, connection, revision FROM notebooks"
                              " WHERE id = ?1 AND owner_id = ?2";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    db_bind_text(&q, 2, owner);
    enum err e = db_row(&q);
    if (e == OK) {
        struct notebook *n = notebook_new(id, owner);
        n->name = mem_copy(db_text(&q, 0));
        n->connection = mem_copy(db_text(&q, 1));
        n->revision = db_int(&q, 2);
        *out = n;
    }
    return e;
}

static enum err load_all(struct db *d, struct span owner, struct span id, struct notebook **out)
{
    struct notebook *n = NULL;
    enum err e = load_row(d, owner, id, &n);
    if (e == OK) {
        e = load_cells(d, n);
    }
    if (e != OK) {
        notebook_free(n);
        return e;
    }
    *out = n;
    return OK;
}

enum err load_notebook(struct db *d, struct span owner, struct span id, struct notebook **out)
{
    enum err e = db_do(d, "BEGIN");
    if (e != OK) {
        return e;
    }
    e = load_all(d, owner, id, out);
    db_rollback(d);
    return e;
}

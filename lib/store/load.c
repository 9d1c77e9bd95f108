#include "store/load.h"

#include "base/log.h"
#include "store/cells.h"
#include "store/events.h"
#include "store/hidden.h"

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

/* --- outputs and names --- */
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

/* --- cells --- */
enum cell_column {
    CELL_ID,
    CELL_TYPE,
    CELL_CODE,
    CELL_READS,
    CELL_WRITES,
    CELL_STATUS,
    CELL_FLAW,
    CELL_LAST_ERROR,
    CELL_NAME,
    CELL_REVISION,
    CELL_DISABLED,
    CELL_STALE,
    CELL_TEXT_END,
    CELL_HIDDEN_START,
    CELL_HIDDEN_END,
};

/* What its run would have said nobody knows now. */
static void set_outcome(struct cell *c, enum cell_status stored, struct span error)
{
    c->interrupted = stored == CELL_RUNNING;
    cell_set_error(c, c->interrupted ? STOPPED : error);
    c->status = c->interrupted ? CELL_ERROR : stored;
}

static enum err check_text(const struct db_query *q)
{
    int64_t start = db_int(q, CELL_HIDDEN_START);
    int64_t end = db_int(q, CELL_HIDDEN_END);
    bool in_order = 0 <= start && start <= end && end <= db_int(q, CELL_TEXT_END);
    return in_order ? OK : damaged("cells.hidden_start", db_text(q, CELL_ID));
}

static enum err check_cell(const struct db_query *q, enum cell_type *type, enum cell_status *status)
{
    struct span id = db_text(q, CELL_ID);
    if (cell_type_parse(db_text(q, CELL_TYPE), type) != OK) {
        return damaged("cells.type", id);
    }
    if (cell_status_parse(db_text(q, CELL_STATUS), status) != OK) {
        return damaged("cells.status", id);
    }
    if (id.n != ID_LENGTH) {
        return damaged("cells.id", id);
    }
    if (span_find(db_text(q, CELL_CODE), '\0') != db_text(q, CELL_CODE).n) {
        return damaged("cells.code", id);
    }
    return check_text(q);
}

/* What has its value in one column. */
static void set_plain(const struct db_query *q, struct cell *c)
{
    c->analysed = !span_is_null(db_text(q, CELL_READS));
    cell_set_flaw(c, db_text(q, CELL_FLAW));
    cell_set_name(c, db_text(q, CELL_NAME));
    c->revision = db_int(q, CELL_REVISION);
    c->disabled = db_int(q, CELL_DISABLED) != 0;
    c->stale = db_int(q, CELL_STALE) != 0;
    c->text_end = (size_t)db_int(q, CELL_TEXT_END);
    c->hidden_start = (size_t)db_int(q, CELL_HIDDEN_START);
    c->hidden_end = (size_t)db_int(q, CELL_HIDDEN_END);
}

static enum err add_cell(const struct db_query *q, struct notebook *n)
{
    enum cell_type type = CELL_PYTHON;
    enum cell_status status = CELL_IDLE;
    enum err e = check_cell(q, &type, &status);
    if (e != OK) {
        return e;
    }
    struct cell *c =
        notebook_insert(n, n->cell_count, db_text(q, CELL_ID), type, db_text(q, CELL_CODE));
    set_plain(q, c);
    set_outcome(c, status, db_text(q, CELL_LAST_ERROR));
    e = set_names(&c->reads, db_text(q, CELL_READS), id_span(&c->id));
    return e == OK ? set_names(&c->writes, db_text(q, CELL_WRITES), id_span(&c->id)) : e;
}

static size_t shown_text(const struct cell *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < c->output_count; i++) {
        bytes += c->outputs[i].kind == OUTPUT_DISPLAY ? 0 : c->outputs[i].size;
    }
    return bytes;
}

/* While a cell runs its text is stored piece by piece, and its row says how much there is only when
 * it has ended; a server that ended first leaves the pieces alone to say so. */
static enum err load_text(struct db *d, const struct notebook *n, struct cell *c)
{
    if (!c->interrupted) {
        return OK;
    }
    enum err e = hidden_extent(d, span_str(n->id), c);
    if (c->hidden_start == c->hidden_end) {
        c->text_end = shown_text(c);
    }
    return e;
}

static enum err load_cells(struct db *d, struct notebook *n)
{
    static const char sql[] =
        "SELECT id, type, code, reads, writes, status, flaw, error, name, revision, disabled,"
        " stale, text_end, hidden_start, hidden_end FROM cells"
        " WHERE notebook_id = ?1 ORDER BY position";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, span_str(n->id));
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        e = add_cell(&q, n);
        if (e == OK) {
            e = load_outputs(d, span_str(n->id), n->cells[n->cell_count - 1]);
        }
        if (e == OK) {
            e = load_text(d, n, n->cells[n->cell_count - 1]);
        }
        if (e != OK) {
            return e;
        }
    }
    return all_read(e);
}

/* --- the notebook --- */
static enum err set_epoch(struct notebook *n, struct span epoch)
{
    if (!id_is_valid(epoch)) {
        log_event(LOG_ERROR, "store_damaged", LOG_STR("column", "notebooks.epoch"),
                  LOG_STR("notebook", n->id));
        return ERR_INTERNAL;
    }
    memcpy(n->epoch.s, epoch.p, ID_LENGTH);
    return OK;
}

static enum err load_row(struct db *d, struct notebook *n)
{
    static const char sql[] = "SELECT name, connection, revision, seq, epoch FROM notebooks"
                              " WHERE id = ?1 AND owner_id = ?2 AND" LOAD_OWNER_IS_THERE;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, span_str(n->id));
    db_bind_text(&q, 2, span_str(n->owner));
    enum err e = db_row(&q);
    if (e != OK) {
        return e;
    }
    n->name = mem_copy(db_text(&q, 0));
    n->connection = mem_copy(db_text(&q, 1));
    n->revision = db_int(&q, 2);
    n->seq = db_int(&q, 3);
    return set_epoch(n, db_text(&q, 4));
}

enum err load_notebook(struct db *d, struct span owner, struct span id, struct notebook **out)
{
    struct notebook *n = notebook_new(id, owner);
    enum err e = load_row(d, n);
    if (e == OK) {
        e = load_cells(d, n);
    }
    if (e == OK) {
        e = events_count(d, n);
    }
    if (e != OK) {
        notebook_free(n);
        return e;
    }
    *out = n;
    return OK;
}

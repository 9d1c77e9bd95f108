/* edits: intents that change the page. */
#include <assert.h>

#include "session/internal.h"

/* --- the names of new code --- */
/* A cycle is shown on the cell whose edit closed it (CONTRACT 3.3). */
static void check_cycle(struct session *s, struct cell *c)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct graph *g = graph_build(a, s->notebook);
    size_t *path;
    size_t count;
    graph_cycle(g, notebook_find(s->notebook, id_span(&c->id)), a, &path, &count);
    if (count == 0) {
        return;
    }
    c->status = CELL_ERROR;
    cell_set_error(c, graph_cycle_text(s->notebook, path, count, a));
}

/* What the cell shows from now on: nothing is said of the old code any more. */
static void settle_edit(struct session *s, struct cell *c)
{
    if (c->status != CELL_RUNNING) {
        c->status = CELL_IDLE;
        cell_set_error(c, SPAN_NULL);
        check_cycle(s, c);
    }
    c->stale = *c->code != '\0';
    c->revision = s->notebook->revision + 1; /* the bump comes with the answer */
    store_update_cell(batch_write(s), c);
    publish_updated(s, c);
    stale_below(s, id_span(&c->id), false);
}

/* By what the old code offered... */
static void take_code(struct session *s, struct cell *c, struct span code)
{
    stale_below(s, id_span(&c->id), false);
    cell_set_code(c, code);
}

/* ...and by what the new one does. */
static void apply_edit(struct op *op, struct cell *c)
{
    settle_edit(op->session, c);
    size_t at = notebook_find(op->session->notebook, id_span(&c->id));
    op_finish_bumped(op, id_span(&c->id), at);
}

/* The session ended while the analyser was asked. */
static void drop(struct op *op)
{
    struct session *s = op->session;
    s->active = NULL;
    if (op->done != NULL) {
        op->done(op->data, ERR_UNAVAILABLE, &(struct session_result){0});
    }
    arena_free(op->arena);
    session_free_if_done(s);
}

static void on_analysed(void *data, enum err e, const struct analysis *result)
{
    struct op *op = data;
    struct session *s = op->session;
    if (s->ended) {
        drop(op);
        return;
    }
    /* Nothing else edits while this intent is active, so the cell is still there. */
    struct cell *c = session_cell(s, op->cell_id);
    assert(c != NULL);
    take_code(s, c, op->text);
    names_apply(c, e == OK ? result : NULL);
    apply_edit(op, c);
}

/* op->cell_id is the cell, op->text its new code. */
static void edit(struct op *op, struct cell *c)
{
    struct session *s = op->session;
    if (c->type == CELL_PYTHON) {
        analyser_ask(s->all->options.analyser, op->text, on_analysed, op);
        return;
    }
    take_code(s, c, op->text);
    names_of_sql(c, s->notebook->connection == NULL);
    apply_edit(op, c);
}

static enum err check_code(struct span code)
{
    if (code.n > NOTEBOOK_CODE_MAX) {
        return ERR_TOO_LARGE;
    }
    return code.n == 0 || memchr(code.p, '\0', code.n) == NULL ? OK : ERR_INVALID;
}

/* --- update --- */
static bool is_current(const struct op *op, const struct cell *c)
{
    switch (op->edit.base) {
    case SESSION_BASE_NOTEBOOK:
        return op->edit.revision == op->session->notebook->revision;
    case SESSION_BASE_CELL:
        return c->revision <= op->edit.revision;
    case SESSION_BASE_ANY:
        break;
    }
    return true;
}

static void refuse_conflict(struct op *op, const struct cell *c)
{
    const struct notebook *n = op->session->notebook;
    op_finish(op, ERR_CONFLICT,
              &(struct session_result){
                  .revision = n->revision, .seq = n->seq, .document = span_str(c->code)});
}

static void start_update_cell(struct op *op)
{
    struct cell *c = session_cell(op->session, op->cell_id);
    enum err e = c == NULL ? ERR_NOT_FOUND : OK;
    if (c != NULL && !is_current(op, c)) {
        refuse_conflict(op, c);
        return;
    }
    if (e == OK) {
        e = check_code(op->text);
    }
    if (e != OK) {
        op_finish(op, e, NULL);
    } else if (c->analysed && span_eq(span_str(c->code), op->text)) {
        op_finish_ok(op);
    } else {
        edit(op, c);
    }
}

void session_update_cell(struct session *s, const struct session_code *code, session_done_cb done,
                         void *data)
{
    struct op *op = op_new(s, start_update_cell, done, data);
    op->edit = *code;
    op->cell_id = arena_copy(op->arena, code->cell_id);
    op->text = arena_copy(op->arena, code->code);
    op_submit(op);
}

/* --- create --- */
static enum err check_creation(const struct op *op, size_t after)
{
    if (after == NOTEBOOK_NOWHERE && !span_is_null(op->cell_id)) {
        return ERR_NOT_FOUND;
    }
    bool full = op->session->notebook->cell_count >= NOTEBOOK_CELLS_MAX;
    return full ? ERR_LIMIT : check_code(op->text);
}

static void start_create_cell(struct op *op)
{
    struct session *s = op->session;
    struct notebook *n = s->notebook;
    size_t after = span_is_null(op->cell_id) ? n->cell_count - 1 : notebook_find(n, op->cell_id);
    enum err e = check_creation(op, after);
    if (e != OK) {
        op_finish(op, e, NULL);
        return;
    }
    struct span neighbour = after == NOTEBOOK_NOWHERE ? SPAN_NULL : id_span(&n->cells[after]->id);
    struct id id = id_new();
    struct cell *c = notebook_insert(n, after + 1, id_span(&id), op->type, SPAN(""));
    store_insert_cell(batch_write(s), c, neighbour);
    publish_created(s, after + 1);
    if (op->text.n == 0) {
        op_finish_bumped(op, id_span(&id), after + 1);
        return;
    }
    op->cell_id = arena_copy(op->arena, id_span(&id));
    edit(op, c);
}

void session_create_cell(struct session *s, const struct session_creation *creation,
                         session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_create_cell, done, data);
    op->type = creation->type;
    op->cell_id = arena_copy(op->arena, creation->after);
    op->text = arena_copy(op->arena, creation->code);
    op_submit(op);
}

/* --- delete, move --- */
static void start_delete_cell(struct op *op)
{
    struct session *s = op->session;
    size_t at = notebook_find(s->notebook, op->cell_id);
    if (at == NOTEBOOK_NOWHERE) {
        op_finish(op, ERR_NOT_FOUND, NULL);
        return;
    }
    stale_below(s, op->cell_id, false);
    known_forget(s, op->cell_id);
    store_delete_cell(batch_write(s), op->cell_id);
    notebook_remove(s->notebook, at);
    publish_deleted(s, op->cell_id);
    op_finish_bumped(op, op->cell_id, at);
}

void session_delete_cell(struct session *s, struct span cell_id, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_delete_cell, done, data);
    op->cell_id = arena_copy(op->arena, cell_id);
    op_submit(op);
}

/* op->text is the cell that it shall follow; null for the top of the page. */
static void start_move_cell(struct op *op)
{
    struct session *s = op->session;
    struct notebook *n = s->notebook;
    bool top = span_is_null(op->text);
    size_t from = notebook_find(n, op->cell_id);
    size_t after = top ? 0 : notebook_find(n, op->text);
    if (from == NOTEBOOK_NOWHERE || after == NOTEBOOK_NOWHERE) {
        op_finish(op, ERR_NOT_FOUND, NULL);
        return;
    }
    size_t to = top ? 0 : after < from ? after + 1 : after;
    if (to != from) {
        store_move_cell(batch_write(s), op->cell_id, op->text);
        notebook_move(n, from, to);
        publish_moved(s, to);
    }
    op_finish_bumped(op, op->cell_id, to);
}

void session_move_cell(struct session *s, struct span cell_id, struct span after,
                       session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_move_cell, done, data);
    op->cell_id = arena_copy(op->arena, cell_id);
    op->text = arena_copy(op->arena, after);
    op_submit(op);
}

/* --- settings --- */
/* Code of another language offers and needs other names. */
static void change_type(struct op *op, struct cell *c)
{
    c->type = op->settings.type;
    op->text = arena_copy(op->arena, span_str(c->code));
    edit(op, c);
}

/* A disabled cell takes its names away from those below; an enabled one will bring new ones. */
static void change_disabled(struct session *s, struct cell *c, bool disabled)
{
    if (c->disabled != disabled) {
        c->disabled = disabled;
        stale_below(s, id_span(&c->id), true);
    }
}

static void start_set_cell(struct op *op)
{
    struct session *s = op->session;
    const struct session_settings *set = &op->settings;
    struct cell *c = session_cell(s, op->cell_id);
    if (c == NULL || set->name.n > NOTEBOOK_NAME_MAX) {
        op_finish(op, c == NULL ? ERR_NOT_FOUND : ERR_TOO_LARGE, NULL);
        return;
    }
    if (set->has_name) {
        cell_set_name(c, set->name);
    }
    if (set->has_disabled) {
        change_disabled(s, c, set->disabled);
    }
    if (set->has_type && set->type != c->type) {
        change_type(op, c);
        return;
    }
    store_update_cell(batch_write(s), c);
    publish_updated(s, c);
    op_finish_bumped(op, op->cell_id, notebook_find(s->notebook, op->cell_id));
}

void session_set_cell(struct session *s, const struct session_settings *settings,
                      session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_set_cell, done, data);
    op->settings = *settings;
    op->settings.name = arena_copy(op->arena, settings->name);
    op->cell_id = arena_copy(op->arena, settings->cell_id);
    op_submit(op);
}

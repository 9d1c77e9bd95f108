/* ops: the intents of a session, one at a time and in order. An edit has to wait for the analyser;
 * what comes after it (the run of the edited cell, say) waits with it and so sees the new code. */
#include <assert.h>

#include "session/internal.h"

static struct op *op_new(struct session *s, void (*start)(struct op *op), session_done_cb done,
                         void *data)
{
    struct arena *arena = arena_new();
    struct op *op = arena_alloc(arena, sizeof *op);
    op->session = s;
    op->start = start;
    op->arena = arena;
    op->done = done;
    op->data = data;
    return op;
}

static void start_next(struct session *s)
{
    while (s->active == NULL && !s->ended && !s->deleting && !list_is_empty(&s->ops)) {
        struct op *op = LIST_ENTRY(list_take_first(&s->ops), struct op, link);
        s->op_count--;
        s->active = op;
        op->start(op);
    }
}

static void submit(struct op *op)
{
    struct session *s = op->session;
    if (s->deleting || s->op_count >= OPS_MAX) {
        batch_answer(s, op, s->deleting ? ERR_NOT_FOUND : ERR_LIMIT, NULL);
        arena_free(op->arena);
        return;
    }
    list_add_last(&s->ops, &op->link);
    s->op_count++;
    start_next(s);
}

void op_finish(struct op *op, enum err e, const struct session_result *r)
{
    struct session *s = op->session;
    assert(s->active == op);
    batch_answer(s, op, e, r);
    s->active = NULL;
    arena_free(op->arena);
    start_next(s);
}

void ops_refuse(struct session *s, enum err e)
{
    struct list *node;
    while ((node = list_take_first(&s->ops)) != NULL) {
        struct op *op = LIST_ENTRY(node, struct op, link);
        if (op->done != NULL) {
            op->done(op->data, e, &(struct session_result){0});
        }
        arena_free(op->arena);
    }
    s->op_count = 0;
}

static void finish_bumped(struct op *op, struct span cell_id)
{
    int64_t revision = batch_bump(op->session);
    op_finish(op, OK, &(struct session_result){.cell_id = cell_id, .revision = revision});
}

/* --- settle, rename, connection, delete --- */
static void start_settle(struct op *op)
{
    op_finish(op, OK, &(struct session_result){.revision = op->session->notebook->revision});
}

void session_settle(struct session *s, session_done_cb done, void *data)
{
    submit(op_new(s, start_settle, done, data));
}

static void start_rename(struct op *op)
{
    struct session *s = op->session;
    mem_replace(&s->notebook->name, op->text);
    store_rename(batch_write(s), op->text);
    start_settle(op);
}

void session_rename(struct session *s, struct span name, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_rename, done, data);
    op->text = arena_copy(op->arena, name);
    submit(op);
}

/* Whether tables are names of the notebook depends on where SQL runs. */
static void start_set_connection(struct op *op)
{
    struct session *s = op->session;
    mem_replace(&s->notebook->connection, op->text);
    store_set_connection(batch_write(s), op->text);
    for (size_t i = 0; i < s->notebook->cell_count; i++) {
        struct cell *c = s->notebook->cells[i];
        if (c->type == CELL_SQL) {
            names_of_sql(c, s->notebook->connection == NULL);
            store_update_cell(batch_write(s), c);
        }
    }
    start_settle(op);
}

void session_set_connection(struct session *s, struct span value, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_set_connection, done, data);
    op->text = arena_copy(op->arena, value);
    submit(op);
}

/* Nothing may be written after the deletion: what the kernel still says and what is asked from now
 * on is refused. */
static void start_delete(struct op *op)
{
    struct session *s = op->session;
    session_stop_kernel(s);
    run_abandon(s);
    store_delete_notebook(batch_write(s));
    s->deleting = true;
    start_settle(op);
    ops_refuse(s, ERR_NOT_FOUND);
}

void session_delete(struct session *s, session_done_cb done, void *data)
{
    submit(op_new(s, start_delete, done, data));
}

/* --- cells --- */
static void start_create_cell(struct op *op)
{
    struct session *s = op->session;
    struct notebook *n = s->notebook;
    size_t after = span_is_null(op->cell_id) ? n->cell_count - 1 : notebook_find(n, op->cell_id);
    if (after == NOTEBOOK_NOWHERE && n->cell_count > 0) {
        op_finish(op, ERR_NOT_FOUND, NULL);
        return;
    }
    if (n->cell_count >= NOTEBOOK_CELLS_MAX) {
        op_finish(op, ERR_LIMIT, NULL);
        return;
    }
    struct span neighbour = after == NOTEBOOK_NOWHERE ? SPAN_NULL : id_span(&n->cells[after]->id);
    struct id id = id_new();
    struct cell *c = notebook_insert(n, after + 1, id_span(&id), op->type, SPAN(""));
    store_insert_cell(batch_write(s), c, neighbour);
    publish_created(s, after + 1);
    finish_bumped(op, id_span(&id));
}

void session_create_cell(struct session *s, enum cell_type type, struct span after,
                         session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_create_cell, done, data);
    op->type = type;
    op->cell_id = arena_copy(op->arena, after);
    submit(op);
}

static void start_delete_cell(struct op *op)
{
    struct session *s = op->session;
    size_t at = notebook_find(s->notebook, op->cell_id);
    if (at == NOTEBOOK_NOWHERE) {
        op_finish(op, ERR_NOT_FOUND, NULL);
        return;
    }
    run_forget(s, op->cell_id);
    store_delete_cell(batch_write(s), op->cell_id);
    notebook_remove(s->notebook, at);
    publish_deleted(s, op->cell_id);
    finish_bumped(op, op->cell_id);
}

void session_delete_cell(struct session *s, struct span cell_id, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_delete_cell, done, data);
    op->cell_id = arena_copy(op->arena, cell_id);
    submit(op);
}

static void start_run(struct op *op)
{
    struct session *s = op->session;
    if (notebook_find(s->notebook, op->cell_id) == NOTEBOOK_NOWHERE) {
        op_finish(op, ERR_NOT_FOUND, NULL);
        return;
    }
    run_want(s, op->cell_id);
    start_settle(op);
}

void session_run(struct session *s, struct span cell_id, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_run, done, data);
    op->cell_id = arena_copy(op->arena, cell_id);
    submit(op);
}

/* --- editing code --- */
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

/* The names are known: the edit becomes visible, all of it at once. */
static void apply_edit(struct op *op, struct cell *c)
{
    struct session *s = op->session;
    if (c->status != CELL_RUNNING) {
        c->status = CELL_IDLE;
        cell_set_error(c, SPAN_NULL);
        check_cycle(s, c);
    }
    store_update_cell(batch_write(s), c);
    publish_updated(s, c);
    finish_bumped(op, op->cell_id);
}

static void on_analysed(void *data, enum err e, const struct analysis *result)
{
    struct op *op = data;
    struct session *s = op->session;
    if (s->ended) {
        s->active = NULL;
        if (op->done != NULL) {
            op->done(op->data, ERR_UNAVAILABLE, &(struct session_result){0});
        }
        arena_free(op->arena);
        session_free_if_done(s);
        return;
    }
    /* Nothing else edits while this intent is active, so the cell is still there. */
    struct cell *c = session_cell(s, op->cell_id);
    assert(c != NULL);
    cell_set_code(c, op->text);
    names_apply(c, e == OK ? result : NULL);
    apply_edit(op, c);
}

static enum err check_edit(const struct op *op, const struct cell *c)
{
    if (c == NULL) {
        return ERR_NOT_FOUND;
    }
    if (!op->any_revision && op->expected != op->session->notebook->revision) {
        return ERR_CONFLICT;
    }
    if (op->text.n > NOTEBOOK_CODE_MAX) {
        return ERR_TOO_LARGE;
    }
    return memchr(op->text.p, '\0', op->text.n) == NULL ? OK : ERR_INVALID;
}

static void start_update_cell(struct op *op)
{
    struct session *s = op->session;
    struct cell *c = session_cell(s, op->cell_id);
    enum err e = check_edit(op, c);
    if (e != OK || (c->analysed && span_eq(span_str(c->code), op->text))) {
        op_finish(op, e, &(struct session_result){.revision = s->notebook->revision});
        return;
    }
    if (c->type == CELL_PYTHON) {
        analyser_ask(s->all->options.analyser, op->text, on_analysed, op);
        return;
    }
    cell_set_code(c, op->text);
    names_of_sql(c, s->notebook->connection == NULL);
    apply_edit(op, c);
}

void session_update_cell(struct session *s, const struct session_code *code, session_done_cb done,
                         void *data)
{
    struct op *op = op_new(s, start_update_cell, done, data);
    op->cell_id = arena_copy(op->arena, code->cell_id);
    op->text = arena_copy(op->arena, code->code);
    op->any_revision = code->any_revision;
    op->expected = code->expected;
    submit(op);
}

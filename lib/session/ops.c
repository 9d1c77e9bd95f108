/* ops: the intents of a session, one at a time and in order. An edit has to wait for the analyser;
 * what comes after it (the run of the edited cell, say) waits with it and so sees the new code. */
#include <assert.h>

#include "session/internal.h"

struct op *op_new(struct session *s, void (*start)(struct op *op), session_done_cb done, void *data)
{
    struct arena *arena = arena_new();
    struct op *op = arena_alloc(arena, sizeof *op);
    op->session = s;
    op->start = start;
    op->arena = arena;
    op->behalf = behalf_copy(s->all, arena);
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

void op_submit(struct op *op)
{
    struct session *s = op->session;
    if (s->deleting || s->op_count >= OPS_MAX) {
        batch_answer(s, op->done, op->data, s->deleting ? ERR_NOT_FOUND : ERR_LIMIT, NULL);
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
    behalf_sign(s, e == OK ? op->behalf : NULL);
    batch_answer(s, op->done, op->data, e, r);
    s->active = NULL;
    arena_free(op->arena);
    start_next(s);
}

void ops_refuse(struct session *s, void (*start)(struct op *op), enum err e)
{
    LIST_EACH (it, &s->ops) {
        struct op *op = LIST_ENTRY(it, struct op, link);
        if (start != NULL && op->start != start) {
            continue;
        }
        list_remove(&op->link);
        s->op_count--;
        if (op->done != NULL) {
            op->done(op->data, e, &(struct session_result){0});
        }
        arena_free(op->arena);
    }
}

void op_finish_ok(struct op *op)
{
    const struct notebook *n = op->session->notebook;
    op_finish(op, OK, &(struct session_result){.revision = n->revision, .seq = n->seq});
}

void op_finish_bumped(struct op *op, struct span cell_id, size_t position)
{
    struct session *s = op->session;
    int64_t revision = batch_bump(s);
    op_finish(op, OK,
              &(struct session_result){.cell_id = cell_id,
                                       .revision = revision,
                                       .seq = s->notebook->seq,
                                       .position = position});
}

/* --- the notebook itself --- */
void session_settle(struct session *s, session_done_cb done, void *data)
{
    op_submit(op_new(s, op_finish_ok, done, data));
}

static void start_rename(struct op *op)
{
    struct session *s = op->session;
    mem_replace(&s->notebook->name, op->text);
    store_rename(batch_write(s), op->text);
    publish_renamed(s);
    op_finish_ok(op);
}

void session_rename(struct session *s, struct span name, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_rename, done, data);
    op->text = arena_copy(op->arena, name);
    op_submit(op);
}

/* Whether tables are names of the notebook depends on where SQL runs. */
static void start_set_connection(struct op *op)
{
    struct session *s = op->session;
    mem_replace(&s->notebook->connection, op->text);
    store_set_connection(batch_write(s), op->text);
    publish_db_changed(s);
    for (size_t i = 0; i < s->notebook->cell_count; i++) {
        struct cell *c = s->notebook->cells[i];
        if (c->type == CELL_SQL) {
            names_of_sql(c, s->notebook->connection == NULL);
            store_update_cell(batch_write(s), c);
            publish_updated(s, c);
        }
    }
    op_finish_ok(op);
}

void session_set_connection(struct session *s, struct span value, session_done_cb done, void *data)
{
    struct op *op = op_new(s, start_set_connection, done, data);
    op->text = arena_copy(op->arena, value);
    op_submit(op);
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
    op_finish_ok(op);
    ops_refuse(s, NULL, ERR_NOT_FOUND);
}

void session_delete(struct session *s, session_done_cb done, void *data)
{
    op_submit(op_new(s, start_delete, done, data));
}

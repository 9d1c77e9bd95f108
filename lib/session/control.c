/* control: intents about running: run, interrupt, restart, and the answer to input(). */
#include "session/internal.h"

/* --- run --- */
static bool is_wanted(const struct op *op, const struct cell *c)
{
    switch (op->run.scope) {
    case SESSION_RUN_CELL:
        return span_eq(id_span(&c->id), op->cell_id);
    case SESSION_RUN_STALE:
        return c->stale && !c->disabled;
    case SESSION_RUN_ALL:
        break;
    }
    return !c->disabled;
}

static size_t choose(const struct op *op, struct arena *a, struct span **wanted)
{
    const struct notebook *n = op->session->notebook;
    *wanted = arena_alloc_array(a, n->cell_count, sizeof **wanted);
    size_t count = 0;
    for (size_t i = 0; i < n->cell_count; i++) {
        if (is_wanted(op, n->cells[i])) {
            (*wanted)[count++] = id_span(&n->cells[i]->id);
        }
    }
    return count;
}

static enum err check(const struct op *op)
{
    const struct cell *c = session_cell(op->session, op->cell_id);
    if (op->run.wait && op->session->waiter_count >= WAITERS_MAX) {
        return ERR_LIMIT;
    }
    if (op->run.scope != SESSION_RUN_CELL) {
        return OK;
    }
    return c == NULL ? ERR_NOT_FOUND : c->disabled ? ERR_INVALID : OK;
}

static void answer_planned(struct op *op, bool queued)
{
    static const struct run unknown = {0};
    const struct session *s = op->session;
    struct text out = TEXT(DOCUMENT_MAX);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_bool(&w, SPAN("queued"), queued);
    put_plan(queued ? &unknown : &s->run, &w);
    json_close_object(&w);
    op_finish(op, OK,
              &(struct session_result){.revision = s->notebook->revision,
                                       .seq = s->notebook->seq,
                                       .document = text_span(&out)});
    text_free(&out);
}

/* The waiter takes the answer over. */
static void wait_for_end(struct op *op)
{
    wait_add(op->session, op->session->run.batch + 1, op);
    op->done = NULL;
}

static void start_run(struct op *op)
{
    struct session *s = op->session;
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span *wanted;
    enum err e = check(op);
    if (e != OK) {
        op_finish(op, e, NULL);
        return;
    }
    size_t count = choose(op, a, &wanted);
    bool queued = s->run.active;
    if (op->run.wait) {
        wait_for_end(op);
    }
    run_want(s, wanted, count);
    answer_planned(op, queued);
}

void session_run(struct session *s, const struct session_run_request *request, session_done_cb done,
                 void *data)
{
    struct op *op = op_new(s, start_run, done, data);
    op->run = *request;
    op->cell_id = arena_copy(op->arena, request->cell_id);
    op_submit(op);
}

/* --- interrupt, restart --- */
static void answer_now(struct session *s, session_done_cb done, void *data, enum err e)
{
    struct session_result r = {.revision = s->notebook->revision, .seq = s->notebook->seq};
    behalf_sign(s, e == OK ? s->all->behalf : NULL);
    batch_answer(s, done, data, e, &r);
}

void session_interrupt(struct session *s, session_done_cb done, void *data)
{
    ops_refuse(s, start_run, ERR_CANCELED); /* asked for before the interrupt */
    run_take_back(s);
    answer_now(s, done, data, OK);
}

void session_restart(struct session *s, session_done_cb done, void *data)
{
    ops_refuse(s, start_run, ERR_CANCELED);
    session_stop_kernel(s);
    run_on_gone(s, SPAN("The kernel was restarted while this cell was running."));
    bool started = session_start_kernel(s);
    answer_now(s, done, data, started ? OK : ERR_INTERNAL);
}

/* --- input() --- */
void session_input(struct session *s, struct span value, session_done_cb done, void *data)
{
    if (!s->asks_input || s->kernel == NULL) {
        answer_now(s, done, data, ERR_CONFLICT);
        return;
    }
    kernel_input(s->kernel, value);
    s->asks_input = false;
    batch_tell_kernel(s);
    answer_now(s, done, data, OK);
}

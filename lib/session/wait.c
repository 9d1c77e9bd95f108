/* wait: who waits for a run to end. */
#include "session/internal.h"

struct run_waiter {
    struct list link;
    uint64_t batch;
    session_progress_cb on_progress;
    session_done_cb done;
    void *data;
};

void wait_add(struct session *s, uint64_t batch, const struct op *op)
{
    struct run_waiter *w = mem_alloc(sizeof *w);
    w->batch = batch;
    w->on_progress = op->run.on_progress;
    w->done = op->done;
    w->data = op->data;
    list_add_last(&s->waiters, &w->link);
    s->waiter_count++;
}

/* It is told at once, not with the commit: it says nothing of what the cells have shown. */
void wait_progress(struct session *s)
{
    LIST_EACH (it, &s->waiters) {
        const struct run_waiter *w = LIST_ENTRY(it, struct run_waiter, link);
        if (w->batch == s->run.batch && w->on_progress != NULL) {
            w->on_progress(w->data, s->run.next, s->run.count);
        }
    }
}

static void write_result(const struct session *s, struct span status, struct text *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("status"), status);
    json_put_name(&w, SPAN("cells"));
    json_open_array(&w);
    for (size_t i = 0; i < s->run.count; i++) {
        const struct cell *c = session_cell(s, id_span(&s->run.steps[i].cell));
        if (c != NULL) {
            wire_cell_state(&w, c);
        }
    }
    json_close_array(&w);
    json_close_object(&w);
}

static void remove_waiter(struct session *s, struct run_waiter *w)
{
    list_remove(&w->link);
    s->waiter_count--;
    mem_free(w);
}

void wait_end(struct session *s, struct span status)
{
    if (s->waiter_count == 0) {
        return;
    }
    struct text out = TEXT(DOCUMENT_MAX);
    write_result(s, status, &out);
    struct session_result r = {
        .revision = s->notebook->revision, .seq = s->notebook->seq, .document = text_span(&out)};
    LIST_EACH (it, &s->waiters) {
        struct run_waiter *w = LIST_ENTRY(it, struct run_waiter, link);
        if (w->batch <= s->run.batch) {
            batch_answer(s, w->done, w->data, out.overflowed ? ERR_TOO_LARGE : OK, &r);
            remove_waiter(s, w);
        }
    }
    text_free(&out);
}

void wait_join(struct session *s)
{
    LIST_EACH (it, &s->waiters) {
        LIST_ENTRY(it, struct run_waiter, link)->batch = s->run.batch;
    }
}

void wait_refuse(struct session *s, enum err e)
{
    LIST_EACH (it, &s->waiters) {
        struct run_waiter *w = LIST_ENTRY(it, struct run_waiter, link);
        session_done_cb done = w->done;
        void *data = w->data;
        remove_waiter(s, w);
        done(data, e, &(struct session_result){0});
    }
}

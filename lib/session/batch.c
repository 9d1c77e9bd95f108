/* batch: what one write of a session holds. Changes, the events that tell of them and the answers
 * that wait for them travel together, so that nobody hears of what is not on disk. */
#include <assert.h>

#include "base/log.h"
#include "session/internal.h"

struct queued_event {
    struct list link;
    struct event event;
};

struct answer {
    struct list link;
    session_done_cb done;
    void *data;
    enum err err;
    struct session_result result;
};

struct batch {
    struct session *session;
    struct arena *arena;
    struct store_write *write; /* NULL while nothing changes */
    struct list events, answers;
};

static struct batch *open_batch(struct session *s)
{
    assert(!s->ended);
    if (s->batch == NULL) {
        struct batch *b = mem_alloc(sizeof *b);
        b->session = s;
        b->arena = arena_new();
        list_init(&b->events);
        list_init(&b->answers);
        s->batch = b;
        if (s->writing == 0) {
            list_add_last(&s->all->dirty, &s->dirty);
        }
    }
    return s->batch;
}

static void free_batch(struct batch *b)
{
    store_write_free(b->write);
    arena_free(b->arena);
    mem_free(b);
}

struct store_write *batch_write(struct session *s)
{
    struct batch *b = open_batch(s);
    session_drop_document(s);
    if (b->write == NULL) {
        b->write = store_write_new(s->all->options.store, span_str(s->notebook->owner),
                                   span_str(s->notebook->id));
    }
    return b->write;
}

int64_t batch_bump(struct session *s)
{
    int64_t revision = ++s->notebook->revision;
    store_set_revision(batch_write(s), revision);
    return revision;
}

void batch_event(struct session *s, const struct event *e)
{
    struct batch *b = open_batch(s);
    struct queued_event *q = arena_alloc(b->arena, sizeof *q);
    q->event = *e;
    q->event.cell_id = arena_copy(b->arena, e->cell_id);
    q->event.json = arena_copy(b->arena, e->json);
    list_add_last(&b->events, &q->link);
}

void batch_answer(struct session *s, const struct op *op, enum err e,
                  const struct session_result *r)
{
    if (op->done == NULL) {
        return;
    }
    struct batch *b = open_batch(s);
    struct answer *a = arena_alloc(b->arena, sizeof *a);
    a->done = op->done;
    a->data = op->data;
    a->err = e;
    if (r != NULL) {
        a->result = *r;
        a->result.cell_id = arena_copy(b->arena, r->cell_id);
    }
    list_add_last(&b->answers, &a->link);
}

static void tell_watchers(struct batch *b)
{
    LIST_EACH (it, &b->events) {
        const struct event *e = &LIST_ENTRY(it, struct queued_event, link)->event;
        LIST_EACH (w, &b->session->watchers) {
            struct watcher *watcher = LIST_ENTRY(w, struct watcher, link);
            watcher->on_event(watcher, e);
        }
    }
}

/* `failure` replaces every good answer when the write did not happen. */
static void answer_all(struct batch *b, enum err failure)
{
    LIST_EACH (it, &b->answers) {
        struct answer *a = LIST_ENTRY(it, struct answer, link);
        a->done(a->data, a->err == OK ? failure : a->err, &a->result);
    }
}

static void deliver(struct batch *b, enum err e)
{
    if (e == OK) {
        tell_watchers(b);
    }
    answer_all(b, e);
    free_batch(b);
}

static void on_committed(void *data, enum err e)
{
    struct batch *b = data;
    struct session *s = b->session;
    b->write = NULL; /* the store's since store_commit */
    s->writing--;
    if (s->batch != NULL && !s->ended) {
        list_add_last(&s->all->dirty, &s->dirty);
    }
    deliver(b, e);
    if (e != OK && !s->ended) {
        log_event(LOG_ERROR, "session_broken", LOG_STR("notebook", s->notebook->id),
                  LOG_STR("cause", err_name(e)));
        session_end(s, SESSION_BROKEN);
        return;
    }
    if (s->deleting && s->batch == NULL && !s->ended) {
        session_end(s, SESSION_DELETED);
        return;
    }
    session_free_if_done(s);
}

void batch_flush(struct session *s)
{
    list_remove(&s->dirty);
    struct batch *b = s->batch;
    s->batch = NULL;
    if (b->write == NULL) {
        deliver(b, OK);
        return;
    }
    s->writing++;
    store_commit(b->write, on_committed, b);
}

void batch_discard(struct session *s, enum err e)
{
    list_remove(&s->dirty);
    struct batch *b = s->batch;
    s->batch = NULL;
    if (b != NULL) {
        deliver(b, e);
    }
}

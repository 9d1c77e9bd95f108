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
    size_t bytes;              /* of events and text */
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

/* What the kernel prints while a write is under way must wait somewhere: when that is enough, it
 * waits in the kernel. */
void batch_hold_back(struct session *s)
{
    bool full = s->writing > 0 && s->batch != NULL && s->batch->bytes > BATCH_BYTES_MAX;
    bool wait = full || list_is_linked(&s->throttled);
    if (s->kernel != NULL && wait != s->kernel_paused) {
        s->kernel_paused = wait;
        kernel_pause(s->kernel, wait);
    }
}

void batch_weigh(struct session *s, size_t bytes)
{
    open_batch(s)->bytes += bytes;
    batch_hold_back(s);
}

static void queue_event(struct batch *b, const struct event *e)
{
    struct queued_event *q = arena_alloc(b->arena, sizeof *q);
    q->event = *e;
    q->event.cell_id = arena_copy(b->arena, e->cell_id);
    list_add_last(&b->events, &q->link);
}

void batch_event(struct session *s, const struct event *e)
{
    struct batch *b = open_batch(s);
    struct event copy = *e;
    copy.json = journal_keeps(e) ? journal_append(s, batch_write(s), b->arena, &copy)
                                 : arena_copy(b->arena, e->json);
    queue_event(b, &copy);
    batch_weigh(s, copy.json.n);
}

void batch_answer(struct session *s, session_done_cb done, void *data, enum err e,
                  const struct session_result *r)
{
    if (done == NULL) {
        return;
    }
    struct batch *b = open_batch(s);
    struct answer *a = arena_alloc(b->arena, sizeof *a);
    a->done = done;
    a->data = data;
    a->err = e;
    if (r != NULL) {
        a->result = *r;
        a->result.cell_id = arena_copy(b->arena, r->cell_id);
        a->result.document = arena_copy(b->arena, r->document);
    }
    list_add_last(&b->answers, &a->link);
}

/* --- what is true now, told with whatever comes next --- */
void batch_tell_kernel(struct session *s)
{
    s->kernel_changed = true;
    (void)open_batch(s);
}

void batch_tell_presence(struct session *s)
{
    s->presence_changed = true;
    (void)open_batch(s);
}

static void add_message(struct batch *b, enum event_kind kind,
                        void (*write)(const struct session *s, struct text *out))
{
    struct text out = TEXT(MESSAGE_MAX);
    write(b->session, &out);
    queue_event(b, &(struct event){.kind = kind, .json = arena_copy(b->arena, text_span(&out))});
    text_free(&out);
}

static void add_news(struct batch *b)
{
    struct session *s = b->session;
    if (s->kernel_changed) {
        add_message(b, EVENT_KERNEL, session_kernel_message);
    }
    if (s->presence_changed) {
        add_message(b, EVENT_PRESENCE, session_presence_message);
    }
    s->kernel_changed = s->presence_changed = false;
}

/* --- delivering --- */
static void tell_watchers(struct batch *b)
{
    LIST_EACH (it, &b->events) {
        const struct event *e = &LIST_ENTRY(it, struct queued_event, link)->event;
        b->session->told = e->seq > 0 ? e->seq : b->session->told;
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

static void end_if_deleted(struct session *s)
{
    if (s->deleting && s->batch == NULL && s->writing == 0 && !s->ended) {
        session_end(s, SESSION_DELETED);
        return;
    }
    session_free_if_done(s);
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
    end_if_deleted(s);
}

void batch_flush(struct session *s)
{
    list_remove(&s->dirty);
    struct batch *b = s->batch;
    add_news(b);
    s->batch = NULL;
    batch_hold_back(s);
    if (b->write == NULL) {
        deliver(b, OK);
        end_if_deleted(s);
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

#include "store/read.h"

#include "store/events.h"
#include "store/hidden.h"
#include "store/inside.h"
#include "store/load.h"

void read_perform(struct db *d, struct read *r)
{
    r->err = db_do(d, "BEGIN");
    if (r->err == OK) {
        r->err = r->kind->find(d, r);
        db_rollback(d);
    }
}

static void deliver(struct outbox_item *item)
{
    struct read *r = (struct read *)item;
    r->store->reading -= r->queued;
    struct arena *a = r->arena; /* it holds `r` too */
    r->kind->answer(r);
    arena_free(a);
}

void *read_new(struct store *s, const struct read_kind *kind, size_t size, void *data)
{
    struct arena *a = arena_new();
    struct read *r = arena_alloc(a, size);
    r->item.deliver = deliver;
    r->kind = kind;
    r->store = s;
    r->arena = a;
    r->data = data;
    return r;
}

void read_submit(struct read *r)
{
    struct store *s = r->store;
    if (s->closing || s->reading >= s->queue_max) {
        r->err = ERR_UNAVAILABLE;
        outbox_post_one(&s->outbox, &r->item);
        return;
    }
    r->queued = true;
    s->reading++;
    worker_push(&s->reader.worker, &r->item);
}

/* --- lists --- */
struct list_read {
    struct read base;
    struct span owner;
    struct store_list list;
    store_listed_cb done;
};

static enum err find_list(struct db *d, struct read *r)
{
    struct list_read *l = (struct list_read *)r;
    return load_list(d, r->arena, l->owner, &l->list);
}

static void answer_list(struct read *r)
{
    const struct list_read *l = (const struct list_read *)r;
    l->done(r->data, r->err, &l->list);
}

void store_list(struct store *s, struct span owner, store_listed_cb done, void *data)
{
    static const struct read_kind kind = {find_list, answer_list};
    struct list_read *l = read_new(s, &kind, sizeof *l, data);
    l->owner = arena_copy(l->base.arena, owner);
    l->done = done;
    read_submit(&l->base);
}

/* --- notebooks --- */
struct notebook_read {
    struct read base;
    struct span owner, id;
    struct notebook *notebook;
    store_loaded_cb done;
};

static enum err find_notebook(struct db *d, struct read *r)
{
    struct notebook_read *n = (struct notebook_read *)r;
    return load_notebook(d, n->owner, n->id, &n->notebook);
}

static void answer_notebook(struct read *r)
{
    const struct notebook_read *n = (const struct notebook_read *)r;
    n->done(r->data, r->err, n->notebook);
}

void store_load(struct store *s, struct span owner, struct span id, store_loaded_cb done,
                void *data)
{
    static const struct read_kind kind = {find_notebook, answer_notebook};
    struct notebook_read *n = read_new(s, &kind, sizeof *n, data);
    n->owner = arena_copy(n->base.arena, owner);
    n->id = arena_copy(n->base.arena, id);
    n->done = done;
    read_submit(&n->base);
}

/* --- events --- */
struct events_read {
    struct read base;
    struct store_range range;
    struct store_events events;
    store_events_cb done;
};

static enum err find_events(struct db *d, struct read *r)
{
    struct events_read *e = (struct events_read *)r;
    return events_load(d, r->arena, &e->range, &e->events);
}

static void answer_events(struct read *r)
{
    const struct events_read *e = (const struct events_read *)r;
    e->done(r->data, r->err, &e->events);
}

void store_events(struct store *s, const struct store_range *range, store_events_cb done,
                  void *data)
{
    static const struct read_kind kind = {find_events, answer_events};
    struct events_read *e = read_new(s, &kind, sizeof *e, data);
    e->range = *range;
    e->range.owner = arena_copy(e->base.arena, range->owner);
    e->range.notebook_id = arena_copy(e->base.arena, range->notebook_id);
    e->done = done;
    read_submit(&e->base);
}

/* --- hidden text --- */
struct text_read {
    struct read base;
    struct store_text_range range;
    struct text text;
    store_text_cb done;
};

static enum err find_text(struct db *d, struct read *r)
{
    struct text_read *t = (struct text_read *)r;
    return hidden_load(d, &t->range, &t->text);
}

static void answer_text(struct read *r)
{
    struct text_read *t = (struct text_read *)r;
    t->done(r->data, r->err, text_span(&t->text));
    text_free(&t->text);
}

void store_text(struct store *s, const struct store_text_range *range, store_text_cb done,
                void *data)
{
    static const struct read_kind kind = {find_text, answer_text};
    struct text_read *t = read_new(s, &kind, sizeof *t, data);
    t->range = *range;
    t->range.owner = arena_copy(t->base.arena, range->owner);
    t->range.notebook_id = arena_copy(t->base.arena, range->notebook_id);
    t->range.cell_id = arena_copy(t->base.arena, range->cell_id);
    t->text = TEXT(range->size);
    t->done = done;
    read_submit(&t->base);
}

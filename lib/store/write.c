#include "store/write.h"

#include "base/clock.h"
#include "store/inside.h"

struct write_change {
    struct write_change *next;
    write_apply_fn apply;
    void *change;
};

struct store_write *store_write_new(struct store *s, struct span owner, struct span notebook_id)
{
    struct store_write *w = mem_alloc(sizeof *w);
    w->store = s;
    w->arena = arena_new();
    w->owner = arena_copy(w->arena, owner);
    w->notebook = arena_copy(w->arena, notebook_id);
    w->now_ms = clock_unix_ms();
    return w;
}

void store_write_free(struct store_write *w)
{
    if (w != NULL) {
        arena_free(w->arena);
        mem_free(w);
    }
}

void *write_add(struct store_write *w, write_apply_fn apply, size_t size)
{
    struct write_change *c = arena_alloc(w->arena, sizeof *c);
    c->apply = apply;
    c->change = arena_alloc(w->arena, size);
    if (w->last == NULL) {
        w->first = c;
    } else {
        w->last->next = c;
    }
    w->last = c;
    return c->change;
}

void write_refuse(struct store_write *w, enum err e)
{
    if (w->err == OK) {
        w->err = e;
    }
}

static enum err apply_changes(struct db *d, const struct store_write *w)
{
    enum err e = OK;
    for (const struct write_change *c = w->first; c != NULL && e == OK; c = c->next) {
        e = c->apply(d, w, c->change);
    }
    return e;
}

/* Some errors (a full disk) end the whole transaction: then there is no savepoint to go back to. */
static enum err undo(struct db *d, enum err cause)
{
    if (!db_in_transaction(d)) {
        return cause;
    }
    if (db_do(d, "ROLLBACK TO one_write") != OK || db_do(d, "RELEASE one_write") != OK) {
        db_rollback(d);
    }
    return cause;
}

enum err write_apply(struct db *d, const struct store_write *w)
{
    enum err e = db_do(d, "SAVEPOINT one_write");
    if (e != OK) {
        return e;
    }
    e = apply_changes(d, w);
    if (e != OK) {
        return undo(d, e);
    }
    return db_do(d, "RELEASE one_write");
}

struct db_query write_query(struct db *d, const struct store_write *w, const char *sql)
{
    struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, w->notebook);
    db_bind_text(&q, 2, w->owner);
    return q;
}

static void deliver(struct outbox_item *item)
{
    struct store_write *w = (struct store_write *)item;
    store_done_cb done = w->done;
    void *data = w->data;
    enum err e = w->err;
    w->store->pending -= w->bytes != 0;
    w->store->pending_bytes -= w->bytes;
    store_write_free(w);
    done(data, e);
}

static bool has_room(const struct store *s, size_t bytes)
{
    return s->pending < s->queue_max && s->pending_bytes + bytes <= s->queue_bytes_max;
}

void store_commit(struct store_write *w, store_done_cb done, void *data)
{
    struct store *s = w->store;
    size_t bytes = sizeof *w + arena_used(w->arena);
    w->done = done;
    w->data = data;
    w->item.deliver = deliver;
    if (s->closing || !has_room(s, bytes)) {
        write_refuse(w, ERR_UNAVAILABLE);
    }
    if (w->err != OK) {
        outbox_post_one(&s->outbox, &w->item);
        return;
    }
    w->bytes = bytes;
    s->pending++;
    s->pending_bytes += bytes;
    worker_push(&s->writer.worker, &w->item);
}

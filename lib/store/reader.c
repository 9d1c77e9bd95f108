#include "store/reader.h"

#include "store/inside.h"
#include "store/load.h"

struct read {
    struct outbox_item item; /* first */
    struct store *store;
    struct arena *arena;
    struct span owner, id; /* id is null for a list */
    bool queued;
    enum err err;
    struct store_list list;
    struct notebook *notebook;
    store_listed_cb listed;
    store_loaded_cb loaded;
    void *data;
};

/* --- the thread --- */
static void perform(struct db *d, struct read *r)
{
    if (r->listed != NULL) {
        r->err = load_list(d, r->arena, r->owner, &r->list);
    } else {
        r->err = load_notebook(d, r->owner, r->id, &r->notebook);
    }
}

static void work(struct worker *worker, struct list *items)
{
    const struct reader *r = (struct reader *)worker;
    struct list *it = NULL;
    while ((it = list_take_first(items)) != NULL) {
        struct outbox_item *item = LIST_ENTRY(it, struct outbox_item, link);
        perform(r->db, (struct read *)item);
        outbox_post_one(worker->outbox, item);
    }
}

static void finish(struct worker *worker)
{
    struct reader *r = (struct reader *)worker;
    db_close(r->db);
    r->db = NULL;
}

static void on_ended(struct worker *worker)
{
    struct reader *r = (struct reader *)worker;
    r->ended(r);
}

void reader_init(struct reader *r, struct outbox *outbox)
{
    static const struct worker_kind kind = {"store-reader", work, finish, on_ended};
    worker_init(&r->worker, &kind, outbox);
}

void reader_free(struct reader *r)
{
    worker_free(&r->worker);
    db_close(r->db);
}

/* --- the calls --- */
static void deliver(struct outbox_item *item)
{
    struct read *r = (struct read *)item;
    r->store->reading -= r->queued;
    if (r->listed != NULL) {
        r->listed(r->data, r->err, &r->list);
    } else {
        r->loaded(r->data, r->err, r->notebook);
    }
    arena_free(r->arena);
    mem_free(r);
}

static struct read *read_new(struct store *s, struct span owner, void *data)
{
    struct read *r = mem_alloc(sizeof *r);
    r->item.deliver = deliver;
    r->store = s;
    r->arena = arena_new();
    r->owner = arena_copy(r->arena, owner);
    r->data = data;
    return r;
}

static void submit(struct read *r)
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

void store_list(struct store *s, struct span owner, store_listed_cb done, void *data)
{
    struct read *r = read_new(s, owner, data);
    r->listed = done;
    submit(r);
}

void store_load(struct store *s, struct span owner, struct span id, store_loaded_cb done,
                void *data)
{
    struct read *r = read_new(s, owner, data);
    r->id = arena_copy(r->arena, id);
    r->loaded = done;
    submit(r);
}

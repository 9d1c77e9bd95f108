#include "store/reader.h"

#include "store/read.h"

static void work(struct worker *worker, struct list *items)
{
    const struct reader *r = (struct reader *)worker;
    struct list *it = NULL;
    while ((it = list_take_first(items)) != NULL) {
        struct outbox_item *item = LIST_ENTRY(it, struct outbox_item, link);
        read_perform(r->db, (struct read *)item);
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

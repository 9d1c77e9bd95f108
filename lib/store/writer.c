#include "store/writer.h"

#include "base/log.h"
#include "store/write.h"

#define CHECKPOINT_FRAMES 1000 /* 4 MiB of log */

static struct store_write *write_of(struct list *link)
{
    return (struct store_write *)LIST_ENTRY(link, struct outbox_item, link);
}

/* OK: every write has its own outcome, and those that are OK are on disk. Otherwise nothing
 * happened. */
static enum err transaction(struct writer *w, struct list *writes)
{
    enum err e = db_do(w->db, "BEGIN IMMEDIATE");
    if (e != OK) {
        return e;
    }
    LIST_EACH (it, writes) {
        struct store_write *one = write_of(it);
        one->err = write_apply(w->db, one);
        if (!db_in_transaction(w->db)) {
            return one->err == OK ? ERR_INTERNAL : one->err;
        }
    }
    e = db_do(w->db, "COMMIT");
    if (e == OK) {
        atomic_fetch_add_explicit(&w->transactions, 1, memory_order_relaxed);
    }
    db_rollback(w->db);
    return e;
}

static void fail_all(struct list *writes, enum err e)
{
    LIST_EACH (it, writes) {
        write_of(it)->err = e;
    }
}

/* After a failed fsync nobody knows what the disk holds, and asking again proves nothing
 * (RELIABILITY 3.1). */
static void refuse_from_now_on(struct writer *w)
{
    if (!w->refusing) {
        log_event(LOG_ERROR, "store_poisoned",
                  LOG_STR("why", "input or output error: nothing is written any more"),
                  LOG_STR("do", "check the disk, then restart the server"));
    }
    w->refusing = true;
}

static enum err attempt(struct writer *w, struct list *writes)
{
    enum err e = w->refusing ? ERR_INTERNAL : transaction(w, writes);
    if (db_is_broken(w->db)) {
        refuse_from_now_on(w);
    }
    if (e != OK) {
        fail_all(writes, e);
    }
    return e;
}

static void refuse_if_broken(struct writer *w, enum err e)
{
    if (e != OK && db_is_broken(w->db)) {
        refuse_from_now_on(w);
    }
}

/* The outcome is in the write. */
static void attempt_cheaply(struct writer *w, struct list *one)
{
    enum err e = db_zero_deleted(w->db, false);
    if (e == OK) {
        (void)attempt(w, one);
        e = db_zero_deleted(w->db, true);
    }
    if (e != OK) {
        refuse_from_now_on(w); /* it is a setting in memory: it cannot fail on a sound connection */
    }
}

/* On a full disk what frees room may have the reserve. */
static void attempt_alone(struct writer *w, struct list *one)
{
    enum err e = attempt(w, one);
    if (e == ERR_DISK_FULL && write_of(one->next)->frees && reserve_release(&w->reserve)) {
        attempt_cheaply(w, one);
    }
}

static void attempt_each_alone(struct writer *w, struct list *writes)
{
    struct list done;
    list_init(&done);
    struct list *it = NULL;
    while ((it = list_take_first(writes)) != NULL) {
        struct list one;
        list_init(&one);
        list_add_last(&one, it);
        attempt_alone(w, &one);
        list_remove(it);
        list_add_last(&done, it);
    }
    while ((it = list_take_first(&done)) != NULL) {
        list_add_last(writes, it);
    }
}

static bool has_company(const struct list *writes)
{
    return writes->next->next != writes;
}

static void checkpoint_when_due(struct writer *w)
{
    int frames = db_wal_frames(w->db);
    if (frames < w->frames) {
        w->frames = 0; /* the log has begun anew */
    }
    if (w->refusing || frames - w->frames < CHECKPOINT_FRAMES) {
        return;
    }
    w->frames = frames;
    refuse_if_broken(w, db_checkpoint(w->db));
}

/* The room that the log has taken is given back, or the reserve could not come back. */
static void renew_reserve(struct writer *w)
{
    if (w->refusing || !reserve_is_due(&w->reserve)) {
        return;
    }
    refuse_if_broken(w, db_checkpoint_all(w->db));
    reserve_renew(&w->reserve);
}

/* On a full disk a small write may fit where a large one did not. The checkpoint comes after the
 * answers. */
static void work(struct worker *worker, struct list *writes)
{
    struct writer *w = (struct writer *)worker;
    if (!has_company(writes)) {
        attempt_alone(w, writes);
    } else if (attempt(w, writes) == ERR_DISK_FULL) {
        attempt_each_alone(w, writes);
    }
    outbox_post(worker->outbox, writes);
    checkpoint_when_due(w);
    renew_reserve(w);
}

static void finish(struct worker *worker)
{
    struct writer *w = (struct writer *)worker;
    if (!w->refusing) {
        refuse_if_broken(w, db_checkpoint_all(w->db));
    }
    if (w->refusing) {
        db_stop_writing(w->db); /* the log stays: the next start recovers from it */
    }
    db_close(w->db);
    w->db = NULL;
}

static void on_ended(struct worker *worker)
{
    struct writer *w = (struct writer *)worker;
    w->ended(w);
}

void writer_init(struct writer *w, struct outbox *outbox)
{
    static const struct worker_kind kind = {"store-writer", work, finish, on_ended};
    worker_init(&w->worker, &kind, outbox);
}

void writer_free(struct writer *w)
{
    worker_free(&w->worker);
    reserve_free(&w->reserve);
    db_close(w->db);
}

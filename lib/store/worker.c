#include "store/worker.h"

#include <assert.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

enum { WORKER_NICE = 5 };

static void wait_for_items(struct worker *w, struct list *items, bool *stop)
{
    uv_mutex_lock(&w->mutex);
    while (list_is_empty(&w->queue) && !w->stopping) {
        uv_cond_wait(&w->changed, &w->mutex);
    }
    struct list *item = NULL;
    while ((item = list_take_first(&w->queue)) != NULL) {
        list_add_last(items, item);
    }
    *stop = w->stopping;
    uv_mutex_unlock(&w->mutex);
}

/* Where processors are few, a large commit must not keep the loop, and with it everybody, waiting.
 * On Linux a thread has a niceness of its own; lowering one's own priority is always allowed. */
static void give_way(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
}

static void run(void *data)
{
    struct worker *w = data;
    (void)pthread_setname_np(pthread_self(), w->kind->name); /* for debuggers only */
    give_way();
    bool stop = false;
    while (!stop) {
        struct list items;
        list_init(&items);
        wait_for_items(w, &items, &stop);
        if (!list_is_empty(&items)) {
            w->kind->work(w, &items);
        }
    }
    w->kind->finish(w);
    outbox_post_one(w->outbox, &w->end);
}

static void join(struct worker *w)
{
    int failed = uv_thread_join(&w->thread);
    assert(failed == 0);
    w->started = false;
}

static void on_end(struct outbox_item *end)
{
    struct worker *w = LIST_ENTRY(end, struct worker, end);
    join(w);
    w->kind->ended(w);
}

void worker_init(struct worker *w, const struct worker_kind *kind, struct outbox *outbox)
{
    w->kind = kind;
    w->outbox = outbox;
    w->end.deliver = on_end;
    list_init(&w->queue);
    int failed = uv_mutex_init(&w->mutex);
    assert(failed == 0);
    failed = uv_cond_init(&w->changed);
    assert(failed == 0);
}

void worker_free(struct worker *w)
{
    assert(!w->started && list_is_empty(&w->queue));
    uv_cond_destroy(&w->changed);
    uv_mutex_destroy(&w->mutex);
}

enum err worker_start(struct worker *w)
{
    int failed = uv_thread_create(&w->thread, run, w);
    if (failed != 0) {
        log_event(LOG_ERROR, "store_failed", LOG_STR("doing", "start a thread"),
                  LOG_STR("words", uv_strerror(failed)));
        return ERR_INTERNAL;
    }
    w->started = true;
    return OK;
}

void worker_push(struct worker *w, struct outbox_item *item)
{
    uv_mutex_lock(&w->mutex);
    assert(!w->stopping);
    list_add_last(&w->queue, &item->link);
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void worker_stop(struct worker *w)
{
    uv_mutex_lock(&w->mutex);
    w->stopping = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void worker_abort(struct worker *w)
{
    if (!w->started) {
        return;
    }
    worker_stop(w);
    join(w);
    list_remove(&w->end.link);
}

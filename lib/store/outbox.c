#include "store/outbox.h"

#include <assert.h>

#include "base/log.h"

static void move_all(struct list *to, struct list *from)
{
    struct list *item = NULL;
    while ((item = list_take_first(from)) != NULL) {
        list_add_last(to, item);
    }
}

void outbox_init(struct outbox *o)
{
    int failed = uv_mutex_init(&o->mutex);
    assert(failed == 0);
    list_init(&o->ready);
}

void outbox_free(struct outbox *o)
{
    assert(list_is_empty(&o->ready));
    uv_mutex_destroy(&o->mutex);
}

/* What a delivery posts waits for the next turn of the loop, so that deliveries cannot starve it.
 */
static bool deliver_ready(struct outbox *o)
{
    struct list now;
    list_init(&now);
    uv_mutex_lock(&o->mutex);
    move_all(&now, &o->ready);
    uv_mutex_unlock(&o->mutex);
    bool any = !list_is_empty(&now);
    struct list *first = NULL;
    while ((first = list_take_first(&now)) != NULL) {
        struct outbox_item *item = LIST_ENTRY(first, struct outbox_item, link);
        item->deliver(item);
    }
    return any;
}

static void on_wake(uv_async_t *wake)
{
    deliver_ready(wake->data);
}

enum err outbox_open(struct outbox *o, uv_loop_t *loop)
{
    int failed = uv_async_init(loop, &o->wake, on_wake);
    if (failed != 0) {
        log_event(LOG_ERROR, "store_failed", LOG_STR("doing", "uv_async_init"),
                  LOG_STR("words", uv_strerror(failed)));
        return ERR_INTERNAL;
    }
    o->wake.data = o;
    uv_mutex_lock(&o->mutex);
    o->open = true;
    uv_mutex_unlock(&o->mutex);
    return OK;
}

void outbox_post(struct outbox *o, struct list *items)
{
    uv_mutex_lock(&o->mutex);
    move_all(&o->ready, items);
    if (o->open) {
        /* under the mutex: outbox_close may not come between the look and the send */
        (void)uv_async_send(&o->wake); /* fails on a closed handle only */
    }
    uv_mutex_unlock(&o->mutex);
}

void outbox_post_one(struct outbox *o, struct outbox_item *item)
{
    struct list one;
    list_init(&one);
    list_add_last(&one, &item->link);
    outbox_post(o, &one);
}

static void on_closed(uv_handle_t *handle)
{
    struct outbox *o = handle->data;
    while (deliver_ready(o)) {
    }
    o->closed(o->data);
}

void outbox_close(struct outbox *o, void (*closed)(void *data), void *data)
{
    o->closed = closed;
    o->data = data;
    uv_mutex_lock(&o->mutex);
    o->open = false;
    uv_mutex_unlock(&o->mutex);
    uv_close((uv_handle_t *)&o->wake, on_closed);
}

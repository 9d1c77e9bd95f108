#include "clerk/outbound.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "clerk/transfer.h"

#define POLL_MS 60000 /* curl shortens it to its own next deadline */

struct outbound {
    /* loop thread */
    uv_async_t wake; /* something has finished, or the thread has ended */
    size_t pending;
    outbound_closed_cb closed;
    void *closed_data;

    uv_thread_t thread;
    CURLM *multi;        /* the thread's; only curl_multi_wakeup may be called from elsewhere */
    struct list running; /* the thread's */

    uv_mutex_t lock; /* guards what follows */
    struct list queued;
    struct list finished;
    bool stopping;
    bool ended;
};

/* --- the outbound thread --- */

static void finish(struct outbound *o, struct transfer *t)
{
    uv_mutex_lock(&o->lock);
    list_add_last(&o->finished, &t->node);
    uv_mutex_unlock(&o->lock);
    (void)uv_async_send(&o->wake);
}

static void start(struct outbound *o, struct transfer *t)
{
    if (!transfer_prepare(t) || curl_multi_add_handle(o->multi, t->easy) != CURLM_OK) {
        transfer_settle(t, CURLE_FAILED_INIT);
        finish(o, t);
        return;
    }
    list_add_last(&o->running, &t->node);
}

/* Takes over what was queued; true when it is time to stop. */
static bool take_queue(struct outbound *o)
{
    struct list *node = NULL;
    bool stopping = false;
    do {
        uv_mutex_lock(&o->lock);
        stopping = o->stopping;
        node = stopping ? NULL : list_take_first(&o->queued);
        uv_mutex_unlock(&o->lock);
        if (node != NULL) {
            start(o, LIST_ENTRY(node, struct transfer, node));
        }
    } while (node != NULL);
    return stopping;
}

static struct transfer *owner_of(CURL *easy)
{
    char *owner = NULL;
    CURLcode code = curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    assert(code == CURLE_OK && owner != NULL);
    return (struct transfer *)(void *)owner;
}

static void collect(struct outbound *o)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(o->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct transfer *t = owner_of(message->easy_handle);
            transfer_settle(t, message->data.result);
            /* `message` dies here */
            (void)curl_multi_remove_handle(o->multi, t->easy);
            list_remove(&t->node);
            finish(o, t);
        }
    }
}

static void cancel(struct outbound *o, struct list *from, bool running)
{
    struct list *node = NULL;
    while ((node = list_take_first(from)) != NULL) {
        struct transfer *t = LIST_ENTRY(node, struct transfer, node);
        if (running) {
            (void)curl_multi_remove_handle(o->multi, t->easy);
        }
        t->err = ERR_CANCELED;
        list_add_last(&o->finished, &t->node);
    }
}

static void run(void *data)
{
    struct outbound *o = data;
    while (!take_queue(o)) {
        int running = 0;
        (void)curl_multi_perform(o->multi, &running);
        collect(o);
        (void)curl_multi_poll(o->multi, NULL, 0, POLL_MS, NULL);
    }
    uv_mutex_lock(&o->lock);
    cancel(o, &o->running, true);
    cancel(o, &o->queued, false);
    o->ended = true;
    uv_mutex_unlock(&o->lock);
    (void)uv_async_send(&o->wake);
}

/* --- the loop's side --- */

static void answer(struct outbound *o, struct transfer *t)
{
    struct outbound_reply reply = {
        .err = t->err,
        .status = t->status,
        .body = text_span(&t->body),
        .date_s = t->date_s,
        .retry_after_s = t->retry_after_s,
        .problem = t->problem,
    };
    o->pending--;
    t->done(t->data, &reply);
    transfer_free(t);
}

static void on_closed(uv_handle_t *handle)
{
    struct outbound *o = handle->data;
    outbound_closed_cb closed = o->closed;
    void *data = o->closed_data;
    CURLMcode code = curl_multi_cleanup(o->multi);
    assert(code == CURLM_OK);
    curl_global_cleanup();
    uv_mutex_destroy(&o->lock);
    mem_free(o);
    if (closed != NULL) {
        closed(data);
    }
}

/* The thread has sent its last wake-up and is returning: the join takes microseconds. */
static void end(struct outbound *o)
{
    int code = uv_thread_join(&o->thread);
    assert(code == 0);
    uv_close((uv_handle_t *)&o->wake, on_closed);
}

static struct list *take_finished(struct outbound *o, bool *ended)
{
    uv_mutex_lock(&o->lock);
    struct list *node = list_take_first(&o->finished);
    *ended = o->ended;
    uv_mutex_unlock(&o->lock);
    return node;
}

static void on_wake(uv_async_t *handle)
{
    struct outbound *o = handle->data;
    struct list *node = NULL;
    bool ended = false;
    while ((node = take_finished(o, &ended)) != NULL) {
        answer(o, LIST_ENTRY(node, struct transfer, node));
    }
    if (ended && !uv_is_closing((uv_handle_t *)handle)) {
        end(o);
    }
}

enum err outbound_send(struct outbound *o, const struct outbound_request *request,
                       outbound_done_cb done, void *data)
{
    const char *why = NULL;
    if (outbound_check_url(request->url, &why) != OK) {
        return ERR_INVALID;
    }
    if (o->closed != NULL) {
        return ERR_UNAVAILABLE;
    }
    if (o->pending >= OUTBOUND_PENDING_MAX) {
        return ERR_LIMIT;
    }
    struct transfer *t = transfer_new(request, done, data);
    o->pending++;
    uv_mutex_lock(&o->lock);
    list_add_last(&o->queued, &t->node);
    uv_mutex_unlock(&o->lock);
    (void)curl_multi_wakeup(o->multi);
    return OK;
}

void outbound_close(struct outbound *o, outbound_closed_cb closed, void *data)
{
    assert(o->closed == NULL && closed != NULL);
    o->closed = closed;
    o->closed_data = data;
    uv_mutex_lock(&o->lock);
    o->stopping = true;
    uv_mutex_unlock(&o->lock);
    (void)curl_multi_wakeup(o->multi);
}

static enum err failed(const char *what)
{
    log_event(LOG_ERROR, "outbound_open", LOG_STR("failed", what));
    return ERR_INTERNAL;
}

enum err outbound_open(struct outbound **out, uv_loop_t *loop)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return failed("curl_global_init");
    }
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        curl_global_cleanup();
        return failed("curl_multi_init");
    }
    struct outbound *o = mem_alloc(sizeof *o);
    o->multi = multi;
    o->wake.data = o;
    list_init(&o->running);
    list_init(&o->queued);
    list_init(&o->finished);
    if (uv_mutex_init(&o->lock) != 0 || uv_async_init(loop, &o->wake, on_wake) != 0) {
        (void)curl_multi_cleanup(multi);
        curl_global_cleanup();
        mem_free(o);
        return failed("uv_async_init");
    }
    if (uv_thread_create(&o->thread, run, o) != 0) {
        /* frees the rest when the loop turns */
        uv_close((uv_handle_t *)&o->wake, on_closed);
        return failed("uv_thread_create");
    }
    *out = o;
    return OK;
}

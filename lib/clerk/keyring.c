#include "clerk/keyring.h"

#include <assert.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "clerk/api.h"

#define STATUS_OK 200
#define OFFSET_NOTICED_MS 3000 /* Date has whole seconds, and the answer takes its time */

struct waiter {
    struct list node;
    clerk_ready_cb ready;
    void *data;
};

struct keyring {
    uv_timer_t later;          /* calls waiters for whom there is no fetch to wait for */
    struct outbound *outbound; /* NULL: the key is fixed */
    char *url;
    char *authorization;
    unsigned timeout_ms;
    struct source source;
    struct keys *keys; /* NULL: none yet, or too old */
    uint64_t generation;
    struct list waiters;
    bool has_offset;
    bool offset_logged;
    int64_t offset_ms;
    bool closing;
    void (*closed)(void *data);
    void *closed_data;
};

static int64_t now_ms(void)
{
    return (int64_t)(clock_mono_us() / 1000);
}

/* --- waiters --- */

/* A waiter may wait again, ask again or close the keyring: so only those of now are called, and
 * only the list is touched after a call. */
static void call_waiters(struct keyring *k)
{
    struct list batch;
    struct list *node = NULL;
    list_init(&batch);
    while ((node = list_take_first(&k->waiters)) != NULL) {
        list_add_last(&batch, node);
    }
    while ((node = list_take_first(&batch)) != NULL) {
        struct waiter w = *LIST_ENTRY(node, struct waiter, node);
        mem_free(LIST_ENTRY(node, struct waiter, node));
        w.ready(w.data, k->closing ? ERR_CANCELED : OK);
    }
}

static void on_later(uv_timer_t *timer)
{
    call_waiters(timer->data);
}

void keyring_wait(struct keyring *k, clerk_ready_cb ready, void *data)
{
    struct waiter *w = mem_alloc(sizeof *w);
    w->ready = ready;
    w->data = data;
    list_add_last(&k->waiters, &w->node);
    if (!k->source.fetching && !k->closing) {
        int code = uv_timer_start(&k->later, on_later, 0, 0);
        assert(code == 0);
    }
}

/* --- fetching --- */

/* Owns `keys`. */
static void adopt(struct keyring *k, struct keys *keys)
{
    bool same = keys_same(k->keys, keys);
    if (!same || k->source.failures > 0) {
        log_event(LOG_INFO, "clerk_keys", LOG_STR("state", same ? "back" : "changed"),
                  LOG_INT("count", (int64_t)keys->count));
    }
    if (same) {
        keys_free(keys);
        return;
    }
    keys_free(k->keys);
    k->keys = keys;
    k->generation++;
}

static enum err read_reply(const struct outbound_reply *reply, struct keys **out, const char **why)
{
    if (reply->err != OK) {
        *why = reply->problem;
        return reply->err;
    }
    if (reply->status != STATUS_OK) {
        *why = "the answer's status is not 200";
        return ERR_UNAVAILABLE;
    }
    return keys_parse(out, reply->body, why);
}

/* The usual cause of tokens "from the future" is a clock, and this is how to tell whose
 * (CLERK.md G2). */
static void measure_clock(struct keyring *k, int64_t date_s)
{
    if (date_s <= 0) {
        return;
    }
    k->has_offset = true;
    k->offset_ms = date_s * 1000 - clock_unix_ms();
    bool notable = k->offset_ms > OFFSET_NOTICED_MS || k->offset_ms < -OFFSET_NOTICED_MS;
    if (notable && !k->offset_logged) {
        k->offset_logged = true;
        log_event(LOG_WARN, "clerk_clock_offset", LOG_STR("measured_by", "key server's Date"),
                  LOG_INT("behind_ms", k->offset_ms));
    }
}

bool keyring_clock_offset(const struct keyring *k, int64_t *ms)
{
    *ms = k->offset_ms;
    return k->has_offset;
}

static void on_fetched(void *data, const struct outbound_reply *reply)
{
    struct keyring *k = data;
    struct keys *keys = NULL;
    const char *why = "";
    if (k->closing || reply->err == ERR_CANCELED) {
        return; /* the waiters are called when all is closed */
    }
    bool good = read_reply(reply, &keys, &why) == OK;
    if (good) {
        measure_clock(k, reply->date_s);
        adopt(k, keys);
    } else if (k->source.failures == 0) {
        log_event(LOG_WARN, "clerk_keys", LOG_STR("state", "fetch failed"), LOG_STR("problem", why),
                  LOG_INT("status", reply->status));
    }
    source_ended(&k->source, good, now_ms());
    call_waiters(k);
}

static bool fetch(struct keyring *k)
{
    struct outbound_request request = {
        .url = k->url,
        .authorization = k->authorization,
        .version = k->authorization == NULL ? NULL : API_VERSION,
        .timeout_ms = k->timeout_ms,
        .max_bytes = KEYS_DOCUMENT_MAX,
    };
    if (k->closing || outbound_send(k->outbound, &request, on_fetched, k) != OK) {
        return false;
    }
    source_started(&k->source);
    return true;
}

const struct keys *keyring_keys(struct keyring *k)
{
    if (k->outbound == NULL) {
        return k->keys;
    }
    int64_t now = now_ms();
    if (source_is_due(&k->source, now)) {
        (void)fetch(k); /* false only while closing */
    }
    if (k->keys != NULL && source_state(&k->source, now) == SOURCE_EMPTY) {
        log_event(LOG_ERROR, "clerk_keys", LOG_STR("state", "too old to use"),
                  LOG_INT("failures", k->source.failures));
        keys_free(k->keys);
        k->keys = NULL;
        k->generation++;
    }
    return k->keys;
}

uint64_t keyring_generation(const struct keyring *k)
{
    return k->generation;
}

bool keyring_ask(struct keyring *k)
{
    if (k->outbound == NULL) {
        return false;
    }
    switch (source_ask(&k->source, now_ms())) {
    case SOURCE_SETTLED:
        return false;
    case SOURCE_JOIN:
        return true;
    case SOURCE_FETCH:
        return fetch(k);
    }
    return false;
}

/* --- opening and closing --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct keyring *k = handle->data;
    void (*closed)(void *) = k->closed;
    void *data = k->closed_data;
    while (!list_is_empty(&k->waiters)) {
        call_waiters(k);
    }
    keys_free(k->keys);
    mem_free(k->url);
    mem_free(k->authorization);
    mem_free(k);
    closed(data);
}

void keyring_stop(struct keyring *k)
{
    k->closing = true;
}

void keyring_close(struct keyring *k, void (*closed)(void *data), void *data)
{
    assert(k->closing && k->closed == NULL);
    k->closed = closed;
    k->closed_data = data;
    uv_close((uv_handle_t *)&k->later, on_timer_closed);
}

static struct keyring *keyring_new(uv_loop_t *loop)
{
    struct keyring *k = mem_alloc(sizeof *k);
    int code = uv_timer_init(loop, &k->later);
    assert(code == 0);
    k->later.data = k;
    list_init(&k->waiters);
    return k;
}

struct keyring *keyring_open_fixed(uv_loop_t *loop, struct keys *keys)
{
    struct keyring *k = keyring_new(loop);
    k->keys = keys;
    return k;
}

struct keyring *keyring_open(uv_loop_t *loop, struct outbound *outbound,
                             const struct keyring_options *options)
{
    struct keyring *k = keyring_new(loop);
    k->outbound = outbound;
    k->url = mem_copy(span_str(options->url));
    k->authorization = mem_copy(span_str(options->authorization));
    k->timeout_ms = options->timeout_ms;
    source_init(&k->source, &options->policy, now_ms());
    return k;
}

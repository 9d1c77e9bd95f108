#include "clerk/api.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "clerk/gate.h"

#define ID_MAX 128   /* bytes */
#define URL_MAX 2048 /* bytes */
#define AUTHORIZATION_MAX 8192

struct api {
    struct outbound *outbound;
    char *url; /* without a slash at its end */
    char *authorization;
    unsigned timeout_ms;
    struct gate gate;
    size_t pending;
    bool key_refused; /* and logged */
};

struct pending {
    struct api *api;
    enum answers_kind kind;
    bool probe;
    clerk_backend_cb done;
    void *data;
};

static int64_t now_ms(void)
{
    return (int64_t)(clock_mono_us() / 1000);
}

/* --- the answer --- */

/* The gate shut or opened: said once for each change. */
static void log_gate(const struct api *api, bool was_tripped, const char *problem)
{
    bool tripped = api->gate.failures >= GATE_FAILURES;
    if (tripped != was_tripped) {
        log_event(tripped ? LOG_WARN : LOG_INFO, "clerk_backend",
                  LOG_STR("state", tripped ? "failing, left alone for a while" : "back"),
                  LOG_STR("problem", problem));
    }
}

static void settle_gate(struct pending *p, const struct clerk_backend_answer *answer,
                        const char *problem)
{
    struct api *api = p->api;
    bool was_tripped = api->gate.failures >= GATE_FAILURES;
    if (answer->err == ERR_CANCELED) {
        gate_dropped(&api->gate, p->probe);
        return;
    }
    gate_ended(&api->gate, p->probe, answer->err != ERR_UNAVAILABLE, now_ms());
    log_gate(api, was_tripped, problem);
    if (answer->err == ERR_LIMIT) {
        gate_limit(&api->gate, answer->retry_after_s, now_ms());
        log_event(LOG_WARN, "clerk_backend", LOG_STR("state", "over Clerk's rate limit"),
                  LOG_INT("retry_after_s", answer->retry_after_s));
    }
}

static void note_key(struct api *api, const struct clerk_backend_answer *answer)
{
    bool refused = answer->err == ERR_UNAUTHORIZED;
    if (refused && !api->key_refused) {
        log_event(LOG_ERROR, "clerk_backend", LOG_STR("state", "the secret key is refused"),
                  LOG_SPAN("code", answer->code));
    }
    api->key_refused = refused || (api->key_refused && answer->err != OK);
}

static struct clerk_backend_answer read_reply(struct arena *a, enum answers_kind kind,
                                              const struct outbound_reply *reply)
{
    if (reply->err != OK) {
        return (struct clerk_backend_answer){.err = reply->err == ERR_CANCELED ? ERR_CANCELED
                                                                               : ERR_UNAVAILABLE};
    }
    struct clerk_backend_answer answer = answers_read(a, kind, reply->status, reply->body);
    answer.retry_after_s = answer.err == ERR_LIMIT ? reply->retry_after_s : 0;
    return answer;
}

static void on_reply(void *data, const struct outbound_reply *reply)
{
    struct pending *p = data;
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_backend_answer answer = read_reply(a, p->kind, reply);
    p->api->pending--;
    settle_gate(p, &answer, reply->err == OK ? "its answer is no use" : reply->problem);
    note_key(p->api, &answer);
    p->done(p->data, &answer);
    mem_free(p);
}

/* --- the request --- */

/* What goes into a path is never escaped, because nothing that would have to be gets there. */
static bool is_path_id(struct span id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        if (!good) {
            return false;
        }
    }
    return id.n > 0 && id.n <= ID_MAX;
}

static enum err check_gate(const struct api *api)
{
    if (api->pending >= CLERK_BACKEND_PENDING_MAX) {
        return ERR_LIMIT;
    }
    switch (gate_state(&api->gate, now_ms())) {
    case GATE_OPEN:
        return OK;
    case GATE_SHUT:
        return ERR_UNAVAILABLE;
    case GATE_LIMITED:
        return ERR_LIMIT;
    }
    return ERR_UNAVAILABLE;
}

static enum err start(struct api *api, const struct api_call *call, struct pending *p)
{
    CLEANUP(text_free) struct text url = TEXT(URL_MAX);
    text_addf(&url, "%s/v1%s%.*s%s", api->url, call->before, SPAN_ARGS(call->id), call->behind);
    if (url.overflowed) {
        return ERR_INVALID;
    }
    struct outbound_request request = {
        .url = url.p,
        .authorization = api->authorization,
        .version = API_VERSION,
        .post = call->post,
        .timeout_ms = api->timeout_ms,
        .max_bytes = ANSWERS_BODY_MAX,
    };
    return outbound_send(api->outbound, &request, on_reply, p);
}

enum err api_send(struct api *api, const struct api_call *call, clerk_backend_cb done, void *data)
{
    if (!is_path_id(call->id)) {
        return ERR_INVALID;
    }
    enum err e = check_gate(api);
    if (e != OK) {
        return e;
    }
    struct pending *p = mem_alloc(sizeof *p);
    p->api = api;
    p->kind = call->kind;
    p->done = done;
    p->data = data;
    e = start(api, call, p);
    if (e != OK) {
        mem_free(p);
        return e;
    }
    p->probe = gate_pass(&api->gate);
    api->pending++;
    return OK;
}

/* --- opening and closing --- */

struct api *api_new(struct outbound *outbound, const struct api_options *options)
{
    struct api *api = mem_alloc(sizeof *api);
    struct span url = span_str(options->url);
    struct text authorization = TEXT(AUTHORIZATION_MAX);
    while (span_ends(url, SPAN("/"))) {
        url.n--;
    }
    text_addf(&authorization, "Bearer %s", options->secret_key);
    api->outbound = outbound;
    api->url = mem_copy(url);
    api->authorization = text_take(&authorization);
    api->timeout_ms = options->timeout_ms;
    return api;
}

void api_free(struct api *api)
{
    if (api == NULL) {
        return;
    }
    assert(api->pending == 0);
    mem_free(api->url);
    mem_free(api->authorization);
    mem_free(api);
}

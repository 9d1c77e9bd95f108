#include "clerk/clerk.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "clerk/cache.h"
#include "clerk/jwt.h"
#include "clerk/keyring.h"
#include "clerk/outbound.h"

#define AUTHORIZATION_MAX 4096 /* bytes */

struct clerk {
    struct arena *own; /* the options' strings */
    struct claims_rules rules;
    struct keyring *keyring;
    struct cache *cache; /* of what passed with the keys of `generation` */
    uint64_t generation;
    bool clock_warned;
    clerk_closed_cb closed;
    void *closed_data;
};

/* --- verifying --- */

/* Clocks that stand apart are the usual cause of refusals that nobody can explain (CLERK.md G2).
 * Only a token with a good signature gets here. */
static void warn_of_clock(struct clerk *c, const struct claims *claims, int64_t now)
{
    if (c->clock_warned) {
        return;
    }
    c->clock_warned = true;
    int64_t latest =
        claims->issued_ms > claims->not_before_ms ? claims->issued_ms : claims->not_before_ms;
    log_event(LOG_WARN, "clerk_clock",
              LOG_STR("problem", "this server's clock is behind the token's times"),
              LOG_INT("behind_ms", latest - now));
}

static struct clerk_identity copy_identity(struct arena *a, const struct clerk_identity *who)
{
    struct clerk_identity copy = *who;
    copy.user_id = arena_copy(a, who->user_id);
    copy.session_id = arena_copy(a, who->session_id);
    copy.party = arena_copy(a, who->party);
    return copy;
}

static enum clerk_reason verify_known(struct clerk *c, struct arena *a, struct span token,
                                      const struct claims *known, struct clerk_identity *who)
{
    enum clerk_reason reason = claims_check_times(known, c->rules.skew_ms, clock_unix_ms());
    if (reason == CLERK_OK) {
        *who = copy_identity(a, &known->who);
    } else {
        cache_drop(c->cache, token);
    }
    return reason;
}

static enum clerk_reason verify_new(struct clerk *c, struct arena *a, struct span token,
                                    const struct keys *keys, struct clerk_identity *who)
{
    struct claims claims = {0};
    struct jwt_judge judge = {.rules = &c->rules, .keys = keys, .now_ms = clock_unix_ms()};
    enum clerk_reason reason = jwt_verify(a, token, &judge, &claims);
    if (reason == CLERK_TOKEN_NOT_ACTIVE_YET || reason == CLERK_TOKEN_IAT_IN_THE_FUTURE) {
        warn_of_clock(c, &claims, judge.now_ms);
    }
    if (reason == CLERK_OK) {
        cache_put(c->cache, token, &claims);
        *who = claims.who;
    }
    return reason;
}

static bool lacks_a_key(enum clerk_reason reason)
{
    return reason == CLERK_NO_KEYS || reason == CLERK_KID_MISMATCH ||
           reason == CLERK_TOKEN_INVALID_SIGNATURE;
}

struct clerk_answer clerk_verify(struct clerk *c, struct arena *a, struct span token, bool again)
{
    const struct keys *keys = keyring_keys(c->keyring);
    struct clerk_answer answer = {.verdict = CLERK_REFUSED};
    if (c->generation != keyring_generation(c->keyring)) {
        c->generation = keyring_generation(c->keyring);
        cache_clear(c->cache);
    }
    const struct claims *known = cache_find(c->cache, token);
    answer.reason = known != NULL ? verify_known(c, a, token, known, &answer.who)
                                  : verify_new(c, a, token, keys, &answer.who);
    if (answer.reason == CLERK_OK) {
        answer.verdict = CLERK_PASS;
    } else if (!again && lacks_a_key(answer.reason) && keyring_ask(c->keyring)) {
        answer.verdict = CLERK_WAIT;
    } else if (answer.reason == CLERK_NO_KEYS) {
        answer.verdict = CLERK_UNAVAILABLE;
    }
    return answer;
}

void clerk_wait(struct clerk *c, clerk_ready_cb ready, void *data)
{
    keyring_wait(c->keyring, ready, data);
}

/* --- opening and closing --- */

static enum err refuse(struct text *why, const char *what, const char *problem)
{
    text_addf(why, "%s: %s", what, problem);
    return ERR_INVALID;
}

static bool is_header_value(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        if (s[i] < 0x20 || s[i] > 0x7E) {
            return false;
        }
    }
    return n <= AUTHORIZATION_MAX;
}

static enum err check_options(const struct clerk_options *o, struct text *why)
{
    const char *problem = NULL;
    if ((o->jwks_url == NULL) == (o->pem == NULL)) {
        return refuse(why, "keys", "either a key set's URL or a public key is needed");
    }
    if (o->jwks_url == NULL) {
        return OK;
    }
    if (outbound_check_url(o->jwks_url, &problem) != OK) {
        return refuse(why, "key set's URL", problem);
    }
    if (o->jwks_authorization != NULL && !is_header_value(o->jwks_authorization)) {
        return refuse(why, "secret key", "it has characters that no key has");
    }
    if (o->issuer_count == 0) {
        return refuse(why, "issuer", "none is known for the key set");
    }
    return OK;
}

static struct span *copy_spans(struct arena *a, const struct span *list, size_t count)
{
    struct span *copy = arena_alloc_array(a, count, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = arena_copy(a, list[i]);
    }
    return copy;
}

static void set_rules(struct clerk *c, const struct clerk_options *o)
{
    c->rules = (struct claims_rules){
        .issuers = copy_spans(c->own, o->issuers, o->issuer_count),
        .issuer_count = o->issuer_count,
        .parties = copy_spans(c->own, o->parties, o->party_count),
        .party_count = o->party_count,
        .azp_optional = o->azp_optional,
        .skew_ms = (int64_t)o->skew_s * 1000,
    };
    if (o->issuer_count == 0) {
        log_event(LOG_WARN, "clerk_rules", LOG_STR("issuers", "none: iss is not checked"));
    }
    if (o->party_count == 0) {
        log_event(LOG_WARN, "clerk_rules", LOG_STR("parties", "none: a token with azp is refused"));
    }
}

static enum err open_fixed(struct clerk *c, uv_loop_t *loop, const char *pem, struct text *why)
{
    struct keys *keys = NULL;
    const char *problem = NULL;
    if (keys_from_pem(&keys, span_str(pem), &problem) != OK) {
        return refuse(why, "public key", problem);
    }
    c->keyring = keyring_open_fixed(loop, keys);
    return OK;
}

static enum err open_remote(struct clerk *c, uv_loop_t *loop, const struct clerk_options *o)
{
    struct keyring_options options = {
        .url = o->jwks_url,
        .authorization = o->jwks_authorization,
        .timeout_ms = o->timeout_ms,
        .policy = {.ttl_ms = (int64_t)o->ttl_s * 1000,
                   .stale_ms = (int64_t)o->stale_s * 1000,
                   .cooldown_ms = (int64_t)o->cooldown_s * 1000},
    };
    return keyring_open(&c->keyring, loop, &options);
}

static void clerk_free(struct clerk *c)
{
    cache_free(c->cache);
    arena_free(c->own);
    mem_free(c);
}

enum err clerk_open(struct clerk **out, uv_loop_t *loop, const struct clerk_options *options,
                    struct text *why)
{
    enum err e = check_options(options, why);
    if (e != OK) {
        return e;
    }
    struct clerk *c = mem_alloc(sizeof *c);
    c->own = arena_new();
    c->cache = cache_new();
    e = options->pem != NULL ? open_fixed(c, loop, options->pem, why)
                             : open_remote(c, loop, options);
    if (e != OK) {
        clerk_free(c);
        return e;
    }
    set_rules(c, options);
    *out = c;
    return OK;
}

static void on_keyring_closed(void *data)
{
    struct clerk *c = data;
    clerk_closed_cb closed = c->closed;
    void *closed_data = c->closed_data;
    clerk_free(c);
    closed(closed_data);
}

void clerk_close(struct clerk *c, clerk_closed_cb closed, void *data)
{
    assert(c->closed == NULL && closed != NULL);
    c->closed = closed;
    c->closed_data = data;
    keyring_close(c->keyring, on_keyring_closed, c);
}

#include "base/clock.h"
#include "base/log.h"
#include "clerk/inside.h"
#include "clerk/jwt.h"
#include "clerk/pack.h"

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
    c->behind_ms = latest - now;
    log_event(LOG_WARN, "clerk_clock_offset", LOG_STR("measured_by", "token from the future"),
              LOG_INT("behind_ms", c->behind_ms), LOG_INT("skew_ms", c->rules.skew_ms));
}

bool clerk_clock_offset(const struct clerk *c, int64_t *behind_ms)
{
    if (keyring_clock_offset(c->keyring, behind_ms)) {
        return true;
    }
    *behind_ms = c->behind_ms;
    return c->clock_warned;
}

static struct clerk_identity copy_identity(struct arena *a, const struct clerk_identity *who)
{
    char *at = arena_alloc(a, pack_size(who));
    return pack_move(who, &at);
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

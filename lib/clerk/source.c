#include "clerk/source.h"

#include <assert.h>

#define FIRST_RETRY_MS 1000
#define DOUBLINGS_MAX 20 /* keeps the shift in bounds; the cool-down caps long before */

void source_init(struct source *s, const struct source_policy *policy, int64_t now_ms)
{
    *s = (struct source){.policy = *policy, .next_ms = now_ms};
}

enum source_state source_state(const struct source *s, int64_t now_ms)
{
    int64_t age = now_ms - s->fetched_ms;
    if (!s->has_keys || age >= s->policy.ttl_ms + s->policy.stale_ms) {
        return SOURCE_EMPTY;
    }
    return age < s->policy.ttl_ms ? SOURCE_FRESH : SOURCE_STALE;
}

enum source_advice source_ask(const struct source *s, int64_t now_ms)
{
    if (s->fetching) {
        return SOURCE_JOIN;
    }
    return now_ms >= s->next_ms ? SOURCE_FETCH : SOURCE_SETTLED;
}

bool source_is_due(const struct source *s, int64_t now_ms)
{
    return source_state(s, now_ms) == SOURCE_STALE && source_ask(s, now_ms) == SOURCE_FETCH;
}

void source_started(struct source *s)
{
    assert(!s->fetching);
    s->fetching = true;
}

static int64_t retry_after(const struct source *s)
{
    unsigned doublings = s->failures - 1 < DOUBLINGS_MAX ? s->failures - 1 : DOUBLINGS_MAX;
    int64_t wait = (int64_t)FIRST_RETRY_MS << doublings;
    return wait < s->policy.cooldown_ms ? wait : s->policy.cooldown_ms;
}

void source_ended(struct source *s, bool good, int64_t now_ms)
{
    assert(s->fetching);
    s->fetching = false;
    if (good) {
        s->has_keys = true;
        s->failures = 0;
        s->fetched_ms = now_ms;
        s->next_ms = now_ms + s->policy.cooldown_ms;
    } else {
        s->failures++;
        s->next_ms = now_ms + retry_after(s);
    }
}

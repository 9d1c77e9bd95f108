/* source: when to fetch the key set. Pure: a state machine over a time that is handed in, in
 * milliseconds of any clock that does not go backwards.
 *
 *   EMPTY --good--> FRESH --ttl--> STALE --stale--> EMPTY        (a good fetch always leads to
 * FRESH)
 *
 * - One fetch at a time, whoever asks.
 * - FRESH: a token that no key fits (an unknown kid, or a bad signature under a known one: Clerk's
 * kid is the instance, so a rolled key may keep it, CLERK.md A4) asks for a fetch, at most once per
 * cool-down.
 * - STALE: keys serve on while a fetch is tried in the background.
 * - After a failure the next attempt waits 1 s, 2 s, 4 s and so on up to the cool-down, in every
 * state. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct source_policy {
    int64_t ttl_ms;      /* FRESH for so long after a good fetch */
    int64_t stale_ms;    /* then STALE for so long */
    int64_t cooldown_ms; /* between the end of a good fetch and the next one */
};

enum source_state { SOURCE_EMPTY, SOURCE_FRESH, SOURCE_STALE };

struct source {
    struct source_policy policy;
    bool has_keys;      /* some fetch was good */
    bool fetching;      /* one is under way */
    unsigned failures;  /* since the last good one */
    int64_t fetched_ms; /* when the last good one ended */
    int64_t next_ms;    /* no new fetch before */
};

enum source_advice {
    SOURCE_SETTLED, /* nothing better is to be had now */
    SOURCE_FETCH,   /* start one (then source_started), and wait for it */
    SOURCE_JOIN,    /* wait for the one under way */
};

void source_init(struct source *s, const struct source_policy *policy, int64_t now_ms);
enum source_state source_state(const struct source *s, int64_t now_ms);
/* For who lacks a key. */
enum source_advice source_ask(const struct source *s, int64_t now_ms);
/* The keys are stale and a fetch may start in the background. */
bool source_is_due(const struct source *s, int64_t now_ms);
void source_started(struct source *s);
void source_ended(struct source *s, bool good, int64_t now_ms);

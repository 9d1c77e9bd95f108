/* gate: whether the Backend API may be asked now: a circuit breaker, and the server's own "not so
 * fast". Pure, over a time that is handed in, in milliseconds of a clock that does not go
 * backwards.
 *
 *   OPEN --GATE_FAILURES in a row--> SHUT --10 s, then 20 s, 40 s .. 300 s--> one probe
 *    ^                                 ^                                       |    |
 *    +--------------- good ------------|----------------------------------------+    |
 *                                      +------------------- failed ------------------+
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GATE_FAILURES 5
#define GATE_SHUT_MS INT64_C(10000)
#define GATE_SHUT_MAX_MS INT64_C(300000)
#define GATE_LIMIT_MAX_MS INT64_C(300000) /* whatever Retry-After says */

struct gate {
    unsigned failures; /* in a row */
    bool probing;
    int64_t shut_until_ms;
    int64_t limited_until_ms;
};

enum gate_state {
    GATE_OPEN,
    GATE_SHUT,
    GATE_LIMITED,
};

enum gate_state gate_state(const struct gate *g, int64_t now_ms);
/* A request goes through (the gate is open); true when it is the probe. */
bool gate_pass(struct gate *g);
/* It has ended. `good`: the server answered, were it with a refusal. */
void gate_ended(struct gate *g, bool probe, bool good, int64_t now_ms);
/* It never got an end: canceled. */
void gate_dropped(struct gate *g, bool probe);
/* The server wants to be left alone for so long. */
void gate_limit(struct gate *g, int64_t seconds, int64_t now_ms);

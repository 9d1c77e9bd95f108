#include "clerk/gate.h"

#define DOUBLINGS_MAX 10 /* keeps the shift in bounds; GATE_SHUT_MAX_MS caps before */

static bool is_tripped(const struct gate *g)
{
    return g->failures >= GATE_FAILURES;
}

enum gate_state gate_state(const struct gate *g, int64_t now_ms)
{
    if (now_ms < g->limited_until_ms) {
        return GATE_LIMITED;
    }
    return is_tripped(g) && (g->probing || now_ms < g->shut_until_ms) ? GATE_SHUT : GATE_OPEN;
}

bool gate_pass(struct gate *g)
{
    bool probe = is_tripped(g);
    g->probing = g->probing || probe;
    return probe;
}

void gate_dropped(struct gate *g, bool probe)
{
    g->probing = g->probing && !probe;
}

/* Those that were under way when the gate shut fail too, and say nothing new. */
void gate_ended(struct gate *g, bool probe, bool good, int64_t now_ms)
{
    gate_dropped(g, probe);
    if (good) {
        g->failures = 0;
        return;
    }
    if (is_tripped(g) && !probe) {
        return;
    }
    g->failures++;
    if (is_tripped(g)) {
        unsigned doublings = g->failures - GATE_FAILURES;
        int64_t wait = GATE_SHUT_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
        g->shut_until_ms = now_ms + (wait < GATE_SHUT_MAX_MS ? wait : GATE_SHUT_MAX_MS);
    }
}

void gate_limit(struct gate *g, int64_t seconds, int64_t now_ms)
{
    int64_t least = seconds > 1 ? seconds : 1;
    int64_t wait = least < GATE_LIMIT_MAX_MS / 1000 ? least * 1000 : GATE_LIMIT_MAX_MS;
    int64_t until = now_ms + wait;
    g->limited_until_ms = until > g->limited_until_ms ? until : g->limited_until_ms;
}

/* rates: how much one user may ask for. Token buckets per user and kind; pure but for its memory:
 * the time is passed in. Loop thread only. Knows nothing of requests or sockets. */
#pragma once

#include "base/span.h"

enum rate_kind {
    RATE_REQUESTS, /* REST, and opening a socket */
    RATE_MESSAGES, /* on all sockets of the user together */
    RATE_RUNS,     /* by REST or by message */
    RATE_KINDS,
};

struct rate {
    double per_s, burst; /* both above 0 */
};

#define RATES_USERS_MAX 100000 /* kept apart; newcomers beyond them share one account */

struct rates;
struct rates *rates_new(const struct rate limits[RATE_KINDS]);
void rates_free(struct rates *r); /* NULL is fine */
/* Takes one of `user`. 0 when it was there; else nothing is taken, and the answer is the whole
 * seconds after which one will be. `r` may be NULL: everything is allowed. */
unsigned rates_take(struct rates *r, enum rate_kind kind, struct span user, uint64_t now_us);
/* Forgets users whose buckets are full again. NULL is fine. */
void rates_sweep(struct rates *r, uint64_t now_us);
/* Users that are kept apart now. */
size_t rates_users(const struct rates *r);

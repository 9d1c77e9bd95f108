/* lease: how long a socket may go on with what its client has shown (ARCHITECTURE 6.8, CLERK G).
 * Pure: the time, UTC milliseconds, is passed in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LEASE_WARN_MS 15000 /* before the end */

struct lease {
    int64_t expires_ms;
    int64_t grace_ms; /* after the end: nothing may be asked for, but a renewal still helps */
    bool quiet;       /* nobody is warned */
    enum { LEASE_TOLD_NOTHING, LEASE_TOLD_SOON, LEASE_TOLD_OVER } told;
};

enum lease_news {
    LEASE_NO_NEWS,
    LEASE_EXPIRING, /* to be told once before the end, and once at it */
    LEASE_OVER,     /* the grace has ended too */
};
/* What is new since the last look. *in_s, with LEASE_EXPIRING, is the time left, rounded up. */
enum lease_news lease_look(struct lease *l, int64_t now_ms, int64_t *in_s);
bool lease_is_expired(const struct lease *l, int64_t now_ms);
/* Never shortens it. */
void lease_renew(struct lease *l, int64_t expires_ms);

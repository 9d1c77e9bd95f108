/* revoked: whose tokens are refused though they are well signed: sessions that are over, users that
 * are banned, locked or deleted (CLERK.md G). In memory, a look-up for each request; filled at the
 * start from the store, then by webhooks. Loop thread only. Knows nothing of requests or sockets.
 */
#pragma once

#include "base/map.h"
#include "clerk/clerk.h"

/* A zeroed one is empty. */
struct revoked {
    struct map sessions, users; /* id -> struct revocation, owned */
};

/* `until_ms` 0: no longer. */
void revoked_set(struct revoked *r, bool of_user, struct span id, int64_t until_ms);
bool revoked_has(const struct revoked *r, const struct clerk_identity *who, int64_t now_ms);
/* Forgets what is over. */
void revoked_sweep(struct revoked *r, int64_t now_ms);
size_t revoked_count(const struct revoked *r);
void revoked_free(struct revoked *r);

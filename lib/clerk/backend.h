/* backend: asking Clerk about users, sessions and memberships (CLERK.md D), with the secret key.
 * Part of clerk.h. Loop thread; the requests run on the clerk's outbound thread. Never to be called
 * once per request: Clerk allows 1000 calls in 10 s, 100 for a development instance.
 *
 * Each call: OK, and then `done` is called exactly once, later, from the loop, also when the clerk
 * closes first. Else it is never called: ERR_INVALID (an id that cannot be one), ERR_LIMIT (Clerk
 * has asked to be left alone for a while, or too many calls are under way), ERR_UNAVAILABLE (no
 * secret key, closing, or Clerk has failed several times in a row and is given a rest). */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "clerk/records.h"

#define CLERK_BACKEND_PENDING_MAX 32 /* calls under way */
#define CLERK_MEMBERSHIPS_PAGE 100

struct clerk;

struct clerk_backend_answer {
    /* OK; ERR_NOT_FOUND; ERR_UNAUTHORIZED (the secret key is refused), ERR_FORBIDDEN, ERR_INVALID
     * (Clerk's words for our request), ERR_LIMIT, ERR_UNAVAILABLE (not reached, timed out, 5xx, or
     * an answer that cannot be read), ERR_CANCELED (the clerk closes). */
    enum err err;
    long status;           /* of HTTP; 0 when no answer came */
    struct span code;      /* with an error: Clerk's word, "resource_not_found"; or null */
    struct span trace;     /* with an error: what Clerk's support asks for; or null */
    int64_t retry_after_s; /* with ERR_LIMIT */
    /* With OK, the one that was asked for; else NULL. */
    const struct clerk_user_record *user;
    const struct clerk_session_record *session;
    const struct clerk_membership_record *memberships;
    size_t membership_count;
    int64_t membership_total; /* of the user; more than the count: ask for the next page */
};

/* The answer is borrowed for the time of the call. */
typedef void (*clerk_backend_cb)(void *data, const struct clerk_backend_answer *answer);

/* There is a secret key. */
bool clerk_has_backend(const struct clerk *c);
MUST_CHECK enum err clerk_user_get(struct clerk *c, struct span user_id, clerk_backend_cb done,
                                   void *data);
MUST_CHECK enum err clerk_session_get(struct clerk *c, struct span session_id,
                                      clerk_backend_cb done, void *data);
/* Signs the session out; the answer has the session as it is then. */
MUST_CHECK enum err clerk_session_revoke(struct clerk *c, struct span session_id,
                                         clerk_backend_cb done, void *data);
/* CLERK_MEMBERSHIPS_PAGE of the user's memberships, from the `offset`-th on. */
MUST_CHECK enum err clerk_memberships_get(struct clerk *c, struct span user_id, unsigned offset,
                                          clerk_backend_cb done, void *data);

/* people: what the server keeps of its users besides their notebooks: who is refused, what the
 * audit trail is told, whose profile is being asked for, and what goes when it was kept long enough
 * (looked at once an hour). Loop thread only. */
#pragma once

#include <uv.h>

#include "clerk/clerk.h"
#include "profile.h"
#include "revoked.h"
#include "trail.h"

struct people {
    struct revoked revoked;
    struct trail trail;
    struct profiles profiles;
    uv_timer_t timer;
    uint64_t swept_us;        /* when the last sweep began */
    bool busy;                /* the chain is being verified, or a sweep written */
    struct store_chain chain; /* as far as it was verified */
    size_t purged;            /* by the last sweep */
};

/* After the store; before anything asks who is refused. */
MUST_CHECK enum err people_open(struct app *app);
/* Before the store closes. */
void people_close(struct app *app);
/* When the loop is done. */
void people_free(struct app *app);
/* A change of a user or a session has committed: `id` is refused from now on, its sockets are
 * closed with 4403, or it is let in again. */
void people_refuse(struct app *app, bool of_user, struct span id,
                   const struct store_effect *effect);
/* As the store keeps it, told now; spans are borrowed. */
struct store_profile people_profile(const struct clerk_user_record *user);

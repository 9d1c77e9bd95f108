/* channels: all WebSockets of the server, and how long each may live. One timer looks at all of
 * them once a second. Loop thread only. */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "base/map.h"
#include "clerk/clerk.h"

struct app;
struct channel;

struct channels {
    struct list all;
    struct map logins; /* user and Clerk session -> struct login, those of version 2 */
    uv_timer_t sweep;
};

void channels_open(struct app *app);
/* All sockets are gone already. */
void channels_close(struct app *app);
void channels_add(struct channel *ch);
void channels_remove(struct channel *ch); /* fine when it was never added */
/* The channel's user and session_id are set, or have changed: where channels_renew finds it. */
void channels_sign_in(struct channel *ch);
/* Another token of the same user and Clerk session was seen (CLERK G f). */
void channels_renew(struct app *app, const struct clerk_identity *who);
/* Closes with 4403 (ARCHITECTURE 6.8) all sockets of this user and of this Clerk session, one of
 * which may be null for any; returns how many. */
size_t channels_revoke(struct app *app, struct span user, struct span session_id);

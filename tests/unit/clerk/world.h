/* world: a loop, a key server on 127.0.0.1 and a clerk that asks it; and requests, which are
 * judged, made to wait and judged once more, as the server does it. */
#pragma once

#include "clerk/clerk.h"
#include "tests/unit/clerk/mint.h"
#include "tests/unit/clerk/server.h"

#define WORLD_PARTY "http://localhost:5173"

struct world {
    uv_loop_t loop;
    struct server *server;
    struct clerk *clerk;
    struct arena *arena;
    char url[64];
    char *document; /* what the server has: MINT_GOOD as ins_1 */
    char *rolled;   /* MINT_OTHER as ins_1 */
    bool closed;
};

/* The usual options: TTL 300 s, cool-down 10 s, stale 3600 s, time-out 2 s. */
struct clerk_options world_options(struct world *w);
struct world *world_new(void);
void world_open_with(struct world *w, const struct clerk_options *options);
struct world *world_open(void); /* both, with the usual options */
/* A clerk_closed_cb for a world. */
void world_on_closed(void *data);
/* Checks that the loop ends with nothing left on it, and within a second, whatever was under way.
 */
void world_close(struct world *w);
/* Without closing the clerk, which has been closed. */
void world_free(struct world *w);
/* Turns the loop for `ms`. */
void world_pause(struct world *w, uint64_t ms);

/* Freed with mem_free. Valid now, for `life_s`; `kid` is raw JSON. */
char *world_token_of(enum mint_name signer, const char *kid, int64_t life_s);
char *world_token(void); /* that the clerk accepts for a minute */

/* One request: judged, made to wait if need be, judged once more. */
struct request {
    struct world *w;
    const char *token;
    enum clerk_verdict verdict;
    enum clerk_reason reason;
    struct clerk_identity who;
    enum err err; /* of the wait */
    int waits;
    int calls;
};

void world_verify(struct request *r, bool again);
/* A clerk_ready_cb for a request. */
void world_on_ready(void *data, enum err e);
/* Verifies, and waits if need be. */
void world_begin(struct request *r);
/* Turns the loop until the request's waits are over. */
void world_settle(struct world *w, const struct request *r);
/* The whole way. */
struct request world_ask(struct world *w, const char *token);

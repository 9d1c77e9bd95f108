/* trail: what the audit trail is told of requests (store: people.h). Refusals are told one by one
 * up to a limit, then as a number, so that a stranger cannot fill the disk. Loop thread only. */
#pragma once

#include "store/store.h"

#define TRAIL_REFUSALS_MAX 20 /* rows a minute */

struct app;
struct channel;
struct request;

/* A zeroed one is fresh. */
struct trail {
    int64_t minute;   /* of Unix time */
    unsigned written; /* refusals, in it */
    int64_t more;     /* that were only counted */
};

/* Around what a request, or a message on a socket, asks of sessions: what comes of it is signed
 * with who asked, in the same write. */
void trail_begin(const struct request *r);
void trail_begin_message(const struct channel *ch, struct arena *a, struct span type,
                         struct span cell_id);
void trail_end(struct app *app);
/* A request is refused; `reason` is a short word or null. */
void trail_refused(const struct request *r, int status, struct span reason);
/* A socket is. */
void trail_refused_socket(const struct channel *ch, struct span reason);
/* Writes the number of those that were only counted, once their minute is over; with INT64_MAX at
 * once. */
void trail_sweep(struct app *app, int64_t now_ms);

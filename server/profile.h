/* profile: the profile of a user whom no webhook has told of, asked of the Backend API: once per
 * user, however many ask, and not again for a while when that failed (CLERK.md D: never per
 * request). Loop thread only. */
#pragma once

#include "base/map.h"

#define PROFILE_FAILURE_MS 60000 /* not asked again */
#define PROFILE_FAILURES_MAX 10000

struct app;
struct request;

/* A zeroed one is empty. */
struct profiles {
    struct map flights;  /* user id -> struct flight, which owns itself */
    struct map failures; /* user id -> struct failure, owned */
};

/* `done` is called exactly once, later, whatever came of it: the request looks into the store.
 * False, and never called, when there is nobody to ask, or asking failed a moment ago. */
typedef void (*profile_done_fn)(struct request *r);
bool profile_ask(struct request *r, profile_done_fn done);
void profile_free(struct profiles *p); /* nothing is under way */

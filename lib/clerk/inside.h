/* inside: the clerk itself, for the files that make it up. Private to clerk. */
#pragma once

#include "clerk/api.h"
#include "clerk/cache.h"
#include "clerk/keyring.h"
#include "clerk/outbound.h"

struct clerk {
    struct arena *own; /* the options' strings */
    struct claims_rules rules;
    struct outbound *outbound; /* NULL: nothing is ever asked */
    struct keyring *keyring;
    struct api *api;     /* NULL: no secret key */
    struct cache *cache; /* of what passed with the keys of `generation` */
    uint64_t generation;
    bool clock_warned;
    int64_t behind_ms; /* with clock_warned: by the first token from the future */

    clerk_closed_cb closed;
    void *closed_data;
};

/* jwt: judges one session token. Pure: the keys, the rules and the time are handed in, and nothing
 * is fetched, logged or remembered. Order: structure and header (no cryptography), then key and
 * signature, then the claims, so that who cannot sign learns nothing about the configuration.
 * Rules: design CLERK.md A1 and table F. */
#pragma once

#include "clerk/claims.h"
#include "clerk/keys.h"

struct jwt_judge {
    const struct claims_rules *rules;
    const struct keys *keys; /* NULL: there are none yet, which gives CLERK_NO_KEYS */
    int64_t now_ms;          /* UTC */
};

/* CLERK_OK and *out, whose spans live in `a`; or the first reason to refuse (then *out as
 * claims_read says). */
enum clerk_reason jwt_verify(struct arena *a, struct span token, const struct jwt_judge *judge,
                             struct claims *out);

/* claims: reads and judges the payload of a token whose signature is good. Pure. */
#pragma once

#include "base/json.h"
#include "clerk/clerk.h"

#define CLAIMS_ID_MAX 128 /* bytes of `sub` and `sid` */

struct claims_rules {
    const struct span *issuers; /* none: `iss` is not checked */
    size_t issuer_count;
    const struct span *parties; /* none: a token with `azp` is refused */
    size_t party_count;
    bool azp_optional;
    int64_t skew_ms;
};

struct claims {
    struct clerk_identity who; /* spans borrow the payload's tree, or live in the arena */
    int64_t expires_ms;
    int64_t not_before_ms; /* 0 when absent */
    int64_t issued_ms;     /* 0 when absent */
};

/* The claims in Clerk's order: sub, iss, azp, exp, nbf, iat, then sts and act. *out is whole on
 * CLERK_OK, and its times are for the reasons that are about time. */
enum clerk_reason claims_read(struct arena *a, const struct json *payload,
                              const struct claims_rules *rules, int64_t now_ms, struct claims *out);
/* Only what changes while a token lives. */
enum clerk_reason claims_check_times(const struct claims *c, int64_t skew_ms, int64_t now_ms);
/* What names somebody ends up in rows, logs and messages: no control characters, 1 to CLAIMS_ID_MAX
 * bytes. */
bool claims_is_identifier(struct span s);

/* identity: what a session token says of who asks, and what they may do. Part of clerk.h. Pure.
 * Claims of version 1 and 2 (CLERK.md B) end up in the same members. Claims that are not named here
 * (custom ones: email, metadata) are not read. */
#pragma once

#include "base/mem.h"

/* The organization that is active in the session. All null without one. Lists are kept in the
 * token's own words, which are compact; ask them with clerk_has and clerk_permission_next. */
struct clerk_organization {
    struct span id;
    struct span slug;        /* null when absent */
    struct span role;        /* "org:admin", with its prefix also in version 2; null if absent */
    struct span permissions; /* version 1: "org:a:b,org:c:d" */
    struct span permission_keys; /* version 2, `per`: "create,read" */
    struct span permission_map;  /* version 2, `fpm`: "3,1", a number for each feature of the
                                    organization, a bit for each key */
};

#define CLERK_FACTOR_NONE (-1) /* the age of a factor that the user does not have */

struct clerk_identity {
    struct span user_id;    /* `sub` */
    struct span session_id; /* `sid`; null when the token has none */
    struct span party;      /* `azp`; null when absent */
    int64_t issued_at_s;
    int64_t expires_at_s;

    struct span actor_id;   /* `act.sub`: who has signed in as this user; null for the user */
    struct span actor_type; /* `act.type`; null when absent */
    struct span features;   /* `fea`: "o:export,u:beta"; null when absent */
    struct span plans;      /* `pla`: "o:team,u:free"; null when absent */
    bool has_factor_ages;   /* the token has a sound `fva` */
    int64_t factor_ages[2]; /* minutes since the first and the second factor were checked, as of the
                               time the token was issued; or CLERK_FACTOR_NONE */
    struct clerk_organization organization;
};

/* --- may they? --- */

enum clerk_level { CLERK_FIRST_FACTOR = 1, CLERK_SECOND_FACTOR, CLERK_MULTI_FACTOR };

/* Who asks must have shown the factor less than `after_minutes` ago. Who has no second factor is
 * asked for the first one instead. */
struct clerk_reverification {
    enum clerk_level level;
    unsigned after_minutes; /* with 0 nobody passes */
};

/* Clerk's own presets. */
extern const struct clerk_reverification clerk_strict_mfa; /* both factors, 10 minutes */
extern const struct clerk_reverification clerk_strict;     /* second factor, 10 minutes */
extern const struct clerk_reverification clerk_moderate;   /* second factor, 1 hour */
extern const struct clerk_reverification clerk_lax;        /* second factor, 1 day */

/* A member that is null is not asked; one that is empty is asked and never held. */
struct clerk_condition {
    struct span role;       /* "org:admin" or "admin" */
    struct span permission; /* "org:invoices:create" or "invoices:create" */
    struct span feature;    /* "export", or only the organization's or the user's own: "org:export",
                               "user:export" (o, organization and u will do) */
    struct span plan;       /* likewise */
    const struct clerk_reverification *reverification;
};

/* Whether all that is asked holds. Nothing asked is false, as is all that cannot be told: no active
 * organization, a claim that is missing or malformed, a scope that does not exist. System
 * permissions ("org:sys_...") are never in a token: ask for the role. */
bool clerk_has(const struct clerk_identity *who, const struct clerk_condition *wanted);

/* Visits the permissions of the active organization, as "org:feature:key":
 *   struct clerk_permissions list = clerk_permissions_of(who);
 *   while (clerk_permission_next(&list, arena, &permission)) ...
 * Borrows `who`. */
#define CLERK_PERMISSION_WORDS 128 /* 4096 keys; a larger number of the map counts as none */

struct clerk_permissions {
    struct span rest;     /* version 1 */
    struct span features; /* version 2: what is still to be visited of each list */
    struct span map;
    struct span all_keys;
    struct span keys;
    struct span feature; /* the current one */
    size_t bit;
    uint32_t bits[CLERK_PERMISSION_WORDS]; /* of the current feature, the lowest word first */
};

struct clerk_permissions clerk_permissions_of(const struct clerk_identity *who);
bool clerk_permission_next(struct clerk_permissions *list, struct arena *a, struct span *out);

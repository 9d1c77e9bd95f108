/* records: users, sessions, organizations and memberships as Clerk describes them, in webhooks and
 * in the Backend API alike (CLERK.md C, D). Part of clerk.h. Pure.
 * Spans are null where Clerk says null or nothing; times are UTC milliseconds, 0 when absent. Spans
 * borrow the document or live in the arena that read it. */
#pragma once

#include "base/span.h"

struct clerk_user_record {
    struct span id;
    struct span email; /* the primary address; a user need not have one */
    bool email_verified;
    struct span first_name;
    struct span last_name;
    struct span username;
    struct span image_url;
    struct span external_id;
    bool banned;
    bool locked;
    int64_t created_ms;
    int64_t updated_ms;
};

enum clerk_session_status {
    CLERK_SESSION_UNKNOWN, /* absent, or a word that we do not know */
    CLERK_SESSION_IS_ACTIVE,
    CLERK_SESSION_IS_PENDING,
    CLERK_SESSION_IS_OVER, /* ended, removed, revoked, expired, abandoned or replaced */
};

struct clerk_session_record {
    struct span id;
    struct span user_id;
    struct span client_id;
    enum clerk_session_status status;
    struct span actor_id;        /* who has signed in as this user */
    struct span organization_id; /* the one last active */
    int64_t expires_ms;
    int64_t abandons_ms;
    int64_t last_active_ms;
    int64_t updated_ms;
};

struct clerk_organization_record {
    struct span id;
    struct span name;
    struct span slug;
    struct span image_url;
    struct span created_by; /* a user's id */
    int64_t updated_ms;
};

struct clerk_membership_record {
    struct span id;
    struct span user_id;
    struct span role;        /* "org:admin" */
    struct span permissions; /* the JSON array as it came: ["org:a:b"] */
    struct clerk_organization_record organization;
    int64_t updated_ms;
};

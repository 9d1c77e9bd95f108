/* webhook: what Clerk tells us unasked (CLERK.md C). Part of clerk.h. Pure: who calls keeps the
 * message ids (the same message may come several times) and the order (an older message may come
 * later).
 *
 *   if (clerk_webhook_verify(&delivery, &rules, now_s) != CLERK_WEBHOOK_OK) ... 400, or 503
 *   if (clerk_event_read(arena, &delivery, &event) != OK) ... 400
 *   in one transaction: message_id seen before? stop. row newer than order_ms? stop. write both. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "clerk/records.h"

#define CLERK_WEBHOOK_BODY_MAX ((size_t)1024 * 1024)
#define CLERK_WEBHOOK_TOLERANCE_S 300

/* Null where the request has no such header. */
struct clerk_webhook_headers {
    struct span id;
    struct span timestamp;
    struct span signature;
};

struct clerk_webhook {
    struct clerk_webhook_headers svix;     /* svix-id, svix-timestamp, svix-signature */
    struct clerk_webhook_headers standard; /* webhook-id and so on: looked at without any of svix */
    struct span body;                      /* the bytes as they came */
};

struct clerk_webhook_rules {
    const struct span *secrets; /* while they are rotated there are two */
    size_t secret_count;
    int64_t tolerance_s; /* both ways: CLERK_WEBHOOK_TOLERANCE_S */
};

enum clerk_webhook_verdict {
    CLERK_WEBHOOK_OK,
    CLERK_WEBHOOK_NO_SECRET,    /* not the sender's fault: none was given, or none is well-formed */
    CLERK_WEBHOOK_NO_HEADERS,   /* one of the three is missing or malformed */
    CLERK_WEBHOOK_TOO_LARGE,    /* over CLERK_WEBHOOK_BODY_MAX: 413 */
    CLERK_WEBHOOK_TOO_OLD,      /* a replay, or a clock that is wrong */
    CLERK_WEBHOOK_FROM_FUTURE,  /* likewise */
    CLERK_WEBHOOK_BAD_SIGNATURE /* none of them, by none of the secrets */
};

/* "bad-signature" and so on, for the log and the answer. */
const char *clerk_webhook_verdict_name(enum clerk_webhook_verdict v);

/* Before anything of the body is read. Time depends on the sizes only, never on the contents of
 * secrets and signatures. */
enum clerk_webhook_verdict clerk_webhook_verify(const struct clerk_webhook *d,
                                                const struct clerk_webhook_rules *rules,
                                                int64_t now_s);
/* "whsec_" (which may be missing) and base64 of 16 to 128 bytes, padding optional. */
bool clerk_webhook_secret_is_valid(struct span secret);

enum clerk_event_kind {
    CLERK_EVENT_OTHER, /* a type that is not read here: accept it and do nothing */
    CLERK_EVENT_USER_CREATED,
    CLERK_EVENT_USER_UPDATED,
    CLERK_EVENT_USER_DELETED,
    CLERK_EVENT_SESSION_CREATED,
    CLERK_EVENT_SESSION_PENDING,
    CLERK_EVENT_SESSION_ENDED,
    CLERK_EVENT_SESSION_REMOVED,
    CLERK_EVENT_SESSION_REVOKED,
    CLERK_EVENT_ORGANIZATION_CREATED,
    CLERK_EVENT_ORGANIZATION_UPDATED,
    CLERK_EVENT_ORGANIZATION_DELETED,
    CLERK_EVENT_MEMBERSHIP_CREATED,
    CLERK_EVENT_MEMBERSHIP_UPDATED,
    CLERK_EVENT_MEMBERSHIP_DELETED,
};

struct clerk_event {
    enum clerk_event_kind kind;
    struct span message_id;  /* the same in every retry and replay of the message */
    struct span type;        /* "user.created" */
    struct span instance_id; /* null when absent */
    struct span client_ip;   /* of whoever caused it; null when absent */
    int64_t sent_ms;         /* the envelope's time, or else the header's */
    int64_t order_ms;        /* later wins: the record's own updated_at, or else sent_ms. What is
                                deleted has no updated_at, and is no longer there after order_ms */
    /* The one that the kind names. Of what is deleted only the id is sure (of a membership: all).
     */
    union {
        struct clerk_user_record user;
        struct clerk_session_record session;
        struct clerk_organization_record organization;
        struct clerk_membership_record membership;
    };
};

/* Reads a delivery that was verified. ERR_INVALID when it is no event, or one of a kind above that
 * lacks what that kind must have; ERR_TOO_LARGE over a limit. Spans borrow the delivery or live in
 * `a`. */
MUST_CHECK enum err clerk_event_read(struct arena *a, const struct clerk_webhook *d,
                                     struct clerk_event *out);

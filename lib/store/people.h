/* people: who the users are, where they belong, who may not come in any more, and what was done.
 * Part of store.h. The words are the sign-in service's; what they mean is the caller's business.
 * Spans are null where nothing is known. All changes are parts of a write, and copy what they are
 * given; texts of the trail are cut to STORE_AUDIT_TEXT_MAX bytes. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

struct store;
struct store_write;

/* --- the audit trail (design RELIABILITY 2, 19): who did what, each row chained to the one before
 */
#define STORE_AUDIT_TEXT_MAX ((size_t)256)
#define STORE_AUDIT_HASH 32 /* bytes; SHA-256 */

struct store_actor {
    struct span user_id, session_id;
    struct span impersonator_id; /* who acts as the user */
    struct span address, request_id;
};
struct store_audit {
    struct store_actor actor;
    struct span action; /* "PUT /api/notebooks/{notebook_id}/name", "webhook user.deleted" */
    struct span object; /* the id of what was acted on; null: the write's notebook */
    struct span result; /* "ok", "401 token-expired" */
    int64_t times;      /* how often, where one row stands for many; else 1 */
};
/* Commits with the rest of the write, or not at all. */
void store_append_audit(struct store_write *w, const struct store_audit *row);

/* How far the chain was looked at; a zeroed one begins with the oldest row. */
struct store_chain {
    int64_t last;   /* number of the last row that was looked at; 0 before the first */
    int64_t broken; /* the first row that is not as it was written, or does not follow the one
                       before; 0: none so far */
    bool ended;     /* there are no more rows */
    unsigned char head[STORE_AUDIT_HASH]; /* of row `last`: kept elsewhere, it proves that the end
                                             of the trail was not cut off and made anew */
};
/* Looks at the next thousands of rows; again, with what it found, until `ended` or `broken`.
 * `chain` is copied, and valid during the call. Not while store_sweep takes old rows away. */
typedef void (*store_chain_cb)(void *data, enum err e, const struct store_chain *chain);
void store_audit_verify(struct store *s, const struct store_chain *chain, store_chain_cb done,
                        void *data);

/* --- users --- */
struct store_profile {
    struct span id, email, first_name, last_name, username, image_url;
    bool banned, locked;
    int64_t updated_ms; /* 0: nothing is known but the id */
    int64_t told_ms;    /* when that was said: between two of one updated_ms the later counts,
                           since a lock need not be an update */
};
/* Point read on the loop. ERR_NOT_FOUND for who was never seen, or is deleted. */
MUST_CHECK enum err store_user(struct store *s, struct arena *a, struct span id,
                               struct store_profile *out);

/* --- organizations --- */
struct store_organization {
    struct span id, name, slug, image_url, created_by;
    int64_t updated_ms;
};
struct store_membership {
    struct span id, user_id, role;
    struct span permissions; /* a JSON array */
    struct store_organization organization;
    int64_t updated_ms;
};
struct store_memberships {
    struct store_membership *items; /* by the organization's id */
    size_t count;
};
#define STORE_MEMBERSHIPS_MAX 100 /* of one user are told; more are kept */
/* Point read on the loop. */
MUST_CHECK enum err store_memberships(struct store *s, struct arena *a, struct span user_id,
                                      struct store_memberships *out);

/* --- who is refused --- */
#define STORE_REFUSED_MS (INT64_C(24) * 3600 * 1000) /* longer than any token lives */
struct store_revocation {
    bool of_user; /* `subject` is a user's id; else a session's */
    struct span subject;
    int64_t until_ms;
};
struct store_revocations {
    struct store_revocation *items;
    size_t count;
};
/* All that hold at `now_ms`. On the loop, not bounded: for the start. */
MUST_CHECK enum err store_revocations(struct store *s, struct arena *a, int64_t now_ms,
                                      struct store_revocations *out);

/* --- what the sign-in service tells --- */
enum store_outcome {
    STORE_APPLIED,
    STORE_DUPLICATE, /* the message has had its effect before */
    STORE_STALE,     /* something newer is known, or the thing is gone for good */
};
/* What a change came to, written by the writer's thread: valid once the write is called back with
 * OK. */
struct store_effect {
    enum store_outcome outcome;
    /* Applied to a user or a session: until then its tokens are refused; 0: they are not, or no
     * longer. */
    int64_t refused_until_ms;
};

enum store_webhook_kind {
    STORE_WEBHOOK_USER,         /* is so: `user` */
    STORE_WEBHOOK_USER_DELETED, /* user.id: the profile goes now, the notebooks with store_sweep */
    STORE_WEBHOOK_SESSION_OVER, /* session_id */
    STORE_WEBHOOK_ORGANIZATION,
    STORE_WEBHOOK_ORGANIZATION_DELETED, /* organization.id; with all memberships */
    STORE_WEBHOOK_MEMBERSHIP,           /* and its organization */
    STORE_WEBHOOK_MEMBERSHIP_DELETED, /* membership.id, or .organization.id and .user_id, or all */
};
struct store_webhook {
    enum store_webhook_kind kind;
    struct span message_id; /* the same in every delivery of the message */
    struct span type;       /* "user.created" */
    int64_t order_ms;       /* the later message wins; who is deleted stays so */
    int64_t sent_ms;        /* of two with one order_ms, for users */
    struct span session_id;
    struct store_profile user;
    struct store_organization organization;
    struct store_membership membership;
    struct store_actor actor; /* for the trail */
};
/* Applies it once, in order, with a row of the trail. `effect` must live until the write is called
 * back. */
void store_webhook_apply(struct store_write *w, const struct store_webhook *webhook,
                         struct store_effect *effect);
/* A profile that was asked for; outcome STORE_STALE when a newer one is known. `effect` as above.
 */
void store_put_profile(struct store_write *w, const struct store_profile *profile,
                       struct store_effect *effect);

/* --- the end of what was kept long enough --- */
#define STORE_SWEEP_NOTEBOOKS 20 /* at once */
struct store_sweep {
    int64_t now_ms;               /* revocations that are over */
    int64_t deliveries_before_ms; /* of webhooks */
    int64_t audit_before_ms;      /* a thousand rows at a time; the newest stays */
    int64_t deleted_before_ms;    /* notebooks of users that were deleted before */
};
/* `purged`, the number of notebooks, must live until the write is called back: when it is
 * STORE_SWEEP_NOTEBOOKS, there are more. */
void store_sweep(struct store_write *w, const struct store_sweep *sweep, size_t *purged);

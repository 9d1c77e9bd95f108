/* clerk: who is asking, and what may they do? Verifies Clerk session tokens (JWT, RS256) against a
 * key set that it fetches and keeps (this file), says what they allow (identity.h), reads webhooks
 * (webhook.h) and asks the Backend API (backend.h, records.h). This is the one header to include.
 * Knows nothing of HTTP servers, notebooks or users' rows. Loop thread only; one thread of its own
 * does the outbound HTTP (curl), so that a slow key server never delays the loop. Rules: design
 * CLERK.md A to D and the "ours must" column of its table F.
 *
 *   clerk_open(&clerk, loop, &options, &why);
 *   answer = clerk_verify(clerk, arena, token, false);
 *   CLERK_PASS: answer.who;  CLERK_REFUSED: 401;  CLERK_UNAVAILABLE: 503 and Retry-After;
 *   CLERK_WAIT: clerk_wait(clerk, on_ready, request), and there clerk_verify(.., true) */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "clerk/backend.h"
#include "clerk/identity.h"
#include "clerk/webhook.h"

#define CLERK_TOKEN_MAX ((size_t)16 * 1024) /* bytes; longer tokens are refused unread */

struct clerk;

struct clerk_options {
    /* Where keys come from; exactly one is set, the caller derives it. */
    const char *jwks_url;           /* https, or http on a loopback host */
    const char *jwks_authorization; /* "Bearer sk_..." for the Backend API's key set, or NULL */
    const char *pem;                /* CLERK_JWT_KEY, in any of its spellings */
    const struct span *issuers;     /* exact `iss`; at least one unless issuer checks are impossible
                                       (PEM only, no issuer given) */
    size_t issuer_count;
    const struct span *parties; /* allowed `azp`, exact; with none, every `azp` is wrong */
    size_t party_count;
    bool azp_optional;                   /* a token without azp passes; a wrong one never does */
    unsigned skew_s;                     /* both ways; 5 */
    unsigned ttl_s, cooldown_s, stale_s; /* of the key set */
    unsigned timeout_ms;                 /* of one fetch */

    /* For backend.h; all may be left out. */
    const char *secret_key;  /* "sk_...", or NULL: every call is ERR_UNAVAILABLE */
    const char *api_url;     /* NULL: https://api.clerk.com */
    unsigned api_timeout_ms; /* of one call; 0: 5 s */
};

/* Reasons in Clerk's own words, plus token-invalid-issuer, session-pending and session-revoked. */
enum clerk_reason {
    CLERK_OK,
    CLERK_TOKEN_INVALID,
    CLERK_TOKEN_INVALID_ALGORITHM,
    CLERK_TOKEN_INVALID_SIGNATURE,
    CLERK_TOKEN_INVALID_ISSUER,
    CLERK_TOKEN_INVALID_PARTIES,
    CLERK_TOKEN_EXPIRED,
    CLERK_TOKEN_NOT_ACTIVE_YET,
    CLERK_TOKEN_IAT_IN_THE_FUTURE,
    CLERK_TOKEN_TYPE_MISMATCH,
    CLERK_TOKEN_NO_SUBJECT,
    CLERK_SESSION_PENDING,
    CLERK_SESSION_REVOKED, /* said by the caller, who knows of revocations */
    CLERK_KID_MISMATCH,    /* no such key, even after a refresh where one was due */
    CLERK_NO_KEYS,         /* not the token's fault: 503 */
};

/* "token-expired" and so on. */
const char *clerk_reason_name(enum clerk_reason r);
/* A sentence for people: "The token has expired". */
const char *clerk_reason_text(enum clerk_reason r);

enum clerk_verdict {
    CLERK_PASS,
    CLERK_REFUSED,     /* 401, see the reason */
    CLERK_UNAVAILABLE, /* 503: there are no keys to check with */
    CLERK_WAIT,        /* a key fetch is under way or due: clerk_wait, then verify once more */
};

struct clerk_answer {
    enum clerk_verdict verdict;
    enum clerk_reason reason;  /* CLERK_OK with CLERK_PASS */
    struct clerk_identity who; /* with CLERK_PASS */
};

/* Starts the outbound thread; no fetch yet: the first token that needs keys asks for them.
 * ERR_INVALID with a sentence in *why (a PEM that is not a key, a plain-http URL that is not
 * loopback). */
MUST_CHECK enum err clerk_open(struct clerk **out, uv_loop_t *loop,
                               const struct clerk_options *options, struct text *why);
typedef void (*clerk_closed_cb)(void *data);
/* Waiters are called first (ERR_CANCELED), from the loop. Prompt, also while a fetch hangs. Calls
 * are safe until `closed`, but start no fetch. */
void clerk_close(struct clerk *c, clerk_closed_cb closed, void *data);

/* Judges `token`. Spans of `who` live in `a`. `again` says that this token has already waited once:
 * then the answer is never CLERK_WAIT. A token that passed is remembered (bounded, until its exp),
 * so that the next request with it costs a look-up; times are checked every time. */
struct clerk_answer clerk_verify(struct clerk *c, struct arena *a, struct span token, bool again);

/* Calls back once the fetch under way is over, however it ended: exactly once, later, from the
 * loop. ERR_CANCELED when the clerk closes first. */
typedef void (*clerk_ready_cb)(void *data, enum err e);
void clerk_wait(struct clerk *c, clerk_ready_cb ready, void *data);

/* The keys there are to check with. */
size_t clerk_key_count(struct clerk *c);
/* Asks for keys as a token with an unknown one does: within the cool-down. True when a fetch is
 * under way: clerk_wait tells of its end. */
bool clerk_ask(struct clerk *c);

/* How far this clock is behind Clerk's (negative: ahead), by the Date of the key server's last good
 * answer, which has whole seconds, or else by the first token that came from the future. False when
 * there was neither. */
bool clerk_clock_offset(const struct clerk *c, int64_t *behind_ms);

/* The host that a publishable key names ("pk_test_..." is base64 of "host$", CLERK.md A5), in `a`.
 * ERR_INVALID unless it is a plain DNS name. */
MUST_CHECK enum err clerk_publishable_host(struct arena *a, struct span key, struct span *host);

/* outbound: HTTP requests to servers that we name ourselves, on a thread of its own: looking up
 * names, TLS handshakes and reading the certificate bundle never delay the loop (HTTP.md T39-T41).
 * https only, except http on a loopback host. No redirects, no cookies, no endless waits, and every
 * body has a limit. Calls and callbacks on the loop thread. Knows nothing of keys or users. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/span.h"

#define OUTBOUND_PENDING_MAX 64 /* requests not yet called back */

struct outbound;

struct outbound_request {
    const char *url;
    const char *authorization; /* the header's value, or NULL */
    const char *version;       /* of Clerk-API-Version, or NULL */
    bool post;                 /* POST without a body; else GET */
    unsigned timeout_ms;       /* of the whole request */
    size_t max_bytes;          /* of the answer's body */
};

struct outbound_reply {
    /* OK: an answer came, whatever its status. ERR_TOO_LARGE, ERR_UNAVAILABLE (not reached, timed
     * out, broke off), or ERR_CANCELED (closed first). */
    enum err err;
    long status;
    struct span body;
    int64_t date_s;        /* the answer's Date header, or 0 */
    int64_t retry_after_s; /* the answer's Retry-After header, or 0 */
    const char *problem;   /* in words for the log, when err is not OK */
};

/* The reply is borrowed for the time of the call. */
typedef void (*outbound_done_cb)(void *data, const struct outbound_reply *reply);
typedef void (*outbound_closed_cb)(void *data);

/* OK for a URL that may be asked; else ERR_INVALID with words in *why. */
MUST_CHECK enum err outbound_check_url(const char *url, const char **why);

MUST_CHECK enum err outbound_open(struct outbound **out, uv_loop_t *loop);
/* OK: `done` is called exactly once, later, from the loop, also when the outbound closes first. The
 * request is copied. ERR_INVALID (the URL), ERR_LIMIT (too many pending) or ERR_UNAVAILABLE
 * (closing): never called. */
MUST_CHECK enum err outbound_send(struct outbound *o, const struct outbound_request *request,
                                  outbound_done_cb done, void *data);
/* Cancels what is pending; `closed` comes after the last callback, and promptly: a hanging request
 * or name look-up is abandoned, not waited for. */
void outbound_close(struct outbound *o, outbound_closed_cb closed, void *data);

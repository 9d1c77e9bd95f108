/* keyring: the keys in use. Either one fixed key, or a key set that is fetched when somebody needs
 * it, kept fresh in the background and used on through an outage (source.h says when). Loop thread
 * only. Knows nothing of tokens. Logs each change of state once. */
#pragma once

#include <uv.h>

#include "clerk/clerk.h"
#include "clerk/keys.h"
#include "clerk/outbound.h"
#include "clerk/source.h"

struct keyring;

struct keyring_options {
    const char *url;
    const char *authorization; /* or NULL */
    unsigned timeout_ms;
    struct source_policy policy;
};

/* Starts no fetch. Strings are copied; `outbound` is borrowed. */
struct keyring *keyring_open(uv_loop_t *loop, struct outbound *outbound,
                             const struct keyring_options *options);
/* Never fetches. Takes `keys` over. */
struct keyring *keyring_open_fixed(uv_loop_t *loop, struct keys *keys);
/* No fetch starts any more, and waiters wait for the end. All other calls are still safe. */
void keyring_stop(struct keyring *k);
/* After keyring_stop, and once the outbound has closed. Waiters are called first, with
 * ERR_CANCELED.
 */
void keyring_close(struct keyring *k, void (*closed)(void *data), void *data);

/* The keys to use now, until the loop turns; NULL when there are none, or they are older than the
 * policy allows. Starts a refresh in the background when one is due. */
const struct keys *keyring_keys(struct keyring *k);
/* Changes with every change of the key set: what was concluded from the old one is void. */
uint64_t keyring_generation(const struct keyring *k);
/* For who lacks a key: true when a fetch is under way, which this call may have started. */
bool keyring_ask(struct keyring *k);
/* How far the key server's clock is ahead of this one, by the Date of its last good answer. False
 * when there was none. */
bool keyring_clock_offset(const struct keyring *k, int64_t *ms);
/* Calls back once that fetch is over: exactly once, later, from the loop. */
void keyring_wait(struct keyring *k, clerk_ready_cb ready, void *data);

/* cache: tokens that have passed, so that the next request with the same token costs a look-up.
 * Holds what the token says, never a verdict: times are judged at every use. Bounded: sets of a few
 * places; the entry that dies first makes room. Only signed tokens get in, so a stranger cannot
 * fill it. */
#pragma once

#include "clerk/claims.h"

#define CACHE_SETS 512 /* a power of two */
#define CACHE_WAYS 8
/* Longer tokens are not remembered. With what they say, which is shorter, all are 32 MiB at most.
 */
#define CACHE_TOKEN_MAX 4096

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *c); /* NULL is fine */
/* What a token that is equal in every byte said; NULL when unknown. Borrowed until the next change.
 */
const struct claims *cache_find(const struct cache *c, struct span token);
/* Copies both. */
void cache_put(struct cache *c, struct span token, const struct claims *claims);
void cache_drop(struct cache *c, struct span token);
void cache_clear(struct cache *c);
size_t cache_count(const struct cache *c);

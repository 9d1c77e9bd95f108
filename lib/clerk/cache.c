#include "clerk/cache.h"

#include "base/map.h"
#include "clerk/pack.h"

/* A token ends in its signature, whose last bytes are as good as random, and no stranger can choose
 * them for a token that gets in: hashing them alone is enough to spread, and the whole token is
 * compared. */
#define TAIL 64

struct entry {
    uint64_t hash;
    struct claims claims; /* its spans lie behind the struct, after the token */
    size_t n;
    char token[];
};

struct cache {
    size_t count;
    struct entry *ways[CACHE_SETS][CACHE_WAYS];
};

struct cache *cache_new(void)
{
    return mem_alloc(sizeof(struct cache));
}

static uint64_t hash_of(struct span token)
{
    size_t n = token.n < TAIL ? token.n : TAIL;
    return map_hash(span_sub(token, token.n - n, n));
}

static bool is_entry(const struct entry *e, uint64_t hash, struct span token)
{
    return e != NULL && e->hash == hash && span_eq(span_of(e->token, e->n), token);
}

/* The place of `token`, or NULL. */
static struct entry **place_of(const struct cache *c, struct span token)
{
    uint64_t hash = hash_of(token);
    struct entry *const *set = c->ways[hash % CACHE_SETS];
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (is_entry(set[i], hash, token)) {
            return (struct entry **)&set[i];
        }
    }
    return NULL;
}

const struct claims *cache_find(const struct cache *c, struct span token)
{
    struct entry **place = place_of(c, token);
    return place == NULL ? NULL : &(*place)->claims;
}

static void empty(struct cache *c, struct entry **place)
{
    if (*place != NULL) {
        mem_free(*place);
        *place = NULL;
        c->count--;
    }
}

/* An empty place, or else the one whose token dies first. */
static struct entry **choose(struct entry **set)
{
    struct entry **chosen = &set[0];
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (set[i] == NULL) {
            return &set[i];
        }
        if (set[i]->claims.expires_ms < (*chosen)->claims.expires_ms) {
            chosen = &set[i];
        }
    }
    return chosen;
}

static struct entry *entry_new(struct span token, const struct claims *claims)
{
    struct entry *e = mem_alloc(sizeof *e + token.n + pack_size(&claims->who));
    char *at = e->token + token.n;
    e->hash = hash_of(token);
    e->n = token.n;
    memcpy(e->token, token.p, token.n);
    e->claims = *claims;
    e->claims.who = pack_move(&claims->who, &at);
    return e;
}

void cache_put(struct cache *c, struct span token, const struct claims *claims)
{
    if (token.n > CACHE_TOKEN_MAX) {
        return;
    }
    struct entry *e = entry_new(token, claims);
    cache_drop(c, token);
    struct entry **place = choose(c->ways[e->hash % CACHE_SETS]);
    empty(c, place);
    *place = e;
    c->count++;
}

void cache_drop(struct cache *c, struct span token)
{
    struct entry **place = place_of(c, token);
    if (place != NULL) {
        empty(c, place);
    }
}

void cache_clear(struct cache *c)
{
    for (size_t i = 0; i < CACHE_SETS && c->count > 0; i++) {
        for (size_t j = 0; j < CACHE_WAYS; j++) {
            empty(c, &c->ways[i][j]);
        }
    }
}

size_t cache_count(const struct cache *c)
{
    return c->count;
}

void cache_free(struct cache *c)
{
    if (c != NULL) {
        cache_clear(c);
        mem_free(c);
    }
}

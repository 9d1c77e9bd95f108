#include "base/siphash.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "load reads the low byte first");

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void mix(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_once(s);
    round_once(s);
    s->v0 ^= word;
}

/* Up to 8 bytes, least significant first. */
static inline uint64_t load(const char *p, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word;
}

uint64_t siphash(const struct siphash_key *key, struct span s)
{
    struct state state = {key->k0 ^ 0x736f6d6570736575U, key->k1 ^ 0x646f72616e646f6dU,
                          key->k0 ^ 0x6c7967656e657261U, key->k1 ^ 0x7465646279746573U};
    size_t whole = s.n - s.n % 8;
    for (size_t i = 0; i < whole; i += 8) {
        mix(&state, load(s.p + i, 8));
    }
    uint64_t tail = s.n % 8 == 0 ? 0 : load(s.p + whole, s.n % 8);
    mix(&state, (uint64_t)s.n << 56 | tail);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) {
        round_once(&state);
    }
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

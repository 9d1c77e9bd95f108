/* siphash: SipHash-2-4 (Aumasson and Bernstein, 2012). Private to base; others use map_hash. */
#pragma once

#include "base/span.h"

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, struct span s);

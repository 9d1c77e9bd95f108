/* mint: signs tokens and writes key sets for the tests. The keys are made at the start of a test
 * program, the same ones each time, and are of no use to anybody. */
#pragma once

#include <mbedtls/pk.h>

#include "base/mem.h"
#include "base/text.h"

#define MINT_NOW_S                                                                                 \
    INT64_C(1700000000) /* when mint_payload's token was used: 10 s old, 50 s left                 \
                         */

/* A member of a JSON object. `value` is raw JSON; NULL leaves the member out. */
struct mint_member {
    const char *name;
    const char *value;
};

struct mint_key {
    mbedtls_pk_context pk;
};

enum mint_name {
    MINT_GOOD,  /* 2048 bits */
    MINT_OTHER, /* 2048 bits, a stranger's */
    MINT_LARGE, /* 3072 bits */
    MINT_SMALL, /* 1024 bits */
    MINT_E3,    /* 2048 bits, exponent 3 */
    MINT_COUNT
};

/* For mbedTLS: deterministic. `state` is a uint64_t that is not 0. */
int mint_random(void *state, unsigned char *out, size_t n);

/* Makes the key at the first use; call it before check_main for the keys that many tests need. */
struct mint_key *mint_key(enum mint_name name);

/* The usual header and payload with one member changed or added. Freed with mem_free. */
char *mint_header(struct mint_member change);
char *mint_payload(struct mint_member change);
/* The usual payload issued at `iat_s` for `life_s`. */
char *mint_payload_at(int64_t iat_s, int64_t life_s);
char *mint_sign(struct mint_key *key, const char *header, const char *payload);
/* Of `header.payload`, in `out`; returns its size. */
size_t mint_signature(struct mint_key *key, struct span message, uint8_t out[1024]);
char *mint_encode(struct span part);

/* The base64url of the modulus, and a JWK and a key set with it. */
char *mint_modulus(struct mint_key *key);
char *mint_jwk(struct mint_key *key, const char *kid);
char *mint_jwks(struct mint_key *key, const char *kid);
/* PEM with line feeds. */
char *mint_pem(struct mint_key *key);

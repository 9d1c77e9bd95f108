/* keys: RSA public keys, from a JWK set (RFC 7517) or from CLERK_JWT_KEY, and signatures checked
 * with them (RS256: RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 3.3). Pure. A set never changes once
 * it is made, so a bad document cannot spoil a good set. */
#pragma once

#include <mbedtls/pk.h>

#include "base/span.h"
#include "clerk/clerk.h"

#define KEYS_MAX 32 /* keys kept of one document; Clerk's have one or two */
#define KEYS_BITS_MIN 2048
#define KEYS_BITS_MAX 8192
#define KEYS_DOCUMENT_MAX ((size_t)1024 * 1024) /* bytes */

struct key {
    char *kid; /* NULL: serves every kid (a key from CLERK_JWT_KEY) */
    char *n;   /* the modulus as written; NULL with a PEM */
    mbedtls_pk_context pk;
};

struct keys {
    size_t count; /* at least 1 */
    struct key *items;
};

/* Keys that are not RSA signature keys for RS256 are passed over, as RFC 7517 section 5 asks.
 * ERR_INVALID and words in *why when the document is malformed or nothing is left. */
MUST_CHECK enum err keys_parse(struct keys **out, struct span document, const char **why);
/* One key in any of the spellings that survive an environment variable (CLERK.md A4). */
MUST_CHECK enum err keys_from_pem(struct keys **out, struct span pem, const char **why);
void keys_free(struct keys *k); /* NULL is fine */
/* The same keys in the same order. NULL equals nothing. */
bool keys_same(const struct keys *a, const struct keys *b);

/* CLERK_OK, CLERK_KID_MISMATCH or CLERK_TOKEN_INVALID_SIGNATURE. Two keys may share a kid: either
 * will do, since both come from the same source. */
enum clerk_reason keys_verify(const struct keys *k, struct span kid, struct span message,
                              struct span signature);

/* For pem.c: OK when `pk` is an RSA key of a size and exponent that we trust. */
MUST_CHECK enum err keys_check(const mbedtls_pk_context *pk, const char **why);

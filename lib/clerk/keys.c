#include "clerk/keys.h"

#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include "base/b64.h"
#include "base/json.h"

#define KID_MAX 256    /* bytes */
#define DIGEST_SIZE 32 /* SHA-256 */
#define EXPONENT 65537

static const struct json_limits limits = {.bytes = KEYS_DOCUMENT_MAX, .depth = 16, .values = 20000};

/* The exact number of bits: mbedtls_pk_get_bitlen rounds up to whole bytes. 0 when it cannot be
 * had, or when the exponent is another. */
static size_t bits_of(const mbedtls_rsa_context *rsa)
{
    mbedtls_mpi n;
    mbedtls_mpi e;
    mbedtls_mpi_init(&n);
    mbedtls_mpi_init(&e);
    bool good = mbedtls_rsa_export(rsa, &n, NULL, NULL, NULL, &e) == 0 &&
                mbedtls_mpi_cmp_int(&e, EXPONENT) == 0;
    size_t bits = good ? mbedtls_mpi_bitlen(&n) : 0;
    mbedtls_mpi_free(&n);
    mbedtls_mpi_free(&e);
    return bits;
}

/* mbedTLS itself lets 128-bit moduli pass (HTTP.md section 3). */
enum err keys_check(const mbedtls_pk_context *pk, const char **why)
{
    if (mbedtls_pk_get_type(pk) != MBEDTLS_PK_RSA) {
        *why = "it is not an RSA key";
        return ERR_INVALID;
    }
    const mbedtls_rsa_context *rsa = mbedtls_pk_rsa(*pk);
    size_t bits = bits_of(rsa);
    if (bits < KEYS_BITS_MIN || bits > KEYS_BITS_MAX || mbedtls_rsa_check_pubkey(rsa) != 0) {
        *why = "it is not a sound RSA key of 2048 to 8192 bits with exponent 65537";
        return ERR_INVALID;
    }
    return OK;
}

static bool is_absent_or(const struct json *v, struct span wanted)
{
    return v == NULL || (v->kind == JSON_STRING && span_eq(v->string, wanted));
}

static bool has_verify(const struct json *operations)
{
    for (size_t i = 0; i < operations->count; i++) {
        const struct json *op = &operations->items[i];
        if (op->kind == JSON_STRING && span_eq(op->string, SPAN("verify"))) {
            return true;
        }
    }
    return false;
}

static bool is_for_rs256(const struct json *jwk)
{
    const struct json *operations = json_get(jwk, SPAN("key_ops"));
    return span_eq(json_get_string(jwk, SPAN("kty")), SPAN("RSA")) &&
           is_absent_or(json_get(jwk, SPAN("use")), SPAN("sig")) &&
           is_absent_or(json_get(jwk, SPAN("alg")), SPAN("RS256")) &&
           (operations == NULL || (operations->kind == JSON_ARRAY && has_verify(operations)));
}

static bool import(mbedtls_pk_context *pk, struct span n, struct span e)
{
    uint8_t modulus[KEYS_BITS_MAX / 8 + 1]; /* a leading zero byte does no harm */
    uint8_t exponent[8];
    size_t modulus_size = 0;
    size_t exponent_size = 0;
    if (b64_decode_url(n, modulus, sizeof modulus, &modulus_size) != OK ||
        b64_decode_url(e, exponent, sizeof exponent, &exponent_size) != OK ||
        mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) != 0) {
        return false;
    }
    mbedtls_rsa_context *rsa = mbedtls_pk_rsa(*pk);
    return mbedtls_rsa_import_raw(rsa, modulus, modulus_size, NULL, 0, NULL, 0, NULL, 0, exponent,
                                  exponent_size) == 0 &&
           mbedtls_rsa_complete(rsa) == 0;
}

static bool read_key(const struct json *jwk, struct key *out)
{
    struct span kid = json_get_string(jwk, SPAN("kid"));
    struct span n = json_get_string(jwk, SPAN("n"));
    struct span e = json_get_string(jwk, SPAN("e"));
    if (!is_for_rs256(jwk) || kid.n == 0 || kid.n > KID_MAX || n.n == 0 || e.n == 0) {
        return false;
    }
    const char *why = NULL;
    mbedtls_pk_init(&out->pk);
    if (!import(&out->pk, n, e) || keys_check(&out->pk, &why) != OK) {
        mbedtls_pk_free(&out->pk);
        return false;
    }
    out->kid = mem_copy(kid);
    out->n = mem_copy(n);
    return true;
}

static struct keys *read_keys(const struct json *list)
{
    struct keys *k = mem_alloc(sizeof *k);
    k->items = mem_alloc_array(KEYS_MAX, sizeof *k->items);
    for (size_t i = 0; i < list->count && k->count < KEYS_MAX; i++) {
        k->count += read_key(&list->items[i], &k->items[k->count]);
    }
    return k;
}

enum err keys_parse(struct keys **out, struct span document, const char **why)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct json *root = NULL;
    struct json_error error;
    if (json_parse(a, document, &limits, &root, &error) != OK) {
        *why = error.what;
        return ERR_INVALID;
    }
    const struct json *list = json_get(root, SPAN("keys"));
    if (list == NULL || list->kind != JSON_ARRAY) {
        *why = "it has no array \"keys\"";
        return ERR_INVALID;
    }
    struct keys *k = read_keys(list);
    if (k->count == 0) {
        keys_free(k);
        *why = "it has no RSA signature key that can be used";
        return ERR_INVALID;
    }
    *out = k;
    return OK;
}

void keys_free(struct keys *k)
{
    if (k == NULL) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        mem_free(k->items[i].kid);
        mem_free(k->items[i].n);
        mbedtls_pk_free(&k->items[i].pk);
    }
    mem_free(k->items);
    mem_free(k);
}

bool keys_same(const struct keys *a, const struct keys *b)
{
    if (a == NULL || b == NULL || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!span_eq(span_str(a->items[i].kid), span_str(b->items[i].kid)) ||
            !span_eq(span_str(a->items[i].n), span_str(b->items[i].n))) {
            return false;
        }
    }
    return true;
}

/* The digest's length is always passed: 0 would mean "by its type" and still verify. A signature
 * longer than the modulus is another error code, so only 0 is good, and the length is compared
 * first. */
static bool is_signed_by(struct key *key, const uint8_t digest[DIGEST_SIZE], struct span signature)
{
    return signature.n == mbedtls_pk_get_len(&key->pk) &&
           mbedtls_pk_verify(&key->pk, MBEDTLS_MD_SHA256, digest, DIGEST_SIZE,
                             (const uint8_t *)signature.p, signature.n) == 0;
}

enum clerk_reason keys_verify(const struct keys *k, struct span kid, struct span message,
                              struct span signature)
{
    enum clerk_reason reason = CLERK_KID_MISMATCH;
    uint8_t digest[DIGEST_SIZE];
    for (size_t i = 0; i < k->count; i++) {
        struct key *key = &k->items[i];
        if (key->kid != NULL && !span_eq(kid, span_str(key->kid))) {
            continue;
        }
        if (reason == CLERK_KID_MISMATCH &&
            mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const uint8_t *)message.p,
                       message.n, digest) != 0) {
            return CLERK_TOKEN_INVALID_SIGNATURE;
        }
        if (is_signed_by(key, digest, signature)) {
            return CLERK_OK;
        }
        reason = CLERK_TOKEN_INVALID_SIGNATURE;
    }
    return reason;
}

#include "tests/unit/clerk/mint.h"

#include <assert.h>
#include <inttypes.h>

#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include "base/b64.h"

#define TOKEN_MAX ((size_t)64 * 1024)

static struct mint_key keys[MINT_COUNT];
static bool made[MINT_COUNT];

/* Marsaglia's xorshift with a fixed seed: the same keys in every run. */
int mint_random(void *state, unsigned char *out, size_t n)
{
    uint64_t *s = state;
    for (size_t i = 0; i < n; i++) {
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        out[i] = (unsigned char)(*s >> 32);
    }
    return 0;
}

struct mint_key *mint_key(enum mint_name name)
{
    static const struct {
        unsigned bits;
        int exponent;
    } shapes[MINT_COUNT] = {
        [MINT_GOOD] = {2048, 65537},  [MINT_OTHER] = {2048, 65537}, [MINT_LARGE] = {3072, 65537},
        [MINT_SMALL] = {1024, 65537}, [MINT_E3] = {2048, 3},
    };
    struct mint_key *key = &keys[name];
    if (!made[name]) {
        /* any seed would do; this one finds its primes soon */
        uint64_t seed = UINT64_C(88172645463325252) * 13 + name;
        mbedtls_pk_init(&key->pk);
        int code = mbedtls_pk_setup(&key->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
        assert(code == 0);
        code = mbedtls_rsa_gen_key(mbedtls_pk_rsa(key->pk), mint_random, &seed, shapes[name].bits,
                                   shapes[name].exponent);
        assert(code == 0);
        made[name] = true;
    }
    return key;
}

/* --- JSON --- */

static void add_member(struct text *out, const char *name, const char *value)
{
    if (value != NULL) {
        text_addf(out, "%s\"%s\":%s", out->n == 1 ? "" : ",", name, value);
    }
}

static char *write_object(const struct mint_member *base, size_t count, struct mint_member change)
{
    struct text out = TEXT(TOKEN_MAX);
    bool replaced = change.name == NULL;
    text_add_char(&out, '{');
    for (size_t i = 0; i < count; i++) {
        bool is_it = change.name != NULL && strcmp(base[i].name, change.name) == 0;
        add_member(&out, base[i].name, is_it ? change.value : base[i].value);
        replaced = replaced || is_it;
    }
    if (!replaced) {
        add_member(&out, change.name, change.value);
    }
    text_add_char(&out, '}');
    return text_take(&out);
}

char *mint_header(struct mint_member change)
{
    static const struct mint_member base[] = {{"alg", "\"RS256\""},
                                              {"cat", "\"cl_B7d4PD111AAA\""},
                                              {"kid", "\"ins_1\""},
                                              {"typ", "\"JWT\""}};
    return write_object(base, sizeof base / sizeof *base, change);
}

static const struct mint_member payload[] = {
    {"azp", "\"http://localhost:5173\""},
    {"exp", "1700000050"},
    {"fva", "[0,-1]"},
    {"iat", "1699999990"},
    {"iss", "\"https://clerk.example.com\""},
    {"jti", "\"9f1c\""},
    {"nbf", "1699999980"},
    {"sid", "\"sess_1\""},
    {"sts", "\"active\""},
    {"sub", "\"user_1\""},
    {"v", "2"},
};

char *mint_payload(struct mint_member change)
{
    return write_object(payload, sizeof payload / sizeof *payload, change);
}

char *mint_payload_at(int64_t iat_s, int64_t life_s)
{
    struct text out = TEXT(TOKEN_MAX);
    text_addf(&out,
              "{\"azp\":\"http://localhost:5173\",\"exp\":%" PRId64 ",\"iat\":%" PRId64 ","
              "\"iss\":\"https://clerk.example.com\",\"nbf\":%" PRId64 ",\"sid\":\"sess_1\","
              "\"sts\":\"active\",\"sub\":\"user_1\",\"v\":2}",
              iat_s + life_s, iat_s, iat_s - 10);
    return text_take(&out);
}

/* --- tokens --- */

char *mint_encode(struct span part)
{
    struct text out = TEXT(TOKEN_MAX);
    b64_encode_url(&out, part);
    return text_take(&out);
}

size_t mint_signature(struct mint_key *key, struct span message, uint8_t out[1024])
{
    uint8_t digest[32];
    uint64_t seed = 1;
    size_t n = 0;
    int code = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                          (const unsigned char *)message.p, message.n, digest);
    assert(code == 0);
    code = mbedtls_pk_sign(&key->pk, MBEDTLS_MD_SHA256, digest, sizeof digest, out, &n, mint_random,
                           &seed);
    assert(code == 0);
    return n;
}

char *mint_sign(struct mint_key *key, const char *header, const char *payload_text)
{
    struct text out = TEXT(TOKEN_MAX);
    uint8_t signature[1024];
    b64_encode_url(&out, span_str(header));
    text_add_char(&out, '.');
    b64_encode_url(&out, span_str(payload_text));
    size_t n = mint_signature(key, text_span(&out), signature);
    text_add_char(&out, '.');
    b64_encode_url(&out, span_of((const char *)signature, n));
    assert(!out.overflowed);
    return text_take(&out);
}

/* --- keys --- */

char *mint_modulus(struct mint_key *key)
{
    uint8_t n[1024];
    size_t size = mbedtls_pk_get_len(&key->pk);
    int code = mbedtls_rsa_export_raw(mbedtls_pk_rsa(key->pk), n, size, NULL, 0, NULL, 0, NULL, 0,
                                      NULL, 0);
    assert(code == 0);
    return mint_encode(span_of((const char *)n, size));
}

char *mint_jwk(struct mint_key *key, const char *kid)
{
    CLEANUP(mem_free_ptr) char *n = mint_modulus(key);
    struct text out = TEXT(TOKEN_MAX);
    text_addf(&out,
              "{\"use\":\"sig\",\"kty\":\"RSA\",\"kid\":\"%s\",\"alg\":\"RS256\",\"n\":\"%s\","
              "\"e\":\"AQAB\"}",
              kid, n);
    return text_take(&out);
}

char *mint_jwks(struct mint_key *key, const char *kid)
{
    CLEANUP(mem_free_ptr) char *jwk = mint_jwk(key, kid);
    struct text out = TEXT(TOKEN_MAX);
    text_addf(&out, "{\"keys\":[%s]}", jwk);
    return text_take(&out);
}

char *mint_pem(struct mint_key *key)
{
    unsigned char pem[8192];
    int code = mbedtls_pk_write_pubkey_pem(&key->pk, pem, sizeof pem);
    assert(code == 0);
    return mem_copy(span_str((const char *)pem));
}

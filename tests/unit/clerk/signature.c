#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include "base/b64.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/judge.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void another_keys_signature_is_refused(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    static const enum mint_name others[] = {MINT_OTHER, MINT_LARGE, MINT_SMALL, MINT_E3};
    for (size_t i = 0; i < COUNT(others); i++) {
        char *token = mint_sign(mint_key(others[i]), header, payload);
        CHECK(judge_token(token) == CLERK_TOKEN_INVALID_SIGNATURE);
        mem_free(token);
    }
}

static void a_key_inside_the_token_is_not_used(void)
{
    CLEANUP(mem_free_ptr) char *jwk = mint_jwk(mint_key(MINT_OTHER), "ins_1");
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){"jwk", jwk});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_OTHER), header, payload);
    CHECK(judge_token(token) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(judge_signed(header, payload) == CLERK_OK);
}

/* The classic confusion: the public key as the secret of an HMAC. */
static void the_public_key_is_no_shared_secret(void)
{
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){"alg", "\"HS256\""});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    struct text token = TEXT(65536);
    uint8_t mac[32];
    b64_encode_url(&token, span_str(header));
    text_add_char(&token, '.');
    b64_encode_url(&token, span_str(payload));
    CHECK(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const uint8_t *)pem,
                          strlen(pem), (const uint8_t *)token.p, token.n, mac) == 0);
    text_add_char(&token, '.');
    b64_encode_url(&token, span_of((const char *)mac, sizeof mac));
    CHECK(judge_by(&judge_rules, text_span(&token)) == CLERK_TOKEN_INVALID_ALGORITHM);
    text_free(&token);
}

/* `signature` put behind the good header and payload. */
static enum clerk_reason judge_signature(struct span signature)
{
    CLEANUP(mem_free_ptr) char *good = judge_good_token();
    struct text token = TEXT(65536);
    text_add(&token, span_of(good, (size_t)(strrchr(good, '.') - good) + 1));
    b64_encode_url(&token, signature);
    enum clerk_reason reason = judge_by(&judge_rules, text_span(&token));
    text_free(&token);
    return reason;
}

static void signatures_of_odd_sizes_are_refused(void)
{
    static const size_t sizes[] = {1, 32, 255, 257, 512, 1024};
    uint8_t signature[1100] = {0};
    CLEANUP(mem_free_ptr) char *good = judge_good_token();
    struct span message = span_of(good, (size_t)(strrchr(good, '.') - good));
    CHECK(mint_signature(mint_key(MINT_GOOD), message, signature) == 256);
    CHECK(judge_signature(span_of((char *)signature, 256)) == CLERK_OK);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct span s = span_of((char *)signature, sizes[i]);
        CHECK(judge_signature(s) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
    CHECK(judge_signature(span_of((char *)signature, 1025)) == CLERK_TOKEN_INVALID);
    memmove(signature + 1, signature, 256);
    signature[0] = 0; /* 257 bytes of the same number */
    struct span longer = span_of((char *)signature, 257);
    CHECK(judge_signature(longer) == CLERK_TOKEN_INVALID_SIGNATURE);
}

static void extreme_signatures_are_refused(void)
{
    uint8_t signature[256];
    memset(signature, 0, sizeof signature);
    CHECK(judge_signature(span_of((char *)signature, 256)) == CLERK_TOKEN_INVALID_SIGNATURE);
    signature[255] = 1;
    CHECK(judge_signature(span_of((char *)signature, 256)) == CLERK_TOKEN_INVALID_SIGNATURE);
    memset(signature, 0xFF, sizeof signature); /* greater than the modulus */
    CHECK(judge_signature(span_of((char *)signature, 256)) == CLERK_TOKEN_INVALID_SIGNATURE);
}

/* Signs the good message with another digest or padding. */
static enum clerk_reason judge_scheme(int padding, mbedtls_md_type_t md)
{
    CLEANUP(mem_free_ptr) char *good = judge_good_token();
    mbedtls_rsa_context *rsa = mbedtls_pk_rsa(mint_key(MINT_GOOD)->pk);
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);
    uint8_t digest[64];
    uint8_t signature[256];
    size_t n = (size_t)(strrchr(good, '.') - good);
    CHECK(mbedtls_md(info, (const uint8_t *)good, n, digest) == 0);
    mbedtls_rsa_set_padding(rsa, padding, md);
    size_t size = 0;
    mbedtls_pk_context *pk = &mint_key(MINT_GOOD)->pk;
    CHECK(mbedtls_pk_sign(pk, md, digest, mbedtls_md_get_size(info), signature, &size, mint_random,
                          &(uint64_t){1}) == 0);
    mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
    return judge_signature(span_of((char *)signature, size));
}

static void other_digests_and_paddings_are_refused(void)
{
    CHECK(judge_scheme(MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_SHA256) == CLERK_OK);
    CHECK(judge_scheme(MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_SHA384) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(judge_scheme(MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_SHA512) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(judge_scheme(MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_SHA1) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(judge_scheme(MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256) == CLERK_TOKEN_INVALID_SIGNATURE);
}

static void the_signature_comes_before_the_claims(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    static const struct mint_member bad[] = {{"exp", "0"}, {"iss", "\"x\""}, {"sub", NULL}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *payload = mint_payload(bad[i]);
        char *token = mint_sign(mint_key(MINT_OTHER), header, payload);
        CHECK(judge_token(token) == CLERK_TOKEN_INVALID_SIGNATURE);
        mem_free(token);
        mem_free(payload);
    }
}

static void without_keys_only_the_header_is_judged(void)
{
    CLEANUP(mem_free_ptr) char *token = judge_good_token();
    struct arena *a = arena_new();
    struct jwt_judge how = {.rules = &judge_rules, .now_ms = MINT_NOW_S * 1000};
    struct claims c;
    CHECK(jwt_verify(a, span_str(token), &how, &c) == CLERK_NO_KEYS);
    CHECK(jwt_verify(a, SPAN("a.b.c"), &how, &c) == CLERK_TOKEN_INVALID);
    arena_free(a);
}

/* --- rules --- */

static enum clerk_reason judge_change(const struct claims_rules *by, struct mint_member change)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload(change);
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_GOOD), header, payload);
    return judge_by(by, span_str(token));
}

static void a_missing_azp_may_be_allowed_but_never_a_wrong_one(void)
{
    struct claims_rules lax = judge_rules;
    lax.azp_optional = true;
    CHECK(judge_change(&lax, (struct mint_member){"azp", NULL}) == CLERK_OK);
    CHECK(judge_change(&lax, (struct mint_member){"azp", "\"https://evil.example\""}) ==
          CLERK_TOKEN_INVALID_PARTIES);
    CHECK(judge_change(&lax, (struct mint_member){"azp", "\"\""}) == CLERK_TOKEN_INVALID_PARTIES);
    lax.party_count = 0;
    CHECK(judge_change(&lax, (struct mint_member){0}) == CLERK_TOKEN_INVALID_PARTIES);
}

static void without_issuers_the_issuer_is_not_checked(void)
{
    struct claims_rules lax = judge_rules;
    lax.issuer_count = 0;
    CHECK(judge_change(&lax, (struct mint_member){"iss", "\"x\""}) == CLERK_OK);
    CHECK(judge_change(&lax, (struct mint_member){"iss", NULL}) == CLERK_OK);
}

static void no_skew_means_none(void)
{
    struct claims_rules exact = judge_rules;
    exact.skew_ms = 0;
    CHECK(judge_change(&exact, (struct mint_member){"exp", "1700000000"}) == CLERK_TOKEN_EXPIRED);
    CHECK(judge_change(&exact, (struct mint_member){"exp", "1700000000.001"}) == CLERK_OK);
    CHECK(judge_change(&exact, (struct mint_member){"nbf", "1700000000"}) == CLERK_OK);
    CHECK(judge_change(&exact, (struct mint_member){"nbf", "1700000001"}) ==
          CLERK_TOKEN_NOT_ACTIVE_YET);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(another_keys_signature_is_refused),
        TEST(a_key_inside_the_token_is_not_used),
        TEST(the_public_key_is_no_shared_secret),
        TEST(signatures_of_odd_sizes_are_refused),
        TEST(extreme_signatures_are_refused),
        TEST(other_digests_and_paddings_are_refused),
        TEST(the_signature_comes_before_the_claims),
        TEST(without_keys_only_the_header_is_judged),
        TEST(a_missing_azp_may_be_allowed_but_never_a_wrong_one),
        TEST(without_issuers_the_issuer_is_not_checked),
        TEST(no_skew_means_none),
    };
    (void)mint_key(MINT_GOOD);
    return check_main(argc, argv, tests, COUNT(tests));
}

#include "clerk/keys.h"

#include <mbedtls/rsa.h>

#include "base/b64.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/mint.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The number of keys that a document gives; 0 when it is refused. */
static size_t count_keys(struct span document)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    if (keys_parse(&keys, document, &why) != OK) {
        CHECK(keys == NULL && why != NULL && why[0] != '\0');
        return 0;
    }
    size_t count = keys->count;
    CHECK(count > 0);
    keys_free(keys);
    return count;
}

/* --- documents --- */

static void what_is_no_key_set_is_refused(void)
{
    static const char *const documents[] = {
        "",
        "{}",
        "[]",
        "null",
        "1",
        "\"keys\"",
        "not json",
        "<html></html>",
        "{\"keys\":null}",
        "{\"keys\":{}}",
        "{\"keys\":\"x\"}",
        "{\"keys\":[]}",
        "{\"keys\":[null,1,\"x\",[],{}]}",
        "{\"keys\":[{\"kty\":\"RSA\"}]}",
        "{\"keys\":[",
        "{\"Keys\":[]}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"errors\":[{\"code\":\"clerk_key_invalid\"}]}",
    };
    for (size_t i = 0; i < COUNT(documents); i++) {
        check_case(documents[i]);
        CHECK(count_keys(span_str(documents[i])) == 0);
    }
}

static void a_document_over_the_limit_is_refused(void)
{
    CLEANUP(mem_free_ptr) char *jwk = mint_jwk(mint_key(MINT_GOOD), "a");
    struct text document = TEXT(KEYS_DOCUMENT_MAX + 4096);
    text_addf(&document, "{\"keys\":[%s]}", jwk);
    while (document.n < KEYS_DOCUMENT_MAX) {
        text_add_char(&document, ' ');
    }
    CHECK(count_keys(text_span(&document)) == 1);
    text_add_char(&document, ' ');
    CHECK(count_keys(text_span(&document)) == 0);
    text_free(&document);
}

static void at_most_32_keys_are_kept(void)
{
    CLEANUP(mem_free_ptr) char *jwk = mint_jwk(mint_key(MINT_GOOD), "a");
    struct text document = TEXT(KEYS_DOCUMENT_MAX);
    text_add(&document, SPAN("{\"keys\":["));
    for (size_t i = 0; i < 100; i++) {
        text_addf(&document, "%s%s", i == 0 ? "" : ",", jwk);
    }
    text_add(&document, SPAN("]}"));
    CHECK(count_keys(text_span(&document)) == KEYS_MAX);
    text_free(&document);
}

/* --- members of a key --- */

/* One key, with one member of a good one changed; %N in a value stands for the good modulus. */
static size_t count_with(struct mint_member change)
{
    static const struct mint_member base[] = {{"kty", "\"RSA\""}, {"kid", "\"a\""},
                                              {"use", "\"sig\""}, {"alg", "\"RS256\""},
                                              {"e", "\"AQAB\""},  {"n", NULL}};
    CLEANUP(mem_free_ptr) char *n = mint_modulus(mint_key(MINT_GOOD));
    struct text document = TEXT(65536);
    text_add(&document, SPAN("{\"keys\":[{\"x\":1"));
    bool found = false;
    for (size_t i = 0; i < COUNT(base); i++) {
        bool is_it = strcmp(base[i].name, change.name) == 0;
        const char *value = is_it ? change.value : base[i].value;
        found = found || is_it;
        if (!is_it && strcmp(base[i].name, "n") == 0) {
            text_addf(&document, ",\"n\":\"%s\"", n);
        } else if (value != NULL) {
            text_addf(&document, ",\"%s\":%s", base[i].name, value);
        }
    }
    if (!found) {
        text_addf(&document, ",\"%s\":%s", change.name, change.value);
    }
    text_add(&document, SPAN("}]}"));
    size_t count = count_keys(text_span(&document));
    text_free(&document);
    return count;
}

static void members_of_a_key_are_judged(void)
{
    static const struct {
        struct mint_member change;
        size_t count;
    } cases[] = {
        {{"y", "2"}, 1},
        {{"kty", NULL}, 0},
        {{"kty", "\"EC\""}, 0},
        {{"kty", "\"oct\""}, 0},
        {{"kty", "\"rsa\""}, 0},
        {{"kty", "1"}, 0},
        {{"kid", NULL}, 0},
        {{"kid", "\"\""}, 0},
        {{"kid", "7"}, 0},
        {{"kid", "null"}, 0},
        {{"use", NULL}, 1},
        {{"use", "\"enc\""}, 0},
        {{"use", "null"}, 0},
        {{"alg", NULL}, 1},
        {{"alg", "\"RS512\""}, 0},
        {{"alg", "\"HS256\""}, 0},
        {{"alg", "\"none\""}, 0},
        {{"alg", "256"}, 0},
        {{"key_ops", "[\"verify\"]"}, 1},
        {{"key_ops", "[\"sign\",\"verify\"]"}, 1},
        {{"key_ops", "[\"encrypt\"]"}, 0},
        {{"key_ops", "[]"}, 0},
        {{"key_ops", "\"verify\""}, 0},
        {{"key_ops", "[1]"}, 0},
        {{"e", NULL}, 0},
        {{"e", "\"\""}, 0},
        {{"e", "\"AQ\""}, 0},           /* 1 */
        {{"e", "\"Ag\""}, 0},           /* 2 */
        {{"e", "\"Aw\""}, 0},           /* 3 */
        {{"e", "\"AQAA\""}, 0},         /* 65536 */
        {{"e", "\"AQAC\""}, 0},         /* 65538 */
        {{"e", "\"AQABAA\""}, 0},       /* 16777472 */
        {{"e", "\"AAEAAQ\""}, 1},       /* 65537 with a leading zero */
        {{"e", "\"AQAB=\""}, 0},        /* padding */
        {{"e", "\"AQAAAAAAAAAB\""}, 0}, /* 9 bytes */
        {{"e", "65537"}, 0},
        {{"n", NULL}, 0},
        {{"n", "\"\""}, 0},
        {{"n", "\"AQAB\""}, 0},
        {{"n", "\"!!!!\""}, 0},
        {{"n", "5"}, 0},
        {{"x5c", "[\"MIIB\"]"}, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].change.value == NULL ? cases[i].change.name : cases[i].change.value);
        CHECK(count_with(cases[i].change) == cases[i].count);
    }
}

static void a_kid_has_256_bytes_at_most(void)
{
    char kid[300];
    memset(kid, 'k', sizeof kid);
    kid[0] = kid[257] = '"';
    kid[258] = '\0';
    CHECK(count_with((struct mint_member){"kid", kid}) == 1);
    kid[257] = 'k';
    kid[258] = '"';
    kid[259] = '\0';
    CHECK(count_with((struct mint_member){"kid", kid}) == 0);
}

/* A number of `bits` bits, odd or even, as a quoted modulus: only its shape matters to a key set.
 */
static size_t count_with_modulus(size_t bits, size_t leading_zeros, bool odd)
{
    uint8_t n[4096];
    size_t size = leading_zeros + (bits + 7) / 8;
    memset(n, 0x5A, sizeof n);
    memset(n, 0, leading_zeros);
    n[leading_zeros] = (uint8_t)(1U << ((bits + 7) % 8));
    n[size - 1] = odd ? 0x5B : 0x5A;
    CLEANUP(mem_free_ptr) char *encoded = mint_encode(span_of((char *)n, size));
    struct text value = TEXT(16384);
    text_addf(&value, "\"%s\"", encoded);
    size_t count = count_with((struct mint_member){"n", text_span(&value).p});
    text_free(&value);
    return count;
}

static void a_modulus_has_2048_to_8192_bits(void)
{
    static const struct {
        size_t bits, zeros;
        bool odd;
        size_t count;
    } cases[] = {
        {128, 0, true, 0},    {512, 0, true, 0},  {1024, 0, true, 0}, {2040, 0, true, 0},
        {2047, 0, true, 0},   {2048, 0, true, 1}, {2048, 1, true, 1}, {2048, 0, false, 0},
        {2049, 0, true, 1},   {3072, 0, true, 1}, {4096, 0, true, 1}, {8192, 0, true, 1},
        {8192, 1, true, 1},   {8193, 0, true, 0}, {8200, 0, true, 0}, {16384, 0, true, 0},
        {1024, 900, true, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%zu bits", cases[i].bits);
        check_case(name);
        CHECK(count_with_modulus(cases[i].bits, cases[i].zeros, cases[i].odd) == cases[i].count);
    }
}

/* --- choosing --- */

static enum clerk_reason verify(const struct keys *keys, const char *kid, enum mint_name signer)
{
    uint8_t signature[1024];
    size_t n = mint_signature(mint_key(signer), SPAN("message"), signature);
    return keys_verify(keys, span_str(kid), SPAN("message"), span_of((char *)signature, n));
}

/* A key set of two keys. */
static struct keys *two_keys(enum mint_name first, const char *first_kid, enum mint_name second,
                             const char *second_kid)
{
    CLEANUP(mem_free_ptr) char *a = mint_jwk(mint_key(first), first_kid);
    CLEANUP(mem_free_ptr) char *b = mint_jwk(mint_key(second), second_kid);
    struct text document = TEXT(65536);
    struct keys *keys = NULL;
    const char *why = NULL;
    text_addf(&document, "{\"keys\":[%s,%s]}", a, b);
    CHECK(keys_parse(&keys, text_span(&document), &why) == OK);
    text_free(&document);
    return keys;
}

static void the_kid_chooses_the_key(void)
{
    struct keys *keys = two_keys(MINT_GOOD, "a", MINT_LARGE, "b");
    CHECK(keys->count == 2);
    CHECK(verify(keys, "a", MINT_GOOD) == CLERK_OK);
    CHECK(verify(keys, "b", MINT_LARGE) == CLERK_OK);
    CHECK(verify(keys, "a", MINT_LARGE) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(verify(keys, "b", MINT_GOOD) == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(verify(keys, "c", MINT_GOOD) == CLERK_KID_MISMATCH);
    CHECK(verify(keys, NULL, MINT_GOOD) == CLERK_KID_MISMATCH);
    CHECK(verify(keys, "a", MINT_OTHER) == CLERK_TOKEN_INVALID_SIGNATURE);
    keys_free(keys);
}

static void two_keys_may_share_a_kid(void)
{
    struct keys *keys = two_keys(MINT_GOOD, "a", MINT_OTHER, "a");
    CHECK(keys->count == 2);
    CHECK(verify(keys, "a", MINT_GOOD) == CLERK_OK);
    CHECK(verify(keys, "a", MINT_OTHER) == CLERK_OK);
    CHECK(verify(keys, "a", MINT_LARGE) == CLERK_TOKEN_INVALID_SIGNATURE);
    keys_free(keys);
}

static void a_bad_key_does_not_spoil_a_good_one(void)
{
    struct keys *keys = two_keys(MINT_SMALL, "a", MINT_GOOD, "b");
    CHECK(keys->count == 1);
    CHECK(verify(keys, "b", MINT_GOOD) == CLERK_OK);
    CHECK(verify(keys, "a", MINT_SMALL) == CLERK_KID_MISMATCH);
    keys_free(keys);
}

static void key_sets_are_compared(void)
{
    struct keys *one = two_keys(MINT_GOOD, "a", MINT_OTHER, "b");
    struct keys *same = two_keys(MINT_GOOD, "a", MINT_OTHER, "b");
    struct keys *kids = two_keys(MINT_GOOD, "a", MINT_OTHER, "c");
    struct keys *rolled = two_keys(MINT_GOOD, "a", MINT_LARGE, "b");
    struct keys *fewer = two_keys(MINT_GOOD, "a", MINT_SMALL, "b");
    CHECK(keys_same(one, same));
    CHECK(!keys_same(one, kids));
    CHECK(!keys_same(one, rolled));
    CHECK(!keys_same(one, fewer));
    CHECK(!keys_same(NULL, one) && !keys_same(one, NULL) && !keys_same(NULL, NULL));
    keys_free(one);
    keys_free(same);
    keys_free(kids);
    keys_free(rolled);
    keys_free(fewer);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(what_is_no_key_set_is_refused),
        TEST(a_document_over_the_limit_is_refused),
        TEST(at_most_32_keys_are_kept),
        TEST(members_of_a_key_are_judged),
        TEST(a_kid_has_256_bytes_at_most),
        TEST(a_modulus_has_2048_to_8192_bits),
        TEST(the_kid_chooses_the_key),
        TEST(two_keys_may_share_a_kid),
        TEST(a_bad_key_does_not_spoil_a_good_one),
        TEST(key_sets_are_compared),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_OTHER);
    (void)mint_key(MINT_LARGE);
    return check_main(argc, argv, tests, COUNT(tests));
}

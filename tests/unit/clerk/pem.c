#include <mbedtls/ecp.h>
#include <mbedtls/rsa.h>

#include "clerk/keys.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/mint.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define PEM_SPACE ((size_t)16 * 1024)

static bool is_accepted(struct span pem, enum mint_name signer)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    if (keys_from_pem(&keys, pem, &why) != OK) {
        CHECK(keys == NULL && why != NULL && why[0] != '\0');
        return false;
    }
    uint8_t signature[1024];
    size_t n = mint_signature(mint_key(signer), SPAN("x"), signature);
    struct span s = span_of((char *)signature, n);
    CHECK(keys->count == 1);
    CHECK(keys_verify(keys, SPAN("any kid"), SPAN("x"), s) == CLERK_OK);
    CHECK(keys_verify(keys, SPAN_NULL, SPAN("x"), s) == CLERK_OK);
    CHECK(keys_verify(keys, SPAN_NULL, SPAN("y"), s) == CLERK_TOKEN_INVALID_SIGNATURE);
    keys_free(keys);
    return true;
}

/* `pem` with every line feed replaced. */
static struct text respell(const char *pem, const char *line_end)
{
    struct text out = TEXT(PEM_SPACE);
    for (const char *c = pem; *c != '\0'; c++) {
        if (*c == '\n') {
            text_add(&out, span_str(line_end));
        } else {
            text_add_char(&out, *c);
        }
    }
    return out;
}

/* What is between the first and the last line, without line ends. */
static struct text bare(const char *pem)
{
    struct text out = TEXT(PEM_SPACE);
    for (const char *c = strchr(pem, '\n'); *c != '-'; c++) {
        if (*c != '\n') {
            text_add_char(&out, *c);
        }
    }
    return out;
}

static bool takes(struct text spelling, const char *before, const char *behind)
{
    struct text whole = TEXT(PEM_SPACE);
    text_add(&whole, span_str(before));
    text_add(&whole, text_span(&spelling));
    text_add(&whole, span_str(behind));
    bool accepted = is_accepted(text_span(&whole), MINT_GOOD);
    text_free(&whole);
    text_free(&spelling);
    return accepted;
}

static void every_spelling_of_a_key_is_understood(void)
{
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    CHECK(takes(respell(pem, "\n"), "", ""));             /* line feeds */
    CHECK(takes(respell(pem, "\r\n"), "", ""));           /* carriage returns too */
    CHECK(takes(respell(pem, "\\n"), "", ""));            /* escaped */
    CHECK(takes(respell(pem, "\\r\\n"), "", ""));         /* both escaped */
    CHECK(takes(respell(pem, " "), "", ""));              /* turned into spaces */
    CHECK(takes(respell(pem, ""), "", ""));               /* on one line */
    CHECK(takes(bare(pem), "", ""));                      /* bare base64 */
    CHECK(takes(respell(pem, "\n"), "\"", "\""));         /* quoted */
    CHECK(takes(respell(pem, "\\n"), "'", "'"));          /* quoted and escaped */
    CHECK(takes(respell(pem, "\n"), "  \n\t", "\r\n  ")); /* padded */
    CHECK(takes(bare(pem), "-----BEGIN PUBLIC KEY-----\n", "\n-----END PUBLIC KEY-----\n"));
}

static void keys_of_other_sizes_are_understood(void)
{
    CLEANUP(mem_free_ptr) char *large = mint_pem(mint_key(MINT_LARGE));
    CHECK(is_accepted(span_str(large), MINT_LARGE));
    CLEANUP(mem_free_ptr) char *small = mint_pem(mint_key(MINT_SMALL));
    CHECK(!is_accepted(span_str(small), MINT_SMALL));
    CLEANUP(mem_free_ptr) char *e3 = mint_pem(mint_key(MINT_E3));
    CHECK(!is_accepted(span_str(e3), MINT_E3));
}

static void what_is_no_public_key_is_refused(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "\"\"",
        "\"",
        "key",
        "AAAA",
        "MIIB",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        "-----END PUBLIC KEY-----\nAAAA\n-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN ",
        "sk_test_abc",
        "https://clerk.example.com/.well-known/jwks.json",
        "\\n\\n\\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        check_case(texts[i]);
        CHECK(!is_accepted(span_str(texts[i]), MINT_GOOD));
    }
}

static void a_private_key_is_refused(void)
{
    unsigned char pem[8192];
    CHECK(mbedtls_pk_write_key_pem(&mint_key(MINT_GOOD)->pk, pem, sizeof pem) == 0);
    CHECK(!is_accepted(span_str((char *)pem), MINT_GOOD));
}

static void a_key_of_an_elliptic_curve_is_refused(void)
{
    unsigned char pem[2048];
    mbedtls_pk_context pk;
    mbedtls_pk_init(&pk);
    CHECK(mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
    CHECK(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), mint_random,
                              &(uint64_t){1}) == 0);
    CHECK(mbedtls_pk_write_pubkey_pem(&pk, pem, sizeof pem) == 0);
    mbedtls_pk_free(&pk);
    CHECK(!is_accepted(span_str((char *)pem), MINT_GOOD));
}

static void a_cut_key_is_refused(void)
{
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    struct text all = bare(pem);
    for (size_t n = 0; n < all.n; n++) {
        CHECK(!is_accepted(span_sub(text_span(&all), 0, n), MINT_GOOD));
    }
    CHECK(is_accepted(text_span(&all), MINT_GOOD));
    text_free(&all);
}

static void a_text_over_the_limit_is_refused(void)
{
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    struct text padded = TEXT(PEM_SPACE);
    text_add(&padded, span_str(pem));
    while (padded.n < 8192) {
        text_add_char(&padded, ' ');
    }
    CHECK(is_accepted(text_span(&padded), MINT_GOOD));
    text_add_char(&padded, ' ');
    CHECK(!is_accepted(text_span(&padded), MINT_GOOD));
    text_free(&padded);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_spelling_of_a_key_is_understood), TEST(keys_of_other_sizes_are_understood),
        TEST(what_is_no_public_key_is_refused),      TEST(a_private_key_is_refused),
        TEST(a_key_of_an_elliptic_curve_is_refused), TEST(a_cut_key_is_refused),
        TEST(a_text_over_the_limit_is_refused),
    };
    (void)mint_key(MINT_GOOD);
    return check_main(argc, argv, tests, COUNT(tests));
}

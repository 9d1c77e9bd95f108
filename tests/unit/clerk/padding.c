/* Signatures that a sloppy verifier of RSASSA-PKCS1-v1_5 lets pass (RFC 8017, 8.2.2 and 9.2; the
 * cases are those of public test vectors: other paddings, other DER, forgeries for exponent 3).
 * Each is made with the right private key from a block of our own, so that only its shape is wrong.
 */
#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include "base/b64.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/judge.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define SIZE 256 /* bytes of a 2048-bit modulus */
#define HASH_SIZE 32
/* Of a literal, as a constant. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define OID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01" /* SHA-256 */
#define GOOD "\x30\x31\x30\x0d" OID "\x05\x00\x04\x20"

/* 00 01 FF..FF 00, DER, hash, tail. */
struct block {
    uint8_t lead, type, filler;
    size_t filler_size; /* 0: as much as fits in front, and the tail is empty */
    bool no_separator;
    uint8_t separator;
    struct span der;
    size_t hash_size;
    struct span after; /* right behind the hash */
    uint8_t tail;
};

static struct block good_block(void)
{
    return (struct block){
        .type = 1, .filler = 0xFF, .der = SPAN(GOOD), .hash_size = HASH_SIZE, .tail = 0};
}

static void hash_of(struct span message, uint8_t hash[HASH_SIZE])
{
    CHECK(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const uint8_t *)message.p,
                     message.n, hash) == 0);
}

static size_t put(uint8_t *out, size_t at, struct span s)
{
    CHECK(at + s.n <= SIZE);
    if (s.n > 0) {
        memcpy(out + at, s.p, s.n);
    }
    return at + s.n;
}

static void write_block(const struct block *b, const uint8_t hash[HASH_SIZE], uint8_t out[SIZE])
{
    size_t separators = b->no_separator ? 0 : 1;
    size_t used = 2 + separators + b->der.n + b->hash_size + b->after.n;
    size_t filler = b->filler_size == 0 ? SIZE - used : b->filler_size;
    memset(out, b->tail, SIZE);
    out[0] = b->lead;
    out[1] = b->type;
    memset(out + 2, b->filler, filler);
    size_t at = 2 + filler;
    if (separators > 0) {
        out[at++] = b->separator;
    }
    at = put(out, at, b->der);
    at = put(out, at, span_of((const char *)hash, b->hash_size));
    (void)put(out, at, b->after);
}

static void exponentiate(const uint8_t block[SIZE], uint8_t out[SIZE])
{
    uint64_t seed = 1;
    CHECK(mbedtls_rsa_private(mbedtls_pk_rsa(mint_key(MINT_GOOD)->pk), mint_random, &seed, block,
                              out) == 0);
}

static enum clerk_reason judge_signature(const uint8_t *signature, size_t n)
{
    CLEANUP(mem_free_ptr) char *good = judge_good_token();
    struct text token = TEXT(65536);
    text_add(&token, span_of(good, (size_t)(strrchr(good, '.') - good) + 1));
    b64_encode_url(&token, span_of((const char *)signature, n));
    enum clerk_reason reason = judge_by(&judge_rules, text_span(&token));
    text_free(&token);
    return reason;
}

/* What is signed in the usual token. */
static void usual_hash(uint8_t hash[HASH_SIZE])
{
    CLEANUP(mem_free_ptr) char *good = judge_good_token();
    hash_of(span_of(good, (size_t)(strrchr(good, '.') - good)), hash);
}

static enum clerk_reason judge_block(const struct block *b)
{
    uint8_t hash[HASH_SIZE];
    uint8_t block[SIZE];
    uint8_t signature[SIZE];
    usual_hash(hash);
    write_block(b, hash, block);
    exponentiate(block, signature);
    return judge_signature(signature, SIZE);
}

static void the_block_as_it_should_be_is_good(void)
{
    struct block b = good_block();
    CHECK(judge_block(&b) == CLERK_OK);
}

/* --- padding --- */

static void other_paddings_are_refused(void)
{
    static const struct {
        const char *label;
        size_t filler_size;
        uint8_t lead, type, filler;
        bool no_separator;
        uint8_t separator;
    } cases[] = {
        {"lead 01", 0, 1, 1, 0xFF, false, 0},
        {"type 00", 0, 0, 0, 0xFF, false, 0},
        {"type 00 filled with zeros", 0, 0, 0, 0, false, 0},
        {"type 02", 0, 0, 2, 0xFF, false, 0},
        {"type FF", 0, 0, 0xFF, 0xFF, false, 0},
        {"filled with 00", 0, 0, 1, 0, false, 0},
        {"filled with 01", 0, 0, 1, 1, false, 0},
        {"filled with FE", 0, 0, 1, 0xFE, false, 0},
        {"no separator", 0, 0, 1, 0xFF, true, 0},
        {"separator 01", 0, 0, 1, 0xFF, false, 1},
        {"separator FF", 0, 0, 1, 0xFF, false, 0xFF},
        {"8 bytes of filler and a tail", 8, 0, 1, 0xFF, false, 0},
        {"7 bytes of filler and a tail", 7, 0, 1, 0xFF, false, 0},
        {"1 byte of filler and a tail", 1, 0, 1, 0xFF, false, 0},
        {"one byte less of filler and a tail", SIZE - 3 - 51 - 1, 0, 1, 0xFF, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].label);
        struct block b = good_block();
        b.lead = cases[i].lead;
        b.type = cases[i].type;
        b.filler = cases[i].filler;
        b.filler_size = cases[i].filler_size;
        b.no_separator = cases[i].no_separator;
        b.separator = cases[i].separator;
        CHECK(judge_block(&b) == CLERK_TOKEN_INVALID_SIGNATURE);
        b.tail = 0xFF;
        CHECK(judge_block(&b) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
}

static void no_byte_of_the_block_may_be_another(void)
{
    uint8_t hash[HASH_SIZE];
    uint8_t block[SIZE];
    uint8_t signature[SIZE];
    struct block b = good_block();
    usual_hash(hash);
    write_block(&b, hash, block);
    for (size_t i = 1; i < SIZE; i += i < 200 ? 33 : 1) {
        char name[32];
        (void)snprintf(name, sizeof name, "byte %zu", i);
        check_case(name);
        block[i] ^= 0x01;
        exponentiate(block, signature);
        CHECK(judge_signature(signature, SIZE) == CLERK_TOKEN_INVALID_SIGNATURE);
        block[i] ^= 0x01;
    }
}

/* --- DER --- */

static void other_der_is_refused(void)
{
    static const struct {
        const char *label;
        struct span der;
    } cases[] = {
        {"no DigestInfo", BYTES("")},
        {"no NULL parameter", BYTES("\x30\x2f\x30\x0b" OID "\x04\x20")},
        {"a NULL with a byte in it", BYTES("\x30\x32\x30\x0e" OID "\x05\x01\x00\x04\x20")},
        {"a NULL in the long form", BYTES("\x30\x32\x30\x0e" OID "\x05\x81\x00\x04\x20")},
        {"two NULLs", BYTES("\x30\x33\x30\x0f" OID "\x05\x00\x05\x00\x04\x20")},
        {"an octet string for a parameter",
         BYTES("\x30\x37\x30\x13" OID "\x05\x00\x04\x04\x62\x61\x62\x61\x04\x20")},
        {"an empty sequence for a parameter", BYTES("\x30\x31\x30\x0d" OID "\x30\x00\x04\x20")},
        {"a boolean for a parameter", BYTES("\x30\x32\x30\x0e" OID "\x01\x01\xff\x04\x20")},
        {"outer length in the long form", BYTES("\x30\x81\x31\x30\x0d" OID "\x05\x00\x04\x20")},
        {"outer length of three bytes", BYTES("\x30\x82\x00\x31\x30\x0d" OID "\x05\x00\x04\x20")},
        {"outer length without an end", BYTES("\x30\x80\x30\x0d" OID "\x05\x00\x04\x20")},
        {"outer length one more", BYTES("\x30\x32\x30\x0d" OID "\x05\x00\x04\x20")},
        {"outer length one less", BYTES("\x30\x30\x30\x0d" OID "\x05\x00\x04\x20")},
        {"inner length in the long form", BYTES("\x30\x32\x30\x81\x0d" OID "\x05\x00\x04\x20")},
        {"inner length one more", BYTES("\x30\x31\x30\x0e" OID "\x05\x00\x04\x20")},
        {"inner length one less", BYTES("\x30\x31\x30\x0c" OID "\x05\x00\x04\x20")},
        {"hash length in the long form", BYTES("\x30\x32\x30\x0d" OID "\x05\x00\x04\x81\x20")},
        {"hash length one more", BYTES("\x30\x31\x30\x0d" OID "\x05\x00\x04\x21")},
        {"hash length one less", BYTES("\x30\x31\x30\x0d" OID "\x05\x00\x04\x1f")},
        {"hash length zero", BYTES("\x30\x31\x30\x0d" OID "\x05\x00\x04\x00")},
        {"a set for the sequence", BYTES("\x31\x31\x30\x0d" OID "\x05\x00\x04\x20")},
        {"a set for the algorithm", BYTES("\x30\x31\x31\x0d" OID "\x05\x00\x04\x20")},
        {"a bit string for the hash", BYTES("\x30\x31\x30\x0d" OID "\x05\x00\x03\x20")},
        {"a constructed octet string", BYTES("\x30\x31\x30\x0d" OID "\x05\x00\x24\x20")},
        {"the name of SHA-1",
         BYTES("\x30\x2d\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x20")},
        {"the name of SHA-224",
         BYTES("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x20")},
        {"the name of SHA-384",
         BYTES("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20")},
        {"the name of SHA-512",
         BYTES("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x20")},
        {"the name of SHA-512/256",
         BYTES("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x06\x05\x00\x04\x20")},
        {"the name of SHA3-256",
         BYTES("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20")},
        {"the name of MD5", BYTES("\x30\x2c\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00"
                                  "\x04\x20")},
        {"a name with a leading 80",
         BYTES("\x30\x32\x30\x0e\x06\x0a\x80\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")},
        {"a name in the long form",
         BYTES("\x30\x32\x30\x0e\x06\x81\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")},
        {"no name", BYTES("\x30\x26\x30\x02\x05\x00\x04\x20")},
        {"an empty name", BYTES("\x30\x28\x30\x04\x06\x00\x05\x00\x04\x20")},
        {"an element in front", BYTES("\x30\x33\x05\x00\x30\x0d" OID "\x05\x00\x04\x20")},
        {"a zero in front", BYTES("\x00" GOOD)},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].label);
        struct block b = good_block();
        b.der = cases[i].der;
        CHECK(judge_block(&b) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
}

static void nothing_may_stand_behind_the_hash(void)
{
    static const struct {
        const char *label;
        struct span der;
        struct span after;
    } cases[] = {
        {"a zero behind", BYTES(GOOD), BYTES("\x00")},
        {"a NULL behind", BYTES(GOOD), BYTES("\x05\x00")},
        {"a NULL inside", BYTES("\x30\x33\x30\x0d" OID "\x05\x00\x04\x20"), BYTES("\x05\x00")},
        {"bytes behind", BYTES(GOOD), BYTES("forged")},
        {"a byte in the string", BYTES("\x30\x32\x30\x0d" OID "\x05\x00\x04\x21"), BYTES("\x00")},
        {"an end of contents", BYTES("\x30\x80\x30\x0d" OID "\x05\x00\x04\x20"), BYTES("\x00\x00")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].label);
        struct block b = good_block();
        b.der = cases[i].der;
        b.after = cases[i].after;
        CHECK(judge_block(&b) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
}

static void a_shorter_hash_is_refused(void)
{
    static const struct {
        struct span der;
        size_t hash_size;
    } cases[] = {
        {BYTES(GOOD), 0},
        {BYTES(GOOD), 20},
        {BYTES(GOOD), 31},
        {BYTES("\x30\x30\x30\x0d" OID "\x05\x00\x04\x1f"), 31},
        {BYTES("\x30\x11\x30\x0d" OID "\x05\x00\x04\x00"), 0},
        {BYTES("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"), 20},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct block b = good_block();
        b.der = cases[i].der;
        b.hash_size = cases[i].hash_size;
        CHECK(judge_block(&b) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
}

/* --- numbers --- */

static void modulus(mbedtls_mpi *n)
{
    mbedtls_mpi_init(n);
    CHECK(mbedtls_rsa_export(mbedtls_pk_rsa(mint_key(MINT_GOOD)->pk), n, NULL, NULL, NULL, NULL) ==
          0);
}

static enum clerk_reason judge_number(const mbedtls_mpi *s)
{
    uint8_t bytes[SIZE];
    CHECK(mbedtls_mpi_write_binary(s, bytes, sizeof bytes) == 0);
    return judge_signature(bytes, sizeof bytes);
}

static void numbers_around_the_modulus_are_refused(void)
{
    mbedtls_mpi n;
    mbedtls_mpi s;
    modulus(&n);
    mbedtls_mpi_init(&s);
    for (int i = -2; i <= 2; i++) {
        CHECK(mbedtls_mpi_add_int(&s, &n, i) == 0);
        CHECK(judge_number(&s) == CLERK_TOKEN_INVALID_SIGNATURE);
    }
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&n);
}

/* The signature of `message` as a number. */
static void sign_number(const char *header, const char *payload, mbedtls_mpi *s, struct text *token)
{
    uint8_t signature[1024];
    b64_encode_url(token, span_str(header));
    text_add_char(token, '.');
    b64_encode_url(token, span_str(payload));
    size_t size = mint_signature(mint_key(MINT_GOOD), text_span(token), signature);
    CHECK(mbedtls_mpi_read_binary(s, signature, size) == 0);
    text_add_char(token, '.');
}

/* s + n is the same number modulo n. It has 256 bytes only for small s, so some tokens are tried.
 */
static void a_signature_plus_the_modulus_is_refused(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    mbedtls_mpi n;
    mbedtls_mpi s;
    uint8_t bytes[SIZE];
    int found = 0;
    modulus(&n);
    mbedtls_mpi_init(&s);
    for (int i = 0; i < 64 && found == 0; i++) {
        char jti[16];
        (void)snprintf(jti, sizeof jti, "\"%d\"", i);
        CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){"jti", jti});
        struct text token = TEXT(65536);
        sign_number(header, payload, &s, &token);
        CHECK(mbedtls_mpi_add_mpi(&s, &s, &n) == 0);
        if (mbedtls_mpi_size(&s) == SIZE) {
            found++;
            CHECK(mbedtls_mpi_write_binary(&s, bytes, sizeof bytes) == 0);
            b64_encode_url(&token, span_of((const char *)bytes, sizeof bytes));
            CHECK(judge_by(&judge_rules, text_span(&token)) == CLERK_TOKEN_INVALID_SIGNATURE);
        }
        text_free(&token);
    }
    CHECK(found == 1);
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&n);
}

/* --- exponent 3 --- */

static void a_key_with_exponent_3_is_not_taken(void)
{
    CLEANUP(mem_free_ptr) char *n = mint_modulus(mint_key(MINT_E3));
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_E3));
    struct text document = TEXT(65536);
    struct keys *keys = NULL;
    const char *why = NULL;
    text_addf(&document,
              "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"ins_1\",\"alg\":\"RS256\",\"n\":\"%s\","
              "\"e\":\"Aw\"}]}",
              n);
    CHECK(keys_parse(&keys, text_span(&document), &why) == ERR_INVALID);
    CHECK(keys_from_pem(&keys, span_str(pem), &why) == ERR_INVALID);
    text_free(&document);
}

/* The greatest s with s^3 <= `limit`. */
static void cube_root(const mbedtls_mpi *limit, mbedtls_mpi *s)
{
    mbedtls_mpi cube;
    mbedtls_mpi_init(&cube);
    CHECK(mbedtls_mpi_lset(s, 0) == 0);
    for (size_t bit = 700; bit-- > 0;) {
        CHECK(mbedtls_mpi_set_bit(s, bit, 1) == 0);
        CHECK(mbedtls_mpi_mul_mpi(&cube, s, s) == 0 && mbedtls_mpi_mul_mpi(&cube, &cube, s) == 0);
        if (mbedtls_mpi_cmp_mpi(&cube, limit) > 0) {
            CHECK(mbedtls_mpi_set_bit(s, bit, 0) == 0);
        }
    }
    mbedtls_mpi_free(&cube);
}

/* Bleichenbacher's forgery of 2006 needs no private key: a number whose cube begins like a good
 * block. Were such a key ever taken, the signature would still be refused. */
static void a_cube_root_is_no_signature(void)
{
    static const char message[] = "message";
    uint8_t hash[HASH_SIZE];
    uint8_t block[SIZE];
    uint8_t cube[SIZE];
    uint8_t forged[SIZE];
    mbedtls_mpi s;
    mbedtls_mpi_init(&s);
    struct block b = good_block();
    b.filler_size = 8;
    b.tail = 0xFF;
    hash_of(SPAN("message"), hash);
    write_block(&b, hash, block);
    mbedtls_mpi limit;
    mbedtls_mpi_init(&limit);
    CHECK(mbedtls_mpi_read_binary(&limit, block, SIZE) == 0);
    cube_root(&limit, &s);
    CHECK(mbedtls_mpi_write_binary(&s, forged, SIZE) == 0);
    /* it is a forgery: the cube has the filler, the DER and the hash */
    CHECK(mbedtls_rsa_public(mbedtls_pk_rsa(mint_key(MINT_E3)->pk), forged, cube) == 0);
    CHECK(memcmp(cube, block, 2 + 8 + 1 + 19 + HASH_SIZE) == 0);
    struct key key = {.kid = NULL, .pk = mint_key(MINT_E3)->pk};
    struct keys keys = {.count = 1, .items = &key};
    CHECK(keys_verify(&keys, SPAN_NULL, SPAN("message"), span_of((char *)forged, SIZE)) ==
          CLERK_TOKEN_INVALID_SIGNATURE);
    uint8_t good[1024];
    size_t n = mint_signature(mint_key(MINT_E3), span_str(message), good);
    CHECK(keys_verify(&keys, SPAN_NULL, SPAN("message"), span_of((char *)good, n)) == CLERK_OK);
    mbedtls_mpi_free(&limit);
    mbedtls_mpi_free(&s);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_block_as_it_should_be_is_good),      TEST(other_paddings_are_refused),
        TEST(no_byte_of_the_block_may_be_another),    TEST(other_der_is_refused),
        TEST(nothing_may_stand_behind_the_hash),      TEST(a_shorter_hash_is_refused),
        TEST(numbers_around_the_modulus_are_refused), TEST(a_signature_plus_the_modulus_is_refused),
        TEST(a_key_with_exponent_3_is_not_taken),     TEST(a_cube_root_is_no_signature),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_E3);
    return check_main(argc, argv, tests, COUNT(tests));
}

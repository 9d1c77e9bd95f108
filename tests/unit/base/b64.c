#include "base/b64.h"

#include "base/id.h"
#include "tests/unit/check.h"

/* RFC 4648, section 10, and the two letters in which the alphabets differ. */
static const struct {
    const char *bytes;
    const char *standard;
    const char *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xFF\xBF", "+/+/", "-_-_"},
    {"\xFF\xFE", "//4=", "__4"},
};

static void the_vectors_of_the_rfc_go_both_ways(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct span bytes = span_str(vectors[i].bytes);
        struct text t = TEXT(100);
        uint8_t out[16];
        size_t n = 99;
        check_case(vectors[i].standard);
        b64_encode(&t, bytes);
        CHECK(span_eq(text_span(&t), span_str(vectors[i].standard)));
        CHECK(b64_decode(text_span(&t), out, sizeof out, &n) == OK);
        CHECK(span_eq(span_of((char *)out, n), bytes));
        text_clear(&t);
        b64_encode_url(&t, bytes);
        CHECK(span_eq(text_span(&t), span_str(vectors[i].url)));
        CHECK(b64_decode_url(text_span(&t), out, sizeof out, &n) == OK);
        CHECK(span_eq(span_of((char *)out, n), bytes));
        text_free(&t);
    }
}

static void what_is_not_canonical_is_refused(void)
{
    static const char *const cases[] = {
        "Z",          "Zg",   "Zg=",          "Zm8",   "Zg===", "=",      "==",
        "===",        "====", "Zh==",         "Zm9=",  "Zm9v=", "Zm9v==", "Zm9vZg",
        "Zg==Zg==",   "Z=g=", "Zm9v\n",       " Zm9v", "Zm 9v", "Zm-v",   "Zm_v",
        "Zm9v====",   "A===", "Zg=a",         "Z@==",  "Z[==",  "Z`==",   "Z{==",
        "\xC3\xA4==", "/===", "Zm9vZm9v=Zm9", "!!!!",  "Zm9,"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[64];
        size_t n = 77;
        check_case(cases[i]);
        CHECK(b64_decode(span_str(cases[i]), out, sizeof out, &n) == ERR_INVALID && n == 77);
    }
    uint8_t out[8];
    size_t n = 0;
    CHECK(b64_decode(SPAN("Zg\0="), out, sizeof out, &n) == ERR_INVALID);
}

static void what_is_not_canonical_url_is_refused(void)
{
    static const char *const cases[] = {"Z",     "Zg==", "Zh",   "Zm9",   "Zm9vY",   "+/+/",
                                        "Zm9v ", "Zm.v", "Zm9=", "ZgZg=", "\xFF\xFF"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[64];
        size_t n = 77;
        check_case(cases[i]);
        CHECK(b64_decode_url(span_str(cases[i]), out, sizeof out, &n) == ERR_INVALID && n == 77);
    }
}

static size_t count_spellings(struct span digits)
{
    uint8_t out = 0;
    size_t n = 0;
    if (b64_decode_url(digits, &out, 1, &n) != OK) {
        return 0;
    }
    struct text t = TEXT(8);
    b64_encode_url(&t, span_of((char *)&out, 1));
    CHECK(span_eq(text_span(&t), digits));
    text_free(&t);
    return 1;
}

static void exactly_one_pair_of_digits_spells_each_byte(void)
{
    size_t accepted = 0;
    for (int pair = 0; pair < 65536; pair++) {
        accepted += count_spellings(span_of((char[]){(char)(pair >> 8), (char)pair}, 2));
    }
    CHECK(accepted == 256);
}

static void the_room_given_is_never_exceeded(void)
{
    uint8_t out[4] = {0, 0, 0, 0xEE};
    size_t n = 77;
    CHECK(b64_decode(SPAN("Zm9v"), out, 2, &n) == ERR_TOO_LARGE && n == 77);
    CHECK(b64_decode(SPAN("Zm9v"), out, 3, &n) == OK && n == 3 && out[3] == 0xEE);
    CHECK(b64_decode_url(SPAN("Zm9vYg"), out, 3, &n) == ERR_TOO_LARGE);
    CHECK(b64_decode(SPAN(""), NULL, 0, &n) == OK && n == 0);
    CHECK(b64_decode_url(SPAN_NULL, NULL, 0, &n) == OK && n == 0);
    struct text t = TEXT(7);
    b64_encode(&t, SPAN("foob"));
    CHECK(t.overflowed && t.n == 0);
    text_free(&t);
}

static void random_bytes_of_every_length_come_back(void)
{
    for (size_t length = 0; length < 300; length++) {
        char bytes[300];
        uint8_t out[300];
        size_t n = 0;
        id_random(bytes, length);
        struct text t = TEXT(1000);
        b64_encode(&t, span_of(bytes, length));
        CHECK(t.n == (length + 2) / 3 * 4);
        CHECK(b64_decode(text_span(&t), out, length, &n) == OK && n == length);
        CHECK(memcmp(out, bytes, length) == 0);
        text_clear(&t);
        b64_encode_url(&t, span_of(bytes, length));
        CHECK(b64_decode_url(text_span(&t), out, length, &n) == OK && n == length);
        CHECK(memcmp(out, bytes, length) == 0);
        text_free(&t);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_vectors_of_the_rfc_go_both_ways),
        TEST(what_is_not_canonical_is_refused),
        TEST(what_is_not_canonical_url_is_refused),
        TEST(exactly_one_pair_of_digits_spells_each_byte),
        TEST(the_room_given_is_never_exceeded),
        TEST(random_bytes_of_every_length_come_back),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

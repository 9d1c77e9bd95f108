#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/id.h"
#include "tests/unit/base/parse.h"

static const struct {
    const char *text;
    bool is_integer;
    int64_t integer;
    double number;
} cases[] = {
    {"0", true, 0, 0.0},
    {"-0", true, 0, -0.0},
    {"42", true, 42, 42.0},
    {"-7", true, -7, -7.0},
    {"9007199254740993", true, 9007199254740993, 9007199254740992.0},
    {"9223372036854775807", true, INT64_MAX, 9223372036854775808.0},
    {"-9223372036854775808", true, INT64_MIN, -9223372036854775808.0},
    {"9223372036854775808", false, 0, 9223372036854775808.0},
    {"-9223372036854775809", false, 0, -9223372036854775808.0},
    {"18446744073709551616", false, 0, 18446744073709551616.0},
    {"100000000000000000000", false, 0, 1e20},
    {"1.0", false, 0, 1.0},
    {"1e2", false, 0, 100.0},
    {"-0.0", false, 0, -0.0},
    {"0.1", false, 0, 0.1},
    {"0.30000000000000004", false, 0, 0.30000000000000004},
    {"2.2250738585072011e-308", false, 0, 2.2250738585072011e-308},
    {"2.2250738585072014e-308", false, 0, DBL_MIN},
    {"5e-324", false, 0, 5e-324},
    {"2e-324", false, 0, 0.0},
    {"-1e-999", false, 0, -0.0},
    {"0e999999999999", false, 0, 0.0},
    {"0.0e99999", false, 0, 0.0},
    {"1.7976931348623157e308", false, 0, DBL_MAX},
    {"1.7976931348623158e308", false, 0, DBL_MAX},
    {"9007199254740993.0", false, 0, 9007199254740992.0}, /* half way, to even */
    {"9007199254740993.00000000000000000001", false, 0, 9007199254740994.0},
    {"9007199254740993.001", false, 0, 9007199254740994.0},
    {"9007199254740991.5", false, 0, 9007199254740992.0},
    {"4503599627370496.5", false, 0, 4503599627370496.0},
    {"4503599627370497.5", false, 0, 4503599627370498.0},
    {"1.00000000000000011102230246251565", false, 0,
     1.0}, /* half way in 1 + epsilon, below, above */
    {"1.00000000000000011102230246251566", false, 0, 1.0000000000000002},
    {"123456789012345678e-3", false, 0, 123456789012345.678},
    {"0.0000000000000000000000000000000001", false, 0, 1e-34},
    {"1e22", false, 0, 1e22},
    {"1e23", false, 0, 1e23},
    {"123e-25", false, 0, 123e-25},
    {"9999999999999999999e-19", false, 0, 0.9999999999999999999},
};

static void numbers_have_their_value(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].text);
        struct parse p = parse_text(span_str(cases[i].text));
        CHECK(p.e == OK && p.root->kind == JSON_NUMBER);
        CHECK(p.root->is_integer == cases[i].is_integer && p.root->integer == cases[i].integer);
        CHECK(p.root->number == cases[i].number);
        CHECK((signbit(p.root->number) != 0) == (signbit(cases[i].number) != 0));
        parse_free(&p);
    }
}

static void check_like_strtod(const char *text)
{
    struct parse p = parse_text(span_str(text));
    double expected = strtod(text, NULL);
    check_case(text);
    CHECK(isinf(expected) ? p.e == ERR_INVALID : p.e == OK && p.root->number == expected);
    parse_free(&p);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Digits with a point somewhere and perhaps an exponent. */
static void random_decimal(uint64_t *state, char *out, size_t size)
{
    uint64_t whole = next_random(state) >> (next_random(state) % 64);
    uint64_t fraction = next_random(state) >> (next_random(state) % 64);
    int exponent = (int)(next_random(state) % 700) - 350;
    switch (next_random(state) % 4) {
    case 0:
        (void)snprintf(out, size, "%" PRIu64 ".%" PRIu64, whole, fraction);
        break;
    case 1:
        (void)snprintf(out, size, "-0.%0*" PRIu64, (int)(whole % 30) + 1, fraction);
        break;
    case 2:
        (void)snprintf(out, size, "%" PRIu64 "e%d", whole, exponent);
        break;
    default:
        (void)snprintf(out, size, "%" PRIu64 ".%" PRIu64 "E%+d", whole % 100, fraction,
                       exponent / 12);
        break;
    }
}

static void random_decimals_are_read_as_strtod_reads_them(void)
{
    uint64_t state = 0;
    id_random(&state, sizeof state);
    fprintf(stderr, "# seed %" PRIu64 "\n", state);
    for (int i = 0; i < 200000; i++) {
        char text[80];
        random_decimal(&state, text, sizeof text);
        check_like_strtod(text);
    }
}

/* The decimal half way between a double and the next, and its neighbours in the last digit. */
static void decimals_half_way_between_doubles_round_as_strtod_does(void)
{
    uint64_t state = 0;
    id_random(&state, sizeof state);
    fprintf(stderr, "# seed %" PRIu64 "\n", state);
    for (int i = 0; i < 20000; i++) {
        uint64_t mantissa = (next_random(&state) >> 11) | (UINT64_C(1) << 52);
        char text[64];
        for (int offset = 4; offset <= 6; offset++) { /* mantissa + 0.5, in eighths of 2^53 or so */
            (void)snprintf(text, sizeof text, "%" PRIu64 ".%d", mantissa, offset);
            check_like_strtod(text);
            (void)snprintf(text, sizeof text, "%" PRIu64 ".%d1", mantissa / 1000, offset);
            check_like_strtod(text);
        }
        (void)snprintf(text, sizeof text, "%" PRIu64 ".0", mantissa * 2 + 1);
        check_like_strtod(text);
    }
}

static void numbers_may_be_very_long(void)
{
    enum { DIGITS = 100000 };
    char *text = malloc(DIGITS + 3);
    CHECK(text != NULL);
    memset(text, '3', DIGITS);
    struct parse p = parse_text(span_of(text, DIGITS)); /* 10^99999 */
    CHECK(p.e == ERR_INVALID && p.error.at == 0);
    parse_free(&p);
    text[0] = '0';
    text[1] = '.';
    p = parse_text(span_of(text, DIGITS));
    CHECK(p.e == OK && p.root->number == 1.0 / 3.0);
    parse_free(&p);
    memset(text + 2, '0', DIGITS - 3);
    p = parse_text(span_of(text, DIGITS));
    CHECK(p.e == OK && p.root->number == 0.0);
    parse_free(&p);
    free(text);
}

static void overflow_is_told_at_the_number(void)
{
    struct parse p = parse_text(SPAN("[1, -1e309]"));
    CHECK(p.e == ERR_INVALID && p.error.at == 4);
    CHECK(strcmp(p.error.what, "number out of range") == 0);
    parse_free(&p);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(numbers_have_their_value),
        TEST(random_decimals_are_read_as_strtod_reads_them),
        TEST(decimals_half_way_between_doubles_round_as_strtod_does),
        TEST(numbers_may_be_very_long),
        TEST(overflow_is_told_at_the_number),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

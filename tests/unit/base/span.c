#include "base/span.h"

#include "tests/unit/check.h"

static void the_null_span_is_empty_but_the_empty_span_is_not_null(void)
{
    CHECK(span_is_null(SPAN_NULL));
    CHECK(span_is_null(span_str(NULL)));
    CHECK(!span_is_null(SPAN("")));
    CHECK(span_eq(SPAN_NULL, SPAN("")));
}

static void every_call_takes_the_null_span(void)
{
    struct span rest = SPAN_NULL;
    CHECK(span_eq_nocase(SPAN_NULL, SPAN("")));
    CHECK(span_cmp(SPAN_NULL, SPAN_NULL) == 0);
    CHECK(span_cmp(SPAN_NULL, SPAN("a")) < 0);
    CHECK(span_starts(SPAN("a"), SPAN_NULL) && span_ends(SPAN("a"), SPAN_NULL));
    CHECK(span_starts(SPAN_NULL, SPAN_NULL) && span_ends(SPAN_NULL, SPAN_NULL));
    CHECK(span_has(SPAN_NULL, SPAN_NULL) && !span_has(SPAN_NULL, SPAN("a")));
    CHECK(span_find(SPAN_NULL, 'a') == 0);
    CHECK(span_is_null(span_sub(SPAN_NULL, 3, 4)));
    CHECK(span_trim(SPAN_NULL).n == 0);
    CHECK(span_is_null(span_cut(&rest, ',')) && span_is_null(rest));
    CHECK(span_is_utf8(SPAN_NULL));
    CHECK(span_utf8_prefix(SPAN_NULL, 5) == 0);
    int64_t number = 7;
    CHECK(!span_to_int(SPAN_NULL, &number) && number == 7);
}

static void equality_looks_at_all_bytes(void)
{
    CHECK(span_eq(SPAN("a\0b"), SPAN("a\0b")));
    CHECK(!span_eq(SPAN("a\0b"), SPAN("a\0c")));
    CHECK(!span_eq(SPAN("a"), SPAN("ab")));
}

static void only_ascii_letters_are_folded(void)
{
    CHECK(span_eq_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    CHECK(!span_eq_nocase(SPAN("[@`{"), SPAN("{`@[")));
    CHECK(!span_eq_nocase(SPAN("\xC3\x84"), SPAN("\xC3\xA4")));
    CHECK(!span_eq_nocase(SPAN("a"), SPAN("ab")));
}

static void order_is_by_unsigned_bytes_and_then_by_length(void)
{
    CHECK(span_cmp(SPAN("a"), SPAN("b")) < 0);
    CHECK(span_cmp(SPAN("b"), SPAN("a")) > 0);
    CHECK(span_cmp(SPAN("a"), SPAN("ab")) < 0);
    CHECK(span_cmp(SPAN("ab"), SPAN("a")) > 0);
    CHECK(span_cmp(SPAN("\xFF"), SPAN("a")) > 0);
    CHECK(span_cmp(SPAN("ab"), SPAN("ab")) == 0);
}

static void searching_finds_the_ends_and_the_middle(void)
{
    struct span s = SPAN("notebook");
    CHECK(span_starts(s, SPAN("note")) && !span_starts(s, SPAN("book")));
    CHECK(span_ends(s, SPAN("book")) && !span_ends(s, SPAN("note")));
    CHECK(!span_starts(SPAN("no"), SPAN("note")) && !span_ends(SPAN("ok"), SPAN("book")));
    CHECK(span_has(s, SPAN("tebo")) && span_has(s, SPAN("")) && !span_has(s, SPAN("oob")));
    CHECK(!span_has(SPAN("ab"), SPAN("abc")));
    CHECK(span_find(s, 'o') == 1 && span_find(s, 'z') == s.n);
}

static void a_part_is_clamped_to_the_whole(void)
{
    struct span s = SPAN("abcdef");
    CHECK(span_eq(span_sub(s, 2, 3), SPAN("cde")));
    CHECK(span_eq(span_sub(s, 4, SIZE_MAX), SPAN("ef")));
    CHECK(span_sub(s, 6, 1).n == 0);
    CHECK(span_sub(s, SIZE_MAX, SIZE_MAX).n == 0);
    CHECK(!span_is_null(span_sub(s, 99, 1)));
}

static void trimming_takes_blanks_from_both_ends_only(void)
{
    CHECK(span_eq(span_trim(SPAN(" \t\r\na b\n ")), SPAN("a b")));
    CHECK(span_trim(SPAN(" \t \n")).n == 0);
    CHECK(span_eq(span_trim(SPAN("\va\f")), SPAN("\va\f")));
    CHECK(span_eq(span_trim(SPAN("\0 ")), SPAN("\0")));
}

static void cutting_visits_every_part_also_the_empty_ones(void)
{
    struct span rest = SPAN("a,,b,");
    const char *const expected[] = {"a", "", "b", ""};
    size_t n = 0;
    while (!span_is_null(rest)) {
        CHECK(n < 4);
        CHECK(span_eq(span_cut(&rest, ','), span_str(expected[n])));
        n++;
    }
    CHECK(n == 4);
}

static void cutting_an_empty_span_gives_one_empty_part(void)
{
    struct span rest = SPAN("");
    struct span part = span_cut(&rest, ',');
    CHECK(!span_is_null(part) && part.n == 0 && span_is_null(rest));
}

#define TEXT_CASE(literal, expected)                                                               \
    {                                                                                              \
        literal, sizeof(literal) - 1, expected                                                     \
    }
static const struct {
    const char *p;
    size_t n;
    bool is_utf8;
} utf8_cases[] = {
    TEXT_CASE("", true),
    TEXT_CASE("plain ASCII with a \0 NUL", true),
    TEXT_CASE("\x7F", true),
    TEXT_CASE("\xC2\x80", true),
    TEXT_CASE("\xDF\xBF", true),
    TEXT_CASE("\xE0\xA0\x80", true),
    TEXT_CASE("\xED\x9F\xBF", true),
    TEXT_CASE("\xEE\x80\x80", true),
    TEXT_CASE("\xEF\xBF\xBF", true),
    TEXT_CASE("\xF0\x90\x80\x80", true),
    TEXT_CASE("\xF4\x8F\xBF\xBF", true),
    TEXT_CASE("\xEF\xBB\xBF", true), /* a byte order mark */
    TEXT_CASE("\x80", false),        /* a tail alone */
    TEXT_CASE("\xBF", false),
    TEXT_CASE("a\x80", false),
    TEXT_CASE("\xC0\x80", false), /* overlong */
    TEXT_CASE("\xC1\xBF", false),
    TEXT_CASE("\xE0\x80\x80", false),
    TEXT_CASE("\xE0\x9F\xBF", false),
    TEXT_CASE("\xF0\x80\x80\x80", false),
    TEXT_CASE("\xF0\x8F\xBF\xBF", false),
    TEXT_CASE("\xED\xA0\x80", false), /* surrogates */
    TEXT_CASE("\xED\xBF\xBF", false),
    TEXT_CASE("\xED\xA0\x80\xED\xB0\x80", false),
    TEXT_CASE("\xF4\x90\x80\x80", false), /* above U+10FFFF */
    TEXT_CASE("\xF5\x80\x80\x80", false),
    TEXT_CASE("\xF8\x88\x80\x80\x80", false),
    TEXT_CASE("\xFC\x84\x80\x80\x80\x80", false),
    TEXT_CASE("\xFE", false),
    TEXT_CASE("\xFF", false),
    TEXT_CASE("\xC2", false), /* cut short */
    TEXT_CASE("\xE2\x82", false),
    TEXT_CASE("\xE2", false),
    TEXT_CASE("\xF0\x9F\x98", false),
    TEXT_CASE("\xF0\x9F", false),
    TEXT_CASE("\xF0", false),
    TEXT_CASE("\xC2\x41", false), /* no tail where one belongs */
    TEXT_CASE("\xE2\x28\xA1", false),
    TEXT_CASE("\xE2\x82\x28", false),
    TEXT_CASE("\xF0\x28\x8C\xBC", false),
    TEXT_CASE("\xF0\x90\x28\xBC", false),
    TEXT_CASE("\xF0\x90\x8C\x28", false),
};

static void utf8_is_strict(void)
{
    for (size_t i = 0; i < sizeof utf8_cases / sizeof *utf8_cases; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "utf8_cases[%zu]", i);
        check_case(name);
        /* on the heap and exactly as long, so that reading past the end is seen */
        char *copy = malloc(utf8_cases[i].n + 1);
        CHECK(copy != NULL);
        memcpy(copy + 1, utf8_cases[i].p, utf8_cases[i].n);
        CHECK(span_is_utf8(span_of(copy + 1, utf8_cases[i].n)) == utf8_cases[i].is_utf8);
        free(copy);
    }
}

static size_t claimed_length(unsigned char lead)
{
    static const unsigned char patterns[] = {0x00, 0xC0, 0xE0, 0xF0};
    static const unsigned char masks[] = {0x80, 0xE0, 0xF0, 0xF8};
    for (size_t i = 0; i < sizeof masks; i++) {
        if ((lead & masks[i]) == patterns[i]) {
            return i + 1;
        }
    }
    return 0;
}

/* The rule of RFC 3629 in other words: decode generously, then look at the value. */
static bool is_utf8_by_value(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (claimed_length(p[0]) != n) {
        return false;
    }
    uint32_t code = n == 1 ? p[0] : p[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) {
            return false;
        }
        code = code << 6 | (p[i] & 0x3FU);
    }
    return code >= least[n] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void every_sequence_of_three_bytes_is_judged_by_its_value(void)
{
    for (uint32_t bits = 0x800000; bits <= 0xFFFFFF; bits++) {
        unsigned char p[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
                              (unsigned char)bits};
        bool expected = is_utf8_by_value(p, 3) || (is_utf8_by_value(p, 2) && p[2] < 0x80);
        bool found = span_is_utf8(span_of((const char *)p, 3));
        if (found != expected) {
            fprintf(stderr, "# %06X\n", bits);
        }
        CHECK(found == expected);
    }
}

static void a_prefix_never_splits_a_sequence(void)
{
    struct span s = SPAN("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"); /* lengths 1 2 3 4 */
    const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < sizeof expected / sizeof *expected; max++) {
        CHECK(span_utf8_prefix(s, max) == expected[max]);
        CHECK(span_is_utf8(span_sub(s, 0, span_utf8_prefix(s, max))));
    }
}

static void a_prefix_of_what_is_not_utf8_is_as_long_as_it_may_be(void)
{
    struct span tails = SPAN("\x80\x80\x80\x80\x80\x80");
    for (size_t max = 0; max <= tails.n; max++) {
        CHECK(span_utf8_prefix(tails, max) == max);
    }
    CHECK(span_utf8_prefix(SPAN("\xFF\xFE\xFD"), 2) == 2);
}

static const struct {
    const char *text;
    bool ok;
    int64_t value;
} int_cases[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"007", true, 7},
    {"42", true, 42},
    {"-42", true, -42},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"000000000000000000000000000001", true, 1},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999", false, 0},
    {"18446744073709551616", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"--1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.0", false, 0},
    {"1e3", false, 0},
    {"0x10", false, 0},
    {"12a", false, 0},
    {"/", false, 0},
    {":", false, 0},
};

static void integers_are_whole_and_do_not_overflow(void)
{
    for (size_t i = 0; i < sizeof int_cases / sizeof *int_cases; i++) {
        int64_t value = 12345;
        check_case(int_cases[i].text);
        CHECK(span_to_int(span_str(int_cases[i].text), &value) == int_cases[i].ok);
        CHECK(value == (int_cases[i].ok ? int_cases[i].value : 12345));
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_null_span_is_empty_but_the_empty_span_is_not_null),
        TEST(every_call_takes_the_null_span),
        TEST(equality_looks_at_all_bytes),
        TEST(only_ascii_letters_are_folded),
        TEST(order_is_by_unsigned_bytes_and_then_by_length),
        TEST(searching_finds_the_ends_and_the_middle),
        TEST(a_part_is_clamped_to_the_whole),
        TEST(trimming_takes_blanks_from_both_ends_only),
        TEST(cutting_visits_every_part_also_the_empty_ones),
        TEST(cutting_an_empty_span_gives_one_empty_part),
        TEST(utf8_is_strict),
        TEST(every_sequence_of_three_bytes_is_judged_by_its_value),
        TEST(a_prefix_never_splits_a_sequence),
        TEST(a_prefix_of_what_is_not_utf8_is_as_long_as_it_may_be),
        TEST(integers_are_whole_and_do_not_overflow),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* UTF-8 in pieces (RFC 3629), against the whole-string check of base/span.h. */
#include "http/utf8.h"
#include "tests/unit/check.h"

/* The verdict on `s` when it comes in pieces of `step` bytes. */
static bool is_utf8_by(struct span s, size_t step)
{
    struct utf8 u = {0};
    for (size_t i = 0; i < s.n; i += step) {
        if (!utf8_add(&u, span_sub(s, i, step))) {
            return false;
        }
    }
    return utf8_is_whole(&u);
}

static void check_text(struct span s)
{
    bool expected = span_is_utf8(s);
    for (size_t step = 1; step <= s.n; step++) {
        CHECK(is_utf8_by(s, step) == expected);
    }
}

/* Bytes at the edges of what may follow. */
static void check_with_tails(char first, char second)
{
    static const char tails[] = {0x41,       (char)0x7F, (char)0x80, (char)0x8F, (char)0x90,
                                 (char)0x9F, (char)0xA0, (char)0xBF, (char)0xC0, (char)0xFF};
    for (size_t i = 0; i < sizeof tails; i++) {
        char s[4] = {first, second, tails[i], tails[i]};
        for (size_t n = 1; n <= sizeof s; n++) {
            check_text(span_of(s, n));
        }
    }
}

static void all_short_strings_are_judged_alike(void)
{
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            check_with_tails((char)first, (char)second);
        }
    }
}

static void long_ascii_around_a_character_is_skipped_right(void)
{
    static const char character[4] = {(char)0xF0, (char)0x9F, (char)0x98, (char)0x80};
    char s[40];
    for (size_t at = 0; at + sizeof character <= sizeof s; at++) {
        memset(s, 'a', sizeof s);
        memcpy(s + at, character, sizeof character);
        check_text(span_of(s, sizeof s));
        s[at + 3] = 'a';
        check_text(span_of(s, sizeof s));
    }
}

static void a_byte_that_cannot_be_right_is_noticed_at_once(void)
{
    static const struct {
        const char *name;
        struct span good; /* must pass, cut or not */
        char bad;
    } cases[] = {
        {"surrogate", {"\xED", 1}, (char)0xA0},
        {"overlong slash", {"", 0}, (char)0xC0},
        {"overlong of three", {"\xE0", 1}, (char)0x9F},
        {"overlong of four", {"\xF0", 1}, (char)0x8F},
        {"beyond U+10FFFF", {"\xF4", 1}, (char)0x90},
        {"five bytes", {"", 0}, (char)0xF8},
        {"lone continuation", {"abc", 3}, (char)0x80},
        {"letter inside a character", {"\xE2\x82", 2}, 'a'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        struct utf8 u = {0};
        CHECK(utf8_add(&u, cases[i].good));
        CHECK(!utf8_add(&u, span_of(&cases[i].bad, 1)));
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(all_short_strings_are_judged_alike),
        TEST(long_ascii_around_a_character_is_skipped_right),
        TEST(a_byte_that_cannot_be_right_is_noticed_at_once),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

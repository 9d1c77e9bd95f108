#include "base/text.h"
#include "http/path.h"
#include "tests/unit/check.h"

#define SEGMENTS_MAX 12

struct path_case {
    const char *path;
    enum err e;
    const char *segments; /* decoded, each followed by '|' */
};

static const struct path_case cases[] = {
    {"/", OK, ""},
    {"/a", OK, "a|"},
    {"/a/", OK, "a||"},
    {"/a/b", OK, "a|b|"},
    {"//", OK, "||"},
    {"//a", OK, "|a|"},
    {"/a//b", OK, "a||b|"},
    {"/api/notebooks/nb_1", OK, "api|notebooks|nb_1|"},
    {"/a%20b", OK, "a b|"},
    {"/%61", OK, "a|"},
    {"/%7e", OK, "~|"},
    {"/%7E", OK, "~|"},
    {"/a+b", OK, "a+b|"},
    {"/a%2Bb", OK, "a+b|"},
    {"/%25", OK, "%|"},
    {"/%2541", OK, "%41|"},
    {"/%252F", OK, "%2F|"},
    {"/%3Fa", OK, "?a|"},
    {"/%C3%BC", OK, "\xC3\xBC|"},
    {"/%E2%82%AC/%F0%9F%98%80", OK, "\xE2\x82\xAC|\xF0\x9F\x98\x80|"},
    {"/...", OK, "...|"},
    {"/.a", OK, ".a|"},
    {"/a.", OK, "a.|"},
    {"/a..b", OK, "a..b|"},
    {"/1/2/3/4/5/6/7/8/9/10/11/12", OK, "1|2|3|4|5|6|7|8|9|10|11|12|"},
    {"", ERR_INVALID, NULL},
    {"a", ERR_INVALID, NULL},
    {"*", ERR_INVALID, NULL},
    {"http://a/b", ERR_INVALID, NULL},
    {"/.", ERR_INVALID, NULL},
    {"/..", ERR_INVALID, NULL},
    {"/a/./b", ERR_INVALID, NULL},
    {"/a/../b", ERR_INVALID, NULL},
    {"/a/..", ERR_INVALID, NULL},
    {"/%2e", ERR_INVALID, NULL},
    {"/%2E%2e/a", ERR_INVALID, NULL},
    {"/.%2e", ERR_INVALID, NULL},
    {"/a%2Fb", ERR_INVALID, NULL},
    {"/a%2fb", ERR_INVALID, NULL},
    {"/a%00", ERR_INVALID, NULL},
    {"/%00", ERR_INVALID, NULL},
    {"/index.html%00.svg", ERR_INVALID, NULL},
    {"/%", ERR_INVALID, NULL},
    {"/%4", ERR_INVALID, NULL},
    {"/a%4/b", ERR_INVALID, NULL},
    {"/%zz", ERR_INVALID, NULL},
    {"/%4g", ERR_INVALID, NULL},
    {"/% 41", ERR_INVALID, NULL},
    {"/%-1", ERR_INVALID, NULL},
    {"/%FF", ERR_INVALID, NULL},
    {"/%C3", ERR_INVALID, NULL},
    {"/%C3/%BC", ERR_INVALID, NULL},
    {"/%C0%AF", ERR_INVALID, NULL},
    {"/%C0%AE", ERR_INVALID, NULL},
    {"/%ED%A0%80", ERR_INVALID, NULL},
    {"/%F4%90%80%80", ERR_INVALID, NULL},
    {"/\xFF", ERR_INVALID, NULL},
    {"/1/2/3/4/5/6/7/8/9/10/11/12/13", ERR_LIMIT, NULL},
    {"/1/2/3/4/5/6/7/8/9/10/11/12/", ERR_LIMIT, NULL},
    {"/////////////", ERR_LIMIT, NULL},
};

static void check_segments(const struct span *segments, size_t count, const char *expected)
{
    struct text joined = TEXT(4096);
    for (size_t i = 0; i < count; i++) {
        text_add(&joined, segments[i]);
        text_add_char(&joined, '|');
    }
    CHECK(span_eq(text_span(&joined), span_str(expected)));
    text_free(&joined);
}

static void paths_are_split_and_decoded_strictly(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].path);
        struct arena *a = arena_new();
        struct span segments[SEGMENTS_MAX];
        size_t count = 0;
        struct span path = arena_copy(a, span_str(cases[i].path));
        CHECK(path_split(a, path, segments, SEGMENTS_MAX, &count) == cases[i].e);
        if (cases[i].e == OK) {
            check_segments(segments, count, cases[i].segments);
        }
        arena_free(a);
    }
}

static void a_raw_nul_is_refused(void)
{
    struct arena *a = arena_new();
    struct span segments[SEGMENTS_MAX];
    size_t count = 0;
    CHECK(path_split(a, SPAN("/a\0b"), segments, SEGMENTS_MAX, &count) == ERR_INVALID);
    arena_free(a);
}

static void segments_never_exceed_the_callers_array(void)
{
    struct arena *a = arena_new();
    struct span segments[2] = {{NULL, 0}, SPAN("untouched")};
    size_t count = 0;
    CHECK(path_split(a, SPAN("/a"), segments, 1, &count) == OK);
    CHECK(path_split(a, SPAN("/a/b"), segments, 1, &count) == ERR_LIMIT);
    CHECK(span_eq(segments[1], SPAN("untouched")));
    arena_free(a);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(paths_are_split_and_decoded_strictly),
        TEST(a_raw_nul_is_refused),
        TEST(segments_never_exceed_the_callers_array),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* The small pure parts: repair, exit, cache. */
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "kernel/answers.h"
#include "kernel/exit.h"
#include "kernel/repair.h"
#include "tests/unit/check.h"

#define BAD "\xEF\xBF\xBD"

static void bytes_outside_utf8_are_replaced(void)
{
    static const struct {
        struct span in, out;
    } cases[] = {
        {SPAN(""), SPAN("")},
        {SPAN("plain"), SPAN("plain")},
        {SPAN("\xF0\x9F\x90\x8D"), SPAN("\xF0\x9F\x90\x8D")},
        {SPAN("\xFF"), SPAN(BAD)},
        {SPAN("\x80"), SPAN(BAD)},
        {SPAN("\xC3"), SPAN(BAD)},
        {SPAN("\xC3("), SPAN(BAD "(")},
        {SPAN("\xC0\x80"), SPAN(BAD BAD)},
        {SPAN("\xED\xA0\x80"), SPAN(BAD BAD BAD)},
        {SPAN("\xF4\x90\x80\x80"), SPAN(BAD BAD BAD BAD)},
        {SPAN("\xF0\x9F\x90"), SPAN(BAD BAD BAD)},
        {SPAN("ok\xE2\x82\xAC\xE2\x82ok"), SPAN("ok\xE2\x82\xAC" BAD BAD "ok")},
        {SPAN("a\0\xFE\0b"), SPAN("a\0" BAD "\0b")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text scratch = TEXT(100);
        check_case(cases[i].in.p);
        CHECK(span_eq(repair(cases[i].in, &scratch), cases[i].out));
        text_free(&scratch);
    }
}

static void only_a_tail_that_can_be_completed_is_open(void)
{
    static const struct {
        struct span s;
        size_t open;
    } cases[] = {
        {SPAN(""), 0},
        {SPAN("a"), 0},
        {SPAN("a\xC3\xA9"), 0},
        {SPAN("a\xC3"), 1},
        {SPAN("a\xE2"), 1},
        {SPAN("a\xE2\x82"), 2},
        {SPAN("\xF0\x9F\x90"), 3},
        {SPAN("\xF0\x9F"), 2},
        {SPAN("\xF0"), 1},
        {SPAN("\xF4\x8F"), 2},
        {SPAN("\xED\x9F"), 2},
        {SPAN("\xE0\xA0"), 2},
        {SPAN("\xED\xA0"), 0}, /* a surrogate */
        {SPAN("\xE0\x80"), 0}, /* overlong */
        {SPAN("\xF0\x80"), 0}, /* overlong */
        {SPAN("\xF4\x90"), 0}, /* above U+10FFFF */
        {SPAN("\xF5"), 0},
        {SPAN("\xC1"), 0},
        {SPAN("\xFF"), 0},
        {SPAN("\x80\x80\x80\x80"), 0},
        {SPAN("\xE2\x28"), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].s.p);
        CHECK(repair_open_tail(cases[i].s) == cases[i].open);
    }
}

/* Cutting anywhere and joining what was held back gives the text itself. */
static void a_cut_text_joins(void)
{
    struct span text = SPAN("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x8Dz");
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct span head = span_sub(text, 0, cut);
        size_t held = repair_open_tail(head);
        struct span rest = span_sub(text, cut - held, text.n);
        CHECK(span_is_utf8(span_sub(head, 0, cut - held)));
        CHECK(span_is_utf8(rest));
    }
}

static void an_exit_is_told_in_a_sentence(void)
{
    static const struct {
        int status;
        int64_t peak_kb;
        const char *words;
    } cases[] = {
        {0, 5000, "The kernel exited with code 0."},
        {3 << 8, 0, "The kernel exited with code 3."},
        {255 << 8, 0, "The kernel exited with code 255."},
        {SIGKILL, 0, "The kernel was killed by signal 9 (SIGKILL)."},
        {SIGKILL, 831488,
         "The kernel was killed by signal 9 (SIGKILL); its peak memory was 812 MB."},
        {SIGSEGV | 0x80, 1,
         "The kernel was killed by signal 11 (SIGSEGV); its peak memory was 1 MB."},
        {60, 0, "The kernel was killed by signal 60."},
        {0xFFFF, 0, "The kernel ended with wait status 65535."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = TEXT(200);
        check_case(cases[i].words);
        exit_describe(&t, cases[i].status, cases[i].peak_kb);
        CHECK(span_eq(text_span(&t), span_str(cases[i].words)));
        text_free(&t);
    }
}

/* --- cache --- */

static struct span key(char out[32], unsigned i)
{
    int n = snprintf(out, 32, "x = %u", i);
    return span_of(out, (size_t)n);
}

static void put(struct answers *c, unsigned i)
{
    char code[32];
    struct span write = SPAN("x");
    struct analysis a = {.writes = &write, .write_count = 1};
    answers_put(c, key(code, i), &a);
}

static void the_cache_keeps_copies(void)
{
    struct answers c;
    answers_init(&c);
    char bytes[] = "abcd";
    struct span reads[] = {span_of(bytes, 1), span_of(bytes + 1, 2)};
    struct span writes[] = {span_of(bytes + 3, 1)};
    struct analysis a = {reads, writes, 2, 1, SPAN("wrong")};
    answers_put(&c, SPAN("code"), &a);
    memset(bytes, '?', 4);
    const struct analysis *found = answers_get(&c, SPAN("code"));
    CHECK(found != NULL && found->read_count == 2 && found->write_count == 1);
    CHECK(span_eq(found->reads[0], SPAN("a")) && span_eq(found->reads[1], SPAN("bc")));
    CHECK(span_eq(found->writes[0], SPAN("d")) && span_eq(found->error, SPAN("wrong")));
    CHECK(answers_get(&c, SPAN("cod")) == NULL && answers_get(&c, SPAN("")) == NULL);
    answers_free(&c);
}

static void an_empty_analysis_of_nothing_is_kept(void)
{
    struct answers c;
    answers_init(&c);
    struct analysis a = {0};
    answers_put(&c, SPAN(""), &a);
    answers_put(&c, SPAN_NULL, &a);
    CHECK(c.by_code.count == 1);
    const struct analysis *found = answers_get(&c, SPAN_NULL);
    CHECK(found != NULL && found->read_count == 0 && span_is_null(found->error));
    answers_free(&c);
}

static void the_least_recently_used_leaves_first(void)
{
    struct answers c;
    char code[32];
    answers_init(&c);
    for (unsigned i = 0; i < CACHE_ENTRIES_MAX; i++) {
        put(&c, i);
    }
    CHECK(answers_get(&c, key(code, 0)) != NULL);
    put(&c, CACHE_ENTRIES_MAX);
    CHECK(c.by_code.count == CACHE_ENTRIES_MAX);
    CHECK(answers_get(&c, key(code, 0)) != NULL);
    CHECK(answers_get(&c, key(code, 1)) == NULL);
    CHECK(answers_get(&c, key(code, CACHE_ENTRIES_MAX)) != NULL);
    answers_free(&c);
}

static void the_cache_is_bounded_in_bytes(void)
{
    struct answers c;
    answers_init(&c);
    struct text code = TEXT(CACHE_BYTES_MAX);
    struct analysis a = {0};
    for (int i = 0; i < 100; i++) {
        text_clear(&code);
        memset(text_reserve(&code, 200000), 'a' + i % 26, 200000);
        code.n = 200000;
        text_addf(&code, "%d", i);
        answers_put(&c, text_span(&code), &a);
        CHECK(c.bytes <= CACHE_BYTES_MAX);
    }
    CHECK(c.by_code.count > 10 && c.by_code.count < 30);
    size_t before = c.by_code.count;
    memset(text_reserve(&code, 2000000), 'z', 2000000);
    code.n += 2000000;
    answers_put(&c, text_span(&code), &a);
    CHECK(c.by_code.count == before && answers_get(&c, text_span(&code)) == NULL);
    text_free(&code);
    answers_free(&c);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(bytes_outside_utf8_are_replaced),
        TEST(only_a_tail_that_can_be_completed_is_open),
        TEST(a_cut_text_joins),
        TEST(an_exit_is_told_in_a_sentence),
        TEST(the_cache_keeps_copies),
        TEST(an_empty_analysis_of_nothing_is_kept),
        TEST(the_least_recently_used_leaves_first),
        TEST(the_cache_is_bounded_in_bytes),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

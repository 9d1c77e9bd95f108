#include "base/text.h"

#include "base/mem.h"
#include "tests/unit/check.h"

static void text_grows_and_stays_terminated(void)
{
    struct text t = TEXT(100000);
    for (int i = 0; i < 5000; i++) {
        text_add(&t, SPAN("ab"));
        text_add_char(&t, 'c');
        CHECK(t.p[t.n] == '\0');
    }
    CHECK(t.n == 15000 && strlen(t.p) == 15000 && t.cap > t.n && !t.overflowed);
    CHECK(span_starts(text_span(&t), SPAN("abcabcabc")));
    text_free(&t);
}

static void an_empty_text_is_an_empty_span_and_not_null(void)
{
    struct text t = TEXT(10);
    CHECK(t.p == NULL && text_span(&t).n == 0 && !span_is_null(text_span(&t)));
    text_add(&t, SPAN_NULL);
    CHECK(t.n == 0 && !t.overflowed);
    text_free(&t);
}

static void the_maximum_is_reached_exactly(void)
{
    struct text t = TEXT(5);
    text_add(&t, SPAN("abc"));
    text_add(&t, SPAN("de"));
    CHECK(span_eq(text_span(&t), SPAN("abcde")) && !t.overflowed && t.p[5] == '\0' && t.cap == 6);
    text_add_char(&t, 'f');
    CHECK(span_eq(text_span(&t), SPAN("abcde")) && t.overflowed);
    text_free(&t);
    CHECK(t.max == 5 && !t.overflowed);
}

static void what_does_not_fit_is_not_added_at_all(void)
{
    struct text t = TEXT(5);
    text_add(&t, SPAN("abc"));
    text_add(&t, SPAN("def"));
    CHECK(span_eq(text_span(&t), SPAN("abc")) && t.overflowed);
    text_addf(&t, "%s", "xyz");
    CHECK(span_eq(text_span(&t), SPAN("abc")));
    text_add_char(&t, 'd');
    CHECK(span_eq(text_span(&t), SPAN("abcd")) && t.overflowed);
    text_clear(&t);
    CHECK(t.n == 0 && !t.overflowed && t.p[0] == '\0');
    text_free(&t);
}

static void a_maximum_of_zero_takes_nothing(void)
{
    struct text t = TEXT(0);
    text_add_char(&t, 'a');
    CHECK(t.n == 0 && t.overflowed);
    text_free(&t);
}

static void absurd_lengths_do_not_wrap_around(void)
{
    struct text t = TEXT(SIZE_MAX);
    text_add(&t, SPAN("abc"));
    CHECK(text_reserve(&t, SIZE_MAX) == NULL);
    CHECK(text_reserve(&t, SIZE_MAX - 3) == NULL);
    CHECK(t.overflowed && span_eq(text_span(&t), SPAN("abc")));
    text_free(&t);
}

static void formatted_text_is_added_whole(void)
{
    struct text t = TEXT(1000);
    text_add(&t, SPAN("x="));
    text_addf(&t, "%d, %.*s", -7, SPAN_ARGS(SPAN("abc")));
    CHECK(span_eq(text_span(&t), SPAN("x=-7, abc")));
    text_addf(&t, "%900d", 1);
    CHECK(t.n == 909 && t.p[909] == '\0' && t.p[908] == '1');
    text_addf(&t, "%s", "");
    CHECK(t.n == 909 && !t.overflowed);
    text_free(&t);
}

static void reserved_room_is_the_callers(void)
{
    struct text t = TEXT(4096);
    text_add(&t, SPAN("head:"));
    char *p = text_reserve(&t, 3000);
    CHECK(p == t.p + 5);
    memset(p, 'x', 3000);
    CHECK(t.n == 5);
    t.n += 3000;
    CHECK(t.p[t.n] == '\0');
    CHECK(text_reserve(&t, 1091) != NULL && text_reserve(&t, 1092) == NULL && t.overflowed);
    text_free(&t);
}

static void consuming_drops_the_beginning(void)
{
    struct text t = TEXT(100);
    text_consume(&t, 0);
    text_add(&t, SPAN("one two"));
    text_consume(&t, 4);
    CHECK(span_eq(text_span(&t), SPAN("two")) && t.p[3] == '\0');
    text_consume(&t, 3);
    CHECK(t.n == 0 && t.p[0] == '\0');
    text_add(&t, SPAN("more"));
    CHECK(span_eq(text_span(&t), SPAN("more")));
    text_free(&t);
}

static void taking_moves_the_bytes_to_the_caller(void)
{
    struct text t = TEXT(100);
    text_add(&t, SPAN("mine"));
    char *p = text_take(&t);
    CHECK(strcmp(p, "mine") == 0 && t.p == NULL && t.n == 0 && t.cap == 0 && t.max == 100);
    mem_free(p);
    p = text_take(&t);
    CHECK(p != NULL && *p == '\0');
    mem_free(p);
}

static void taking_after_a_short_fill_is_terminated(void)
{
    struct text t = TEXT(100);
    char *room = text_reserve(&t, 50);
    memset(room, 'x', 50);
    t.n += 2;
    char *p = text_take(&t);
    CHECK(strcmp(p, "xx") == 0);
    mem_free(p);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(text_grows_and_stays_terminated),
        TEST(an_empty_text_is_an_empty_span_and_not_null),
        TEST(the_maximum_is_reached_exactly),
        TEST(what_does_not_fit_is_not_added_at_all),
        TEST(a_maximum_of_zero_takes_nothing),
        TEST(absurd_lengths_do_not_wrap_around),
        TEST(formatted_text_is_added_whole),
        TEST(reserved_room_is_the_callers),
        TEST(consuming_drops_the_beginning),
        TEST(taking_moves_the_bytes_to_the_caller),
        TEST(taking_after_a_short_fill_is_terminated),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

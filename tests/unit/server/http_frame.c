#include "base/mem.h"
#include "http/frame.h"
#include "tests/unit/check.h"

/* Encodes `n` letters and compares the header; the payload follows it unchanged. */
static void check_frame(size_t n, struct span header)
{
    struct text out = TEXT(200000);
    char *payload = mem_alloc(n + 1);
    memset(payload, 'x', n);
    frame_add(&out, FRAME_TEXT, span_of(payload, n));
    CHECK(out.n == header.n + n);
    CHECK(memcmp(out.p, header.p, header.n) == 0);
    CHECK(memcmp(out.p + header.n, payload, n) == 0);
    text_free(&out);
    mem_free(payload);
}

static void lengths_take_their_shortest_form(void)
{
    check_frame(0, SPAN("\x81\x00"));
    check_frame(1, SPAN("\x81\x01"));
    check_frame(125, SPAN("\x81\x7D"));
    check_frame(126, SPAN("\x81\x7E\x00\x7E"));
    check_frame(65535, SPAN("\x81\x7E\xFF\xFF"));
    check_frame(65536, SPAN("\x81\x7F\x00\x00\x00\x00\x00\x01\x00\x00"));
    check_frame(70000, SPAN("\x81\x7F\x00\x00\x00\x00\x00\x01\x11\x70"));
}

static void frames_follow_one_another(void)
{
    struct text out = TEXT(100);
    frame_add(&out, FRAME_TEXT, SPAN("ab"));
    frame_add(&out, FRAME_PING, SPAN_NULL);
    frame_add_close(&out, 1012, SPAN("bye"));
    CHECK(span_eq(text_span(&out), SPAN("\x81\x02"
                                        "ab\x89\x00\x88\x05\x03\xF4"
                                        "bye")));
    text_free(&out);
}

static void parts_become_one_frame(void)
{
    static const struct span parts[] = {{"ab", 2}, {NULL, 0}, {"c", 1}};
    struct text out = TEXT(100);
    frame_add_parts(&out, FRAME_BINARY, parts, 3);
    frame_add_parts(&out, FRAME_TEXT, NULL, 0);
    CHECK(span_eq(text_span(&out), SPAN("\x82\x03"
                                        "abc\x81\x00")));
    text_free(&out);
}

static void a_long_reason_is_cut_between_characters(void)
{
    struct text reason = TEXT(1000);
    text_add_char(&reason, '!');
    for (int i = 0; i < 100; i++) {
        text_add(&reason, SPAN("\xC3\xBC"));
    }
    struct text out = TEXT(1000);
    frame_add_close(&out, 1000, text_span(&reason));
    CHECK(out.n == 2 + 2 + 123);
    CHECK(span_is_utf8(span_sub(text_span(&out), 4, out.n)));
    text_clear(&out);
    frame_add_close(&out, 1000, span_sub(text_span(&reason), 1, reason.n));
    CHECK(out.n == 2 + 2 + 122);
    CHECK(span_is_utf8(span_sub(text_span(&out), 4, out.n)));
    text_free(&out);
    text_free(&reason);
}

static void what_does_not_fit_is_not_begun(void)
{
    struct text out = TEXT(20);
    frame_add(&out, FRAME_TEXT, SPAN("0123456789"));
    CHECK(out.n == 12 && !out.overflowed);
    frame_add(&out, FRAME_TEXT, SPAN("0123456789"));
    CHECK(out.n == 12 && out.overflowed);
    text_free(&out);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(lengths_take_their_shortest_form), TEST(frames_follow_one_another),
        TEST(parts_become_one_frame),           TEST(a_long_reason_is_cut_between_characters),
        TEST(what_does_not_fit_is_not_begun),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

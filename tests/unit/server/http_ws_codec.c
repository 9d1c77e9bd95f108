/* The codec without a socket: every case fed whole and byte by byte. */
#include "base/mem.h"
#include "http/codec.h"
#include "tests/unit/check.h"
#include "tests/unit/server/http_wsc.h"

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define KEY "\0\0\0\0"

struct world {
    struct codec codec;
    struct text heard;       /* every message, with its opcode before and a bar after it */
    unsigned close_at_first; /* code to close with inside the first message */
};

static void on_message(void *data, enum frame_opcode opcode, struct span message)
{
    struct world *w = data;
    text_addf(&w->heard, "%d", (int)opcode);
    text_add(&w->heard, message);
    text_add_char(&w->heard, '|');
    if (w->close_at_first != 0) {
        codec_close(&w->codec, w->close_at_first, SPAN_NULL);
    }
}

enum { MESSAGE_MAX = 1000 };

static struct world *open_world(bool takes_binary)
{
    struct world *w = mem_alloc(sizeof *w);
    w->heard = TEXT(1 << 20);
    codec_init(&w->codec, &(struct codec_options){.on_message = on_message,
                                                  .data = w,
                                                  .message_max = MESSAGE_MAX,
                                                  .takes_binary = takes_binary});
    return w;
}

static void close_world(struct world *w)
{
    codec_free(&w->codec);
    text_free(&w->heard);
    mem_free(w);
}

/* In memory of its exact size, so that a sanitizer sees a byte too far. */
static void feed(struct world *w, struct span bytes, size_t step)
{
    for (size_t i = 0; i < bytes.n; i += step) {
        struct span piece = span_sub(bytes, i, step);
        char *exact = mem_alloc(piece.n);
        memcpy(exact, piece.p, piece.n);
        codec_feed(&w->codec, span_of(exact, piece.n));
        mem_free(exact);
    }
}

static void feed_frame(struct world *w, unsigned first, struct span payload)
{
    struct text t = TEXT(1 << 20);
    wsc_add(&t, first, payload);
    feed(w, text_span(&t), t.n);
    text_free(&t);
}

/* The code of the close frame that `out` begins with; 0 when it is something else. */
static unsigned close_code(const struct world *w)
{
    const struct text *out = &w->codec.out;
    if (out->n < 4 || (unsigned char)out->p[0] != 0x88) {
        return 0;
    }
    return (unsigned)(unsigned char)out->p[2] << 8 | (unsigned char)out->p[3];
}

static bool out_is(const struct world *w, struct span bytes)
{
    return span_eq(text_span(&w->codec.out), bytes);
}

static bool heard_is(const struct world *w, const char *all)
{
    return span_eq(text_span(&w->heard), span_str(all));
}

/* --- messages --- */
static void messages_arrive_whole_however_they_are_cut(void)
{
    static const struct {
        const char *name;
        struct span in;
        const char *heard;
        struct span out;
    } cases[] = {
        {"text", BYTES("\x81\x82" KEY "ab"), "1ab|", BYTES("")},
        {"masked text", BYTES("\x81\x82\x01\x02\x03\x04\x60\x60"), "1ab|", BYTES("")},
        {"empty text", BYTES("\x81\x80" KEY), "1|", BYTES("")},
        {"binary", BYTES("\x82\x81" KEY "\xFF"), "2\xFF|", BYTES("")},
        {"two", BYTES("\x81\x81" KEY "a\x81\x81" KEY "b"), "1a|1b|", BYTES("")},
        {"fragments", BYTES("\x01\x81" KEY "a\x00\x80" KEY "\x80\x81" KEY "b"), "1ab|", BYTES("")},
        {"only empty fragments", BYTES("\x01\x80" KEY "\x00\x80" KEY "\x80\x80" KEY), "1|",
         BYTES("")},
        {"a character in two fragments", BYTES("\x01\x81" KEY "\xC3\x80\x81" KEY "\xBC"),
         "1\xC3\xBC|", BYTES("")},
        {"a ping inside", BYTES("\x01\x81" KEY "a\x89\x81" KEY "p\x80\x81" KEY "b"), "1ab|",
         BYTES("\x8A\x01p")},
        {"an empty ping", BYTES("\x89\x80" KEY), "", BYTES("\x8A\x00")},
        {"a pong nobody asked for", BYTES("\x8A\x82" KEY "ab"), "", BYTES("")},
        {"126 in two bytes of length",
         BYTES("\x81\xFE\x00\x7E" KEY "0123456789012345678901234567890123456789012345678901234567"
               "89012345678901234567890123456789012345678901234567890123456789012345"),
         "1012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
         "789012345678901234567890123456789012345|",
         BYTES("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        for (size_t step = 1; step <= cases[i].in.n; step += cases[i].in.n - 1) {
            struct world *w = open_world(true);
            feed(w, cases[i].in, step);
            CHECK(heard_is(w, cases[i].heard));
            CHECK(out_is(w, cases[i].out));
            CHECK(w->codec.state == CODEC_OPEN);
            close_world(w);
        }
    }
}

/* --- broken rules --- */
static const struct {
    const char *name;
    struct span in;
    unsigned code;
} broken[] = {
    {"unmasked", BYTES("\x81\x01x"), 1002},
    {"unmasked empty", BYTES("\x81\x00"), 1002},
    {"unmasked ping", BYTES("\x89\x00"), 1002},
    {"unmasked close", BYTES("\x88\x00"), 1002},
    {"rsv1", BYTES("\xC1\x80" KEY), 1002},
    {"rsv2", BYTES("\xA1\x80" KEY), 1002},
    {"rsv3", BYTES("\x91\x80" KEY), 1002},
    {"rsv1 on a ping", BYTES("\xC9\x80" KEY), 1002},
    {"rsv1 on a continuation", BYTES("\x01\x80" KEY "\xC0\x80" KEY), 1002},
    {"opcode 3", BYTES("\x83\x80" KEY), 1002},
    {"opcode 7", BYTES("\x87\x81" KEY "x"), 1002},
    {"opcode 11", BYTES("\x8B\x80" KEY), 1002},
    {"opcode 15", BYTES("\x8F\x80" KEY), 1002},
    {"opcode 3 inside fragments", BYTES("\x01\x80" KEY "\x83\x80" KEY), 1002},
    {"continuation of nothing", BYTES("\x80\x80" KEY), 1002},
    {"unfinished continuation of nothing", BYTES("\x00\x81" KEY "a"), 1002},
    {"continuation after the last", BYTES("\x01\x80" KEY "\x80\x80" KEY "\x80\x80" KEY), 1002},
    {"text inside fragments", BYTES("\x01\x80" KEY "\x81\x80" KEY), 1002},
    {"unfinished text inside fragments", BYTES("\x01\x80" KEY "\x01\x80" KEY), 1002},
    {"binary inside fragments", BYTES("\x01\x80" KEY "\x82\x80" KEY), 1002},
    {"ping of 126", BYTES("\x89\xFE\x00\x7E" KEY), 1002},
    {"close of 126", BYTES("\x88\xFE\x00\x7E" KEY), 1002},
    {"fragmented ping", BYTES("\x09\x80" KEY), 1002},
    {"fragmented close", BYTES("\x08\x80" KEY), 1002},
    {"125 in two bytes", BYTES("\x81\xFE\x00\x7D" KEY), 1002},
    {"65535 in eight bytes", BYTES("\x81\xFF\0\0\0\0\0\0\xFF\xFF" KEY), 1002},
    {"length with the top bit", BYTES("\x81\xFF\x80\0\0\0\0\0\0\0" KEY), 1002},
    {"bad UTF-8", BYTES("\x81\x81" KEY "\xFF"), 1007},
    {"overlong", BYTES("\x81\x82" KEY "\xC0\xAF"), 1007},
    {"surrogate", BYTES("\x81\x83" KEY "\xED\xA0\x80"), 1007},
    {"beyond U+10FFFF", BYTES("\x81\x84" KEY "\xF4\x90\x80\x80"), 1007},
    {"cut UTF-8", BYTES("\x81\x82" KEY "\xE2\x82"), 1007},
    {"cut UTF-8 in the last fragment", BYTES("\x01\x82" KEY "\xE2\x82\x80\x80" KEY), 1007},
    {"bad UTF-8 in a fragment", BYTES("\x01\x82" KEY "a\xFF"), 1007},
    {"bad UTF-8 across fragments", BYTES("\x01\x81" KEY "\xE2\x80\x81" KEY "a"), 1007},
    {"bad UTF-8 before the frame is whole", BYTES("\x81\xFE\x01\x00" KEY "ab\xFF"), 1007},
    {"surrogate before the character is whole", BYTES("\x81\x85" KEY "\xED\xA0"), 1007},
    {"1001 bytes", BYTES("\x81\xFE\x03\xE9" KEY "x"), 1009},
    {"half the address space", BYTES("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF" KEY "x"), 1009},
    {"1001 bytes in two", BYTES("\x01\x81" KEY "a\x80\xFE\x03\xE8" KEY "x"), 1009},
    {"close of one byte", BYTES("\x88\x81" KEY "\x03"), 1002},
    {"close code 0", BYTES("\x88\x82" KEY "\0\0"), 1002},
    {"close code 999", BYTES("\x88\x82" KEY "\x03\xE7"), 1002},
    {"close code 1004", BYTES("\x88\x82" KEY "\x03\xEC"), 1002},
    {"close code 1005", BYTES("\x88\x82" KEY "\x03\xED"), 1002},
    {"close code 1006", BYTES("\x88\x82" KEY "\x03\xEE"), 1002},
    {"close code 1015", BYTES("\x88\x82" KEY "\x03\xF7"), 1002},
    {"close code 1016", BYTES("\x88\x82" KEY "\x03\xF8"), 1002},
    {"close code 2999", BYTES("\x88\x82" KEY "\x0B\xB7"), 1002},
    {"close code 5000", BYTES("\x88\x82" KEY "\x13\x88"), 1002},
    {"close code 65535", BYTES("\x88\x82" KEY "\xFF\xFF"), 1002},
    {"close with a bad reason", BYTES("\x88\x83" KEY "\x03\xE8\xFF"), 1007},
    {"close with a cut reason", BYTES("\x88\x83" KEY "\x03\xE8\xC3"), 1007},
};

static void check_broken(struct span in, size_t step, unsigned code)
{
    struct world *w = open_world(true);
    feed(w, in, step);
    CHECK(w->codec.state == CODEC_FAILED);
    CHECK(close_code(w) == code);
    size_t n = w->codec.out.n;
    size_t heard = w->heard.n;
    feed(w, SPAN("\x81\x81" KEY "a\x89\x80" KEY "\x88\x80" KEY), 1);
    CHECK(w->codec.out.n == n && w->heard.n == heard);
    close_world(w);
}

static void broken_rules_end_with_the_right_code_and_nothing_after_it(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        check_case(broken[i].name);
        check_broken(broken[i].in, broken[i].in.n, broken[i].code);
        check_broken(broken[i].in, 1, broken[i].code);
    }
}

static void binary_is_refused_at_its_first_byte_unless_wanted(void)
{
    struct world *w = open_world(false);
    feed(w, SPAN("\x02\xFE\x01\x00" KEY "x"), 1);
    CHECK(w->codec.state == CODEC_FAILED && close_code(w) == 1003);
    close_world(w);
}

/* --- limits --- */
static void the_longest_message_fits_and_one_byte_more_does_not(void)
{
    char bytes[MESSAGE_MAX + 1];
    memset(bytes, 'a', sizeof bytes);
    struct world *w = open_world(false);
    feed_frame(w, 0x81, span_of(bytes, MESSAGE_MAX));
    feed_frame(w, 0x01, span_of(bytes, 500));
    feed_frame(w, 0x80, span_of(bytes, 500));
    CHECK(w->codec.state == CODEC_OPEN && w->heard.n == (size_t)2 * (MESSAGE_MAX + 2));
    feed_frame(w, 0x01, span_of(bytes, 500));
    feed_frame(w, 0x80, span_of(bytes, 501));
    CHECK(w->codec.state == CODEC_FAILED && close_code(w) == 1009);
    close_world(w);
}

static void a_promised_length_costs_nothing(void)
{
    struct world *w = open_world(false);
    feed(w, SPAN("\x81\xFE\x03\xE8" KEY "x"), 1);
    CHECK(w->codec.state == CODEC_OPEN && w->codec.message.cap <= 128);
    close_world(w);
}

static void fragments_of_a_message_are_limited(void)
{
    struct world *w = open_world(false);
    for (int round = 0; round < 2; round++) {
        feed(w, SPAN("\x01\x80" KEY), 6);
        for (int i = 2; i < CODEC_FRAGMENTS_MAX; i++) {
            feed(w, SPAN("\x00\x80" KEY), 6);
        }
        feed(w, SPAN("\x80\x81" KEY "a"), 7);
    }
    CHECK(w->codec.state == CODEC_OPEN && heard_is(w, "1a|1a|"));
    feed(w, SPAN("\x01\x80" KEY), 6);
    for (int i = 2; i <= CODEC_FRAGMENTS_MAX; i++) {
        feed(w, SPAN("\x00\x80" KEY), 6);
    }
    CHECK(w->codec.state == CODEC_OPEN);
    feed(w, SPAN("\x80\x80" KEY), 6);
    CHECK(w->codec.state == CODEC_FAILED && close_code(w) == 1008);
    close_world(w);
}

static void of_many_unanswered_pings_the_last_is_answered(void)
{
    struct world *w = open_world(false);
    for (unsigned i = 0; i < 1000; i++) {
        char payload[4];
        (void)snprintf(payload, sizeof payload, "%03u", i);
        feed_frame(w, 0x89, span_of(payload, 3));
    }
    CHECK(w->codec.out.n == (size_t)CODEC_PONGS_MAX * 5);
    CHECK(span_ends(text_span(&w->codec.out), SPAN("\x8A\x03"
                                                   "063")));
    struct text taken = TEXT(SIZE_MAX / 2);
    codec_take(&w->codec, &taken);
    CHECK(taken.n == (size_t)CODEC_PONGS_MAX * 5);
    CHECK(out_is(w, SPAN("\x8A\x03"
                         "999")));
    text_clear(&taken);
    codec_take(&w->codec, &taken);
    CHECK(taken.n == 5 && w->codec.out.n == 0);
    feed_frame(w, 0x89, SPAN("now"));
    CHECK(out_is(w, SPAN("\x8A\x03now")));
    text_free(&taken);
    close_world(w);
}

/* --- closing --- */
static void a_close_is_echoed_as_it_came(void)
{
    static const unsigned codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                     1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char payload[4] = {(char)(codes[i] >> 8), (char)codes[i], 'o', 'k'};
        struct world *w = open_world(false);
        feed_frame(w, 0x88, span_of(payload, sizeof payload));
        CHECK(w->codec.state == CODEC_CLOSED && close_code(w) == codes[i]);
        CHECK(w->codec.out.n == 6 && span_ends(text_span(&w->codec.out), SPAN("ok")));
        feed(w, SPAN("\x81\x81" KEY "a\x88\x80" KEY), 1);
        CHECK(w->codec.out.n == 6 && w->heard.n == 0);
        close_world(w);
    }
    struct world *w = open_world(false);
    feed(w, SPAN("\x01\x81" KEY "a\x88\x80" KEY), 1); /* no code, inside a message */
    CHECK(w->codec.state == CODEC_CLOSED && out_is(w, SPAN("\x88\x00")));
    close_world(w);
}

static void after_our_close_only_theirs_is_waited_for(void)
{
    struct world *w = open_world(false);
    codec_send(&w->codec, FRAME_TEXT, &SPAN("last"), 1);
    codec_close(&w->codec, 4000, SPAN("bye"));
    codec_close(&w->codec, 4001, SPAN("again"));
    codec_send(&w->codec, FRAME_TEXT, &SPAN("late"), 1);
    codec_ping(&w->codec);
    struct span all = SPAN("\x81\x04last\x88\x05\x0F\xA0"
                           "bye");
    CHECK(out_is(w, all) && w->codec.state == CODEC_CLOSING);
    feed(w, SPAN("\x81\x81" KEY "a\x89\x80" KEY "\x81\xFF\0\0\0\0\0\1\0\0" KEY), 1);
    char skipped[65536] = "\xFF";
    feed(w, span_of(skipped, sizeof skipped), 1000); /* no text, too long: nobody looks */
    CHECK(w->codec.state == CODEC_CLOSING);
    feed(w, SPAN("\x88\x82" KEY "\x03\xF5"), 1);
    CHECK(w->codec.state == CODEC_CLOSED && out_is(w, all) && w->heard.n == 0);
    close_world(w);
}

static void breaking_a_rule_after_our_close_adds_no_second_one(void)
{
    struct world *w = open_world(false);
    codec_close(&w->codec, 1012, SPAN_NULL);
    feed(w, SPAN("\x81\x01x"), 1);
    CHECK(w->codec.state == CODEC_FAILED && out_is(w, SPAN("\x88\x02\x03\xF4")));
    close_world(w);
}

static void closing_inside_a_message_ends_the_messages(void)
{
    struct world *w = open_world(false);
    w->close_at_first = 1000;
    feed(w, SPAN("\x81\x81" KEY "a\x81\x81" KEY "b\x88\x82" KEY "\x03\xE8"), 21);
    CHECK(heard_is(w, "1a|") && w->codec.state == CODEC_CLOSED);
    close_world(w);
}

static void dropping_forgets_what_was_not_taken(void)
{
    struct world *w = open_world(false);
    codec_send(&w->codec, FRAME_TEXT, &SPAN("a"), 1);
    feed(w, SPAN("\x89\x80" KEY), 6);
    codec_drop(&w->codec);
    codec_close(&w->codec, 1013, SPAN_NULL);
    CHECK(out_is(w, SPAN("\x88\x02\x03\xF5")));
    close_world(w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(messages_arrive_whole_however_they_are_cut),
        TEST(broken_rules_end_with_the_right_code_and_nothing_after_it),
        TEST(binary_is_refused_at_its_first_byte_unless_wanted),
        TEST(the_longest_message_fits_and_one_byte_more_does_not),
        TEST(a_promised_length_costs_nothing),
        TEST(fragments_of_a_message_are_limited),
        TEST(of_many_unanswered_pings_the_last_is_answered),
        TEST(a_close_is_echoed_as_it_came),
        TEST(after_our_close_only_theirs_is_waited_for),
        TEST(breaking_a_rule_after_our_close_adds_no_second_one),
        TEST(closing_inside_a_message_ends_the_messages),
        TEST(dropping_forgets_what_was_not_taken),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

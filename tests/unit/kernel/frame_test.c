#include "base/mem.h"
#include "kernel/frame.h"
#include "tests/unit/check.h"

/* --- helpers --- */

static void add_frame(struct text *t, unsigned kind, uint64_t run, struct span payload)
{
    char header[FRAME_HEADER];
    frame_header(kind, run, payload.n, header);
    text_add(t, span_of(header, sizeof header));
    text_add(t, payload);
}

static void feed(struct frame_reader *r, struct span bytes)
{
    size_t room = 0;
    char *p = frame_room(r, &room);
    CHECK(room >= FRAME_CHUNK && bytes.n <= room);
    memcpy(p, bytes.p, bytes.n);
    frame_filled(r, bytes.n);
}

static enum frame_step feed_once(struct frame_reader *r, struct span bytes, struct frame *f)
{
    feed(r, bytes);
    return frame_next(r, f);
}

/* A small generator of its own, so that a failure repeats. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* --- tests --- */

static void a_header_is_sixteen_little_endian_bytes(void)
{
    char header[FRAME_HEADER];
    frame_header(FRAME_EXECUTE, 0x0102030405060708U, 0x00ABCDEF, header);
    CHECK(memcmp(header, "\xEF\xCD\xAB\x00\x20\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01", 16) == 0);
}

static void a_frame_is_read(void)
{
    struct frame_reader r = {.source = FRAME_FROM_OUT};
    struct text bytes = TEXT(1000);
    struct frame f;
    add_frame(&bytes, FRAME_STDOUT, 7, SPAN("hello"));
    CHECK(feed_once(&r, text_span(&bytes), &f) == FRAME_COMPLETE);
    CHECK(f.kind == FRAME_STDOUT && f.run == 7 && span_eq(f.payload, SPAN("hello")));
    CHECK(frame_next(&r, &f) == FRAME_MORE);
    frame_free(&r);
    text_free(&bytes);
}

static void a_frame_without_payload_is_read(void)
{
    struct frame_reader r = {.source = FRAME_FROM_OUT};
    char header[FRAME_HEADER];
    struct frame f;
    frame_header(FRAME_STDERR, UINT64_MAX, 0, header);
    CHECK(feed_once(&r, span_of(header, sizeof header), &f) == FRAME_COMPLETE);
    CHECK(f.run == UINT64_MAX && f.payload.n == 0);
    frame_free(&r);
}

static void a_frame_says_whether_raw_text_came_before(void)
{
    for (char flag = 0; flag <= 1; flag++) {
        struct frame_reader r = {.source = FRAME_FROM_OUT};
        char header[FRAME_HEADER];
        struct frame f;
        frame_header(FRAME_DISPLAY, 1, 0, header);
        header[5] = flag;
        CHECK(feed_once(&r, span_of(header, sizeof header), &f) == FRAME_COMPLETE);
        CHECK(f.after_raw == (flag == 1));
        frame_free(&r);
    }
}

static void bad_headers_are_refused_before_their_payload(void)
{
    static const struct {
        const char *name;
        enum frame_source source;
        const char *header;
        const char *problem;
    } cases[] = {
#define HEADER(length, kind, rest) length kind rest "\0\0\0\0\0\0\0\0"
        {"kind 0", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\0", "\0\0\0"), "a frame of unknown kind"},
        {"kind 11", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x0B", "\0\0\0"),
         "a frame of unknown kind"},
        {"kind 255", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\xFF", "\0\0\0"),
         "a frame of unknown kind"},
        {"execute from a kernel", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x20", "\0\0\0"),
         "a frame of unknown kind"},
        {"reply on out", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x30", "\0\0\0"),
         "a frame of unknown kind"},
        {"stdout on ctl", FRAME_FROM_CTL, HEADER("\0\0\0\0", "\x01", "\0\0\0"),
         "a frame of unknown kind"},
        {"analyse on ctl", FRAME_FROM_CTL, HEADER("\0\0\0\0", "\x40", "\0\0\0"),
         "a frame of unknown kind"},
        {"4 GiB", FRAME_FROM_OUT, HEADER("\xFF\xFF\xFF\xFF", "\x03", "\0\0\0"),
         "a frame that is too long"},
        {"16 MiB and 1", FRAME_FROM_OUT, HEADER("\x01\0\0\x01", "\x03", "\0\0\0"),
         "a frame that is too long"},
        {"64 KiB and 1 of stdout", FRAME_FROM_OUT, HEADER("\x01\0\x01\0", "\x01", "\0\0\0"),
         "a frame that is too long"},
        {"64 KiB and 1 of stderr", FRAME_FROM_OUT, HEADER("\x01\0\x01\0", "\x02", "\0\0\0"),
         "a frame that is too long"},
        {"reply of 16 MiB and 1", FRAME_FROM_CTL, HEADER("\x01\0\0\x01", "\x30", "\0\0\0"),
         "a frame that is too long"},
        {"flags", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x01", "\x02\0\0"),
         "a frame with unknown flags"},
        {"after raw, on ctl", FRAME_FROM_CTL, HEADER("\0\0\0\0", "\x30", "\x01\0\0"),
         "a frame with unknown flags"},
        {"reserved, low", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x01", "\0\x01\0"),
         "a frame with unknown flags"},
        {"reserved, high", FRAME_FROM_OUT, HEADER("\0\0\0\0", "\x01", "\0\0\x80"),
         "a frame with unknown flags"},
        {"text", FRAME_FROM_OUT, "Hello, I am not a", "a frame of unknown kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        struct frame_reader r = {.source = cases[i].source};
        struct frame f;
        CHECK(feed_once(&r, span_of(cases[i].header, FRAME_HEADER - 1), &f) == FRAME_MORE);
        CHECK(feed_once(&r, span_of(cases[i].header + FRAME_HEADER - 1, 1), &f) == FRAME_BROKEN);
        CHECK(strcmp(r.problem, cases[i].problem) == 0);
        CHECK(frame_next(&r, &f) == FRAME_BROKEN);
        frame_free(&r);
    }
}

static void the_largest_payloads_are_read(void)
{
    static const struct {
        unsigned kind;
        size_t length;
    } cases[] = {{FRAME_STDOUT, FRAME_STREAM_MAX}, {FRAME_DISPLAY, FRAME_PAYLOAD_MAX}};
    for (size_t i = 0; i < 2; i++) {
        struct frame_reader r = {.source = FRAME_FROM_OUT};
        struct text bytes = TEXT(2 * FRAME_PAYLOAD_MAX);
        struct text payload = TEXT(FRAME_PAYLOAD_MAX);
        memset(text_reserve(&payload, cases[i].length), 'x', cases[i].length);
        payload.n = cases[i].length;
        add_frame(&bytes, cases[i].kind, 1, text_span(&payload));
        add_frame(&bytes, FRAME_STDOUT, 2, SPAN("after"));
        struct frame f;
        size_t at = 0;
        while (frame_next(&r, &f) == FRAME_MORE) {
            struct span piece = span_sub(text_span(&bytes), at, FRAME_CHUNK);
            feed(&r, piece);
            at += piece.n;
        }
        CHECK(f.payload.n == cases[i].length && span_eq(f.payload, text_span(&payload)));
        CHECK(r.cap <= FRAME_HEADER + FRAME_PAYLOAD_MAX + FRAME_CHUNK);
        if (at < bytes.n) {
            feed(&r, span_sub(text_span(&bytes), at, bytes.n));
        }
        CHECK(frame_next(&r, &f) == FRAME_COMPLETE && f.run == 2);
        frame_free(&r);
        text_free(&bytes);
        text_free(&payload);
    }
}

static void a_header_that_promises_much_costs_nothing(void)
{
    struct frame_reader r = {.source = FRAME_FROM_OUT};
    char header[FRAME_HEADER];
    struct frame f;
    frame_header(FRAME_DISPLAY, 0, FRAME_PAYLOAD_MAX, header);
    CHECK(feed_once(&r, span_of(header, sizeof header), &f) == FRAME_MORE);
    CHECK(r.cap <= 2 * FRAME_CHUNK);
    frame_free(&r);
}

static void memory_is_given_back_between_frames(void)
{
    struct frame_reader r = {.source = FRAME_FROM_OUT};
    struct text bytes = TEXT(FRAME_PAYLOAD_MAX + 100);
    struct text payload = TEXT(FRAME_PAYLOAD_MAX);
    size_t large = FRAME_PAYLOAD_MAX / 4;
    memset(text_reserve(&payload, large), 'x', large);
    payload.n = large;
    add_frame(&bytes, FRAME_RESULT, 1, text_span(&payload));
    text_add(&bytes, SPAN("\x05\0\0"));
    struct frame f;
    enum frame_step step = FRAME_MORE;
    for (size_t at = 0; at < bytes.n; at += FRAME_CHUNK) {
        step = feed_once(&r, span_sub(text_span(&bytes), at, FRAME_CHUNK), &f);
    }
    CHECK(step == FRAME_COMPLETE && r.cap > large);
    frame_rest(&r);
    CHECK(r.cap <= 2 * FRAME_CHUNK && r.n - r.taken == 3);
    feed(&r, SPAN("\0\x01\0\0\0\0\0\0\0\0\0\0\0hello"));
    CHECK(frame_next(&r, &f) == FRAME_COMPLETE && span_eq(f.payload, SPAN("hello")));
    frame_rest(&r);
    CHECK(r.buffer == NULL && r.cap == 0);
    text_free(&bytes);
    text_free(&payload);
}

enum { FRAMES = 200 };

static void add_frames(struct text *bytes, uint32_t *random)
{
    for (uint64_t i = 0; i < FRAMES; i++) {
        char payload[3000];
        size_t n = next_random(random) % (i % 10 == 0 ? sizeof payload : 40);
        memset(payload, (int)('a' + i % 26), n);
        add_frame(bytes, 1 + (unsigned)(i % 10), i, span_of(payload, n));
    }
}

static uint64_t take_frames(struct frame_reader *r, uint64_t seen)
{
    struct frame f;
    while (frame_next(r, &f) == FRAME_COMPLETE) {
        CHECK(f.run == seen && f.kind == 1 + seen % 10);
        CHECK(f.payload.n == 0 || f.payload.p[f.payload.n - 1] == (char)('a' + seen % 26));
        seen++;
    }
    return seen;
}

/* In pieces of 1 to `most` bytes. */
static void read_in_pieces(struct span bytes, size_t most, uint32_t *random)
{
    struct frame_reader r = {.source = FRAME_FROM_OUT};
    uint64_t seen = 0;
    for (size_t at = 0; at < bytes.n;) {
        struct span piece = span_sub(bytes, at, next_random(random) % most + 1);
        feed(&r, piece);
        at += piece.n;
        seen = take_frames(&r, seen);
        if (next_random(random) % 3 == 0) {
            frame_rest(&r);
        }
    }
    CHECK(seen == FRAMES);
    frame_free(&r);
}

static void pieces_do_not_matter(void)
{
    uint32_t random = 1;
    struct text bytes = TEXT(4 * FRAME_PAYLOAD_MAX);
    add_frames(&bytes, &random);
    for (size_t round = 0; round < 200; round++) {
        size_t most = round < 5 ? round + 1 : next_random(&random) % FRAME_CHUNK + 1;
        read_in_pieces(text_span(&bytes), most, &random);
    }
    text_free(&bytes);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_header_is_sixteen_little_endian_bytes),
        TEST(a_frame_is_read),
        TEST(a_frame_without_payload_is_read),
        TEST(a_frame_says_whether_raw_text_came_before),
        TEST(bad_headers_are_refused_before_their_payload),
        TEST(the_largest_payloads_are_read),
        TEST(a_header_that_promises_much_costs_nothing),
        TEST(memory_is_given_back_between_frames),
        TEST(pieces_do_not_matter),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

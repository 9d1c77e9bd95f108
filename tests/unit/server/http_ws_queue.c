/* What waits for a slow reader (HTTP.md T37): how much may, when it is too much, and when a
 * producer that has stopped may go on. The server's application is the one below. */
#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_wsc.h"

enum {
    CHUNK = 10000,
    HIGH_WATER = 256 * 1024,
    LOW_WATER = 64 * 1024,
    QUEUE_MAX = 1024 * 1024,
};

/* --- the application --- */
/* One socket's; "/ws" has a low-water mark, "/plain" none. */
struct producer {
    struct ws *ws;
    int64_t left;   /* messages of a stream not yet sent */
    size_t most;    /* that was ever queued */
    int64_t drains; /* calls of on_drained */
    bool sending;   /* inside ws_send */
};

static void note_queued(struct producer *p)
{
    p->most = ws_queued(p->ws) > p->most ? ws_queued(p->ws) : p->most;
}

static void send_filled(struct producer *p, size_t n)
{
    char *bytes = mem_alloc(n);
    memset(bytes, 'f', n);
    p->sending = true;
    ws_send(p->ws, span_of(bytes, n));
    p->sending = false;
    mem_free(bytes);
    note_queued(p);
}

static void send_numbers(struct producer *p)
{
    char line[64];
    int n = snprintf(line, sizeof line, "most %zu drains %lld", p->most, (long long)p->drains);
    ws_send(p->ws, span_of(line, (size_t)n));
}

static void go_on(struct producer *p)
{
    while (p->left > 0 && ws_queued(p->ws) <= HIGH_WATER) {
        p->left--;
        send_filled(p, CHUNK);
    }
}

static void on_drained(void *data)
{
    struct producer *p = data;
    assert(!p->sending && ws_queued(p->ws) <= LOW_WATER);
    p->drains++;
    go_on(p);
}

static void send_in_parts(struct producer *p)
{
    static const struct span parts[] = {{"one \xC3", 5}, {NULL, 0}, {"\xBC two", 5}, {"", 0}};
    ws_send_parts(p->ws, parts, sizeof parts / sizeof *parts);
    ws_send_parts(p->ws, NULL, 0);
}

/* "one N" sends N bytes, "two N" twice as many in two, "stream N" N chunks as fast as they leave.
 */
static void on_message(void *data, struct span text)
{
    struct producer *p = data;
    struct span rest = text;
    struct span verb = span_cut(&rest, ' ');
    int64_t number = 0;
    (void)span_to_int(rest, &number);
    if (span_eq(verb, SPAN("one")) || span_eq(verb, SPAN("two"))) {
        send_filled(p, (size_t)number);
    }
    if (span_eq(verb, SPAN("two"))) {
        send_filled(p, (size_t)number);
    } else if (span_eq(verb, SPAN("stream"))) {
        p->left = number;
        go_on(p);
    } else if (span_eq(verb, SPAN("parts"))) {
        send_in_parts(p);
    } else if (span_eq(verb, SPAN("note"))) {
        note_queued(p);
    } else if (span_eq(verb, SPAN("numbers"))) {
        send_numbers(p);
    }
}

static void on_binary(void *data, struct span bytes)
{
    struct producer *p = data;
    ws_send_binary(p->ws, bytes);
}

static void on_closed(void *data)
{
    mem_free(data);
}

static void on_call(struct call *c)
{
    static const struct ws_handler handler = {.on_message = on_message,
                                              .on_binary = on_binary,
                                              .on_drained = on_drained,
                                              .on_closed = on_closed};
    bool plain = span_eq(c->path, SPAN("/plain"));
    struct producer *p = mem_alloc(sizeof *p);
    p->ws = http_upgrade(c, &(struct ws_options){.handler = &handler,
                                                 .data = p,
                                                 .message_max = FIXTURE_MESSAGE_MAX,
                                                 .queue_max = QUEUE_MAX,
                                                 .low_water = plain ? 0 : LOW_WATER});
    if (p->ws == NULL) {
        mem_free(p);
    }
}

static struct fixture start_with(unsigned stall_ms)
{
    struct http_options options = fixture_options();
    options.on_call = on_call;
    fixture_timing.stall_ms = stall_ms;
    fixture_timing.close_ms = 2000;
    return fixture_start(&options);
}

/* --- the client --- */
static void expect_filled(int fd, size_t n)
{
    struct wsc_frame m = wsc_hear(fd);
    CHECK(m.opcode == TEXT_FRAME && m.payload.n == n);
    text_free(&m.payload);
}

struct numbers {
    size_t most;
    int64_t drains;
};

static struct numbers ask_numbers(int fd)
{
    wsc_say_text(fd, "numbers");
    struct wsc_frame m = wsc_hear(fd);
    CHECK(m.opcode == TEXT_FRAME);
    struct span rest = text_span(&m.payload);
    (void)span_cut(&rest, ' ');
    int64_t most = 0;
    struct numbers n = {0};
    CHECK(span_to_int(span_cut(&rest, ' '), &most));
    (void)span_cut(&rest, ' ');
    CHECK(span_to_int(rest, &n.drains));
    n.most = (size_t)most;
    text_free(&m.payload);
    return n;
}

/* --- the limit --- */
static void one_message_always_fits_however_large(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    for (int i = 0; i < 3; i++) {
        wsc_say_text(fd, "one 20000000");
        expect_filled(fd, 20000000);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void another_one_on_top_of_too_much_is_refused(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "two 1048000"); /* the first leaves less than QUEUE_MAX waiting */
    expect_filled(fd, 1048000);
    expect_filled(fd, 1048000);
    wsc_say_text(fd, "two 1049000");
    struct wsc_frame c = wsc_hear(fd);
    CHECK(c.opcode == CLOSE_FRAME && c.code == 1013);
    CHECK(span_eq(text_span(&c.payload), SPAN("Too slow: reconnect and resume")));
    text_free(&c.payload);
    wsc_say_close(fd, 1013);
    wsc_expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void what_is_being_written_counts_as_waiting(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "one 30000000"); /* more than the system's buffers take */
    usleep(100 * 1000);
    wsc_say_text(fd, "one 1");
    usleep(100 * 1000);
    expect_filled(fd, 30000000);
    wsc_expect_close(fd, 1013);
    wsc_say_close(fd, 1013);
    wsc_expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- pings --- */
static void say_pings(int fd, int from, int count)
{
    struct text t = TEXT(16777216);
    for (int i = from; i < from + count; i++) {
        char payload[125];
        memset(payload, 'p', sizeof payload);
        (void)snprintf(payload, sizeof payload, "%d", i);
        wsc_add(&t, 0x80 | PING_FRAME, span_of(payload, sizeof payload));
    }
    client_say(fd, text_span(&t));
    text_free(&t);
}

/* Pongs that cannot leave are few (RFC 6455, 5.5.3: the last ping is the one to answer). */
static void a_ping_flood_costs_next_to_nothing(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "one 30000000");
    for (int i = 0; i < 20; i++) { /* 26 MB */
        say_pings(fd, i * 10000, 10000);
    }
    wsc_say_text(fd, "note");
    expect_filled(fd, 30000000);
    int pongs = 0;
    for (long last = 0; last != 199999; pongs++) {
        struct wsc_frame m = wsc_hear(fd);
        CHECK(m.opcode == PONG_FRAME && m.payload.n == 125);
        CHECK(strtol(m.payload.p, NULL, 10) >= last);
        last = strtol(m.payload.p, NULL, 10);
        text_free(&m.payload);
    }
    CHECK(pongs <= 200);
    CHECK(ask_numbers(fd).most <= 30000000 + 200 * 127);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_burst_of_pings_is_answered_ping_by_ping(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    for (int round = 0; round < 20; round++) {
        say_pings(fd, round * 50, 50);
        for (int i = 0; i < 50; i++) {
            struct wsc_frame m = wsc_hear(fd);
            CHECK(m.opcode == PONG_FRAME);
            CHECK(strtol(m.payload.p, NULL, 10) == round * 50 + i);
            text_free(&m.payload);
        }
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- stalling --- */
static void a_reader_that_stalls_is_told_to_come_back(void)
{
    struct fixture f = start_with(600);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "one 30000000");
    usleep(900 * 1000);
    expect_filled(fd, 30000000);
    wsc_expect_close(fd, 1013);
    wsc_say_close(fd, 1013);
    wsc_expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_reader_that_stalls_for_good_is_cut(void)
{
    struct http_options options = fixture_options();
    options.on_call = on_call;
    fixture_timing.stall_ms = 300; /* and close_ms 300 */
    struct fixture f = fixture_start(&options);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "one 30000000");
    usleep(900 * 1000);
    char bytes[65536];
    size_t got = 0;
    ssize_t n = 0;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        got += (size_t)n;
    }
    CHECK(got > 0 && got < 30000000);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_slow_reader_that_moves_is_not_stalled(void)
{
    struct fixture f = start_with(500);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "one 30000000");
    size_t left = 30000000 + 10;
    char *bytes = mem_alloc(300000);
    while (left > 0) { /* two seconds */
        size_t n = left < 300000 ? left : 300000;
        CHECK(client_read(fd, bytes, n));
        left -= n;
        usleep(20 * 1000);
    }
    mem_free(bytes);
    wsc_say_text(fd, "one 5");
    wsc_expect(fd, TEXT_FRAME, "fffff");
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- draining --- */
static void a_producer_that_waits_for_the_drain_loses_nothing(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "stream 4000"); /* 40 MB through a queue of a quarter */
    for (int i = 0; i < 4000; i++) {
        expect_filled(fd, CHUNK);
        if (i % 500 == 0) {
            usleep(50 * 1000);
        }
    }
    struct numbers n = ask_numbers(fd);
    CHECK(n.drains > 0);
    CHECK(n.most > HIGH_WATER && n.most <= HIGH_WATER + CHUNK + 10);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void every_fall_is_told_once(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    for (int64_t i = 1; i <= 5; i++) {
        wsc_say_text(fd, "one 100000");
        expect_filled(fd, 100000);
        wsc_say_text(fd, "one 1000"); /* never above the mark */
        expect_filled(fd, 1000);
        CHECK(ask_numbers(fd).drains == i);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void without_a_mark_nothing_is_told(void)
{
    struct fixture f = start_with(5000);
    int fd = client_dial(&f);
    client_say(fd, WSC_UPGRADE("/plain"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    wsc_say_text(fd, "one 3000000");
    expect_filled(fd, 3000000);
    CHECK(ask_numbers(fd).drains == 0);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- other ways to send --- */
static void parts_become_one_message(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "parts");
    wsc_expect(fd, TEXT_FRAME, "one \xC3\xBC two");
    wsc_expect(fd, TEXT_FRAME, "");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void binary_messages_come_back_binary(void)
{
    struct fixture f = start_with(5000);
    int fd = wsc_dial(&f);
    wsc_say(fd, 0x80 | 2, SPAN("\xFF\xFE"));
    wsc_expect(fd, 2, "\xFF\xFE");
    close(fd);
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(one_message_always_fits_however_large),
        TEST(another_one_on_top_of_too_much_is_refused),
        TEST(what_is_being_written_counts_as_waiting),
        TEST(a_ping_flood_costs_next_to_nothing),
        TEST(a_burst_of_pings_is_answered_ping_by_ping),
        TEST(a_reader_that_stalls_is_told_to_come_back),
        TEST(a_reader_that_stalls_for_good_is_cut),
        TEST(a_slow_reader_that_moves_is_not_stalled),
        TEST(a_producer_that_waits_for_the_drain_loses_nothing),
        TEST(every_fall_is_told_once),
        TEST(without_a_mark_nothing_is_told),
        TEST(parts_become_one_message),
        TEST(binary_messages_come_back_binary),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

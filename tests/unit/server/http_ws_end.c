/* WebSockets that end: by either side, by slowness, by silence, with the server (HTTP.md T25,
 * T32-T38). */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_wsc.h"

static struct fixture start(void)
{
    struct http_options options = fixture_options();
    return fixture_start(&options);
}

/* --- closing --- */
static void a_close_is_echoed_and_the_connection_ended(void)
{
    struct fixture f = start();
    static const unsigned codes[] = {1000, 1001, 3000, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int fd = wsc_dial(&f);
        wsc_say_close(fd, codes[i]);
        wsc_expect_close(fd, codes[i]);
        wsc_expect_end(fd);
        close(fd);
    }
    int fd = wsc_dial(&f);
    wsc_say(fd, 0x80 | CLOSE_FRAME, SPAN(""));
    wsc_expect(fd, CLOSE_FRAME, "");
    wsc_expect_end(fd);
    close(fd);
    wsc_expect_counts(&f, "{\"opened\":6,\"closed\":6}");
    CHECK(fixture_stop(&f));
}

static void the_last_words_come_before_the_close(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "close 4000");
    wsc_say_text(fd, "too late");
    wsc_expect(fd, TEXT_FRAME, "last words");
    struct wsc_frame c = wsc_hear(fd);
    CHECK(c.opcode == CLOSE_FRAME && c.code == 4000);
    CHECK(span_eq(text_span(&c.payload), SPAN("as you wish")));
    text_free(&c.payload);
    wsc_say_close(fd, 4000);
    wsc_expect_end(fd);
    close(fd);
    wsc_expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

/* 1012 and 1013 are younger than RFC 6455. */
static void an_echoed_close_ends_the_connection_at_once(void)
{
    struct http_options options = fixture_options();
    fixture_timing.close_ms = 5000;
    struct fixture f = fixture_start(&options);
    static const char *const commands[] = {"close 1000", "close 1012", "close 1013", "close 4401"};
    static const unsigned codes[] = {1000, 1012, 1013, 4401};
    for (size_t i = 0; i < 4; i++) {
        int fd = wsc_dial(&f);
        wsc_say_text(fd, commands[i]);
        wsc_expect(fd, TEXT_FRAME, "last words");
        wsc_expect_close(fd, codes[i]);
        wsc_say_close(fd, codes[i]);
        wsc_expect_end(fd);
        close(fd);
    }
    CHECK(fixture_stop(&f));
}

static void a_mute_client_is_cut_after_the_close(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "close 4000");
    wsc_expect(fd, TEXT_FRAME, "last words");
    wsc_expect_close(fd, 4000);
    CHECK(!client_is_closed(fd, 100));
    CHECK(client_is_closed(fd, 1000));
    close(fd);
    wsc_expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

static void a_client_that_vanishes_is_closed(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    int half = wsc_dial(&f);
    close(fd);
    CHECK(shutdown(half, SHUT_WR) == 0);
    CHECK(client_is_closed(half, 500));
    close(half);
    usleep(50 * 1000);
    wsc_expect_counts(&f, "{\"opened\":2,\"closed\":2}");
    CHECK(fixture_stop(&f));
}

/* --- slowness --- */
static void a_slow_reader_is_told_to_come_back(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    wsc_say_text(fd, "flood 2000"); /* 20 MB; no socket buffer holds that */
    usleep(100 * 1000);
    size_t messages = 0;
    struct wsc_frame m = wsc_hear(fd);
    while (m.opcode == TEXT_FRAME) {
        CHECK(m.payload.n == 10000);
        messages++;
        text_free(&m.payload);
        m = wsc_hear(fd);
    }
    CHECK(m.opcode == CLOSE_FRAME && m.code == 1013);
    CHECK(messages < 100);
    text_free(&m.payload);
    wsc_say_close(fd, 1013);
    wsc_expect_end(fd);
    close(fd);
    wsc_expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

static void a_queue_within_its_limit_is_delivered(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    for (int round = 0; round < 5; round++) {
        wsc_say_text(fd, "flood 26"); /* 260 000 bytes of 262 144 */
        for (int i = 0; i < 26; i++) {
            struct wsc_frame m = wsc_hear(fd);
            CHECK(m.opcode == TEXT_FRAME && m.payload.n == 10000);
            text_free(&m.payload);
        }
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void silence_is_pinged_and_then_closed(void)
{
    struct http_options options = fixture_options();
    fixture_timing.ping_ms = 100;
    struct fixture f = fixture_start(&options);
    int alive = wsc_dial(&f);
    for (int i = 0; i < 5; i++) {
        wsc_expect(alive, PING_FRAME, "");
        wsc_say(alive, 0x80 | PONG_FRAME, SPAN(""));
    }
    close(alive);
    int mute = wsc_dial(&f);
    wsc_expect(mute, PING_FRAME, "");
    wsc_expect(mute, PING_FRAME, "");
    wsc_expect_close(mute, 1001);
    CHECK(client_is_closed(mute, 1000));
    close(mute);
    CHECK(fixture_stop(&f));
}

/* --- the server's end --- */
static void closing_the_server_closes_sockets_with_1012(void)
{
    struct fixture f = start();
    int polite = wsc_dial(&f);
    int mute = wsc_dial(&f);
    int unread = wsc_dial(&f);
    wsc_say_text(unread, "flood 26");
    usleep(50 * 1000);
    fixture_signal(&f);
    wsc_expect_close(polite, 1012);
    wsc_say_close(polite, 1012);
    CHECK(client_is_closed(polite, 200));
    wsc_expect_close(mute, 1012);
    CHECK(client_is_closed(mute, 1500));
    for (int i = 0; i < 26; i++) {
        struct wsc_frame m = wsc_hear(unread);
        CHECK(m.opcode == TEXT_FRAME);
        text_free(&m.payload);
    }
    wsc_expect_close(unread, 1012);
    close(polite);
    close(mute);
    close(unread);
    CHECK(fixture_wait(&f));
}

static void an_upgrade_while_closing_is_refused(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    int holder = client_dial(&f); /* keeps the server in its closing */
    client_say(holder, SPAN("GET /later/400 HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_say(fd, SPAN("GET /ws HTTP/1.1\r\n")); /* a request has begun: not idle */
    usleep(50 * 1000);
    fixture_signal(&f);
    usleep(50 * 1000);
    client_say(fd, SPAN(WSC_HANDSHAKE WSC_KEY "\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 503 && answer_has(&a, "connection: close"));
    answer_free(&a);
    close(fd);
    close(holder);
    CHECK(fixture_wait(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_close_is_echoed_and_the_connection_ended),
        TEST(the_last_words_come_before_the_close),
        TEST(an_echoed_close_ends_the_connection_at_once),
        TEST(a_mute_client_is_cut_after_the_close),
        TEST(a_client_that_vanishes_is_closed),
        TEST(a_slow_reader_is_told_to_come_back),
        TEST(a_queue_within_its_limit_is_delivered),
        TEST(silence_is_pinged_and_then_closed),
        TEST(closing_the_server_closes_sockets_with_1012),
        TEST(an_upgrade_while_closing_is_refused),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

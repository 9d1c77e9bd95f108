/* WebSockets: the handshake, messages, and frames that break the rules (RFC 6455; HTTP.md T30-T36).
 */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_wsc.h"

static struct fixture start(void)
{
    struct http_options options = fixture_options();
    return fixture_start(&options);
}

/* --- the handshake --- */
static void the_handshake_proves_itself(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY "X-Request-Id: me\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    CHECK(answer_has(&a, "upgrade: websocket"));
    CHECK(answer_has(&a, "connection: upgrade"));
    CHECK(answer_has(&a, "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="));
    CHECK(answer_has(&a, "x-request-id: me"));
    answer_free(&a);
    wsc_say_text(fd, "hello");
    wsc_expect(fd, TEXT_FRAME, "hello");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void bad_handshakes_are_refused(void)
{
    struct fixture f = start();
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" WSC_KEY "\r\n", 426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" WSC_KEY "\r\n",
         426},
        {"GET /ws HTTP/1.0\r\n" WSC_HANDSHAKE WSC_KEY "\r\n", 426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" WSC_KEY
         "\r\n",
         426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 8\r\n" WSC_KEY "\r\n",
         426},
        {"POST /ws HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY "Content-Length: 0\r\n\r\n", 405},
        {"HEAD /ws HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY "Content-Length: 0\r\n\r\n", 405},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE "Sec-WebSocket-Key: short\r\n\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWFh\r\n\r\n", /* 18 bytes */
         400},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY WSC_KEY "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" WSC_HANDSHAKE WSC_KEY "Content-Length: 1\r\n\r\nx", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].request);
        int fd = client_dial(&f);
        client_say(fd, span_str(cases[i].request));
        struct answer a = client_hear(fd, cases[i].request[0] == 'H');
        CHECK(a.status == cases[i].status);
        answer_free(&a);
        close(fd);
    }
    wsc_expect_counts(&f, "{\"opened\":0,\"closed\":0}");
    CHECK(fixture_stop(&f));
}

static void a_refused_version_names_the_right_one(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                        "Upgrade: WebSocket\r\nSec-WebSocket-Version: 12\r\n" WSC_KEY "\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 426 && answer_has(&a, "sec-websocket-version: 13"));
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void frames_that_come_with_the_request_are_read(void)
{
    struct fixture f = start();
    struct text t = TEXT(4096);
    text_add(&t, WSC_UPGRADE("/ws"));
    wsc_add(&t, 0x80 | TEXT_FRAME, SPAN("one"));
    wsc_add(&t, 0x80 | TEXT_FRAME, SPAN("two"));
    int fd = client_dial(&f);
    client_say(fd, text_span(&t));
    text_free(&t);
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    wsc_expect(fd, TEXT_FRAME, "one");
    wsc_expect(fd, TEXT_FRAME, "two");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void what_is_sent_before_the_101_follows_it(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, WSC_UPGRADE("/ws?greet"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    wsc_expect(fd, TEXT_FRAME, "hello");
    close(fd);
    fd = client_dial(&f);
    client_say(fd, WSC_UPGRADE("/ws?refuse"));
    a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    wsc_expect_close(fd, 1008);
    wsc_say_close(fd, 1008);
    CHECK(client_is_closed(fd, 200));
    close(fd);
    CHECK(fixture_stop(&f));
}

static void clients_that_leave_during_the_handshake_are_counted(void)
{
    struct fixture f = start();
    for (int i = 0; i < 20; i++) {
        int fd = client_dial(&f);
        client_say(fd, WSC_UPGRADE("/ws?greet"));
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        CHECK(i % 2 == 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
        close(fd);
    }
    usleep(100 * 1000);
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /counts HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    unsigned opened = 0;
    unsigned closed = 1;
    /* a reset may come before the request was read; what was opened was closed */
    opened = (unsigned)strtoul(strstr(a.body.p, "opened\":") + 8, NULL, 10);
    closed = (unsigned)strtoul(strstr(a.body.p, "closed\":") + 8, NULL, 10);
    CHECK(opened >= 10 && opened == closed);
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- messages --- */
static void messages_of_every_length_come_back(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    static const size_t lengths[] = {0, 1, 125, 126, 127, 4095, 4096, 65534, 65535, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *p = mem_alloc(lengths[i] + 1);
        memset(p, 'm', lengths[i]);
        wsc_say(fd, 0x80 | TEXT_FRAME, span_of(p, lengths[i]));
        wsc_expect(fd, TEXT_FRAME, p);
        mem_free(p);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void fragments_are_joined_and_pings_between_them_answered(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    wsc_say(fd, TEXT_FRAME, SPAN("a\xE2\x82"));
    wsc_say(fd, 0x80 | PING_FRAME, SPAN("now?"));
    wsc_expect(fd, PONG_FRAME, "now?");
    wsc_say(fd, 0, SPAN("\xAC"));
    wsc_say(fd, 0x80, SPAN("b"));
    wsc_expect(fd, TEXT_FRAME,
               "a\xE2\x82\xAC"
               "b");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_message_may_come_byte_by_byte(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    struct text t = TEXT(4096);
    wsc_add(&t, 0x80 | TEXT_FRAME, SPAN("slowly"));
    for (size_t i = 0; i < t.n; i++) {
        client_say(fd, span_of(t.p + i, 1));
        usleep(1000);
    }
    text_free(&t);
    wsc_expect(fd, TEXT_FRAME, "slowly");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void many_messages_come_back_in_order(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    struct text t = TEXT(1048576);
    for (int i = 0; i < 2000; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "n%d", i);
        wsc_add(&t, 0x80 | TEXT_FRAME, span_str(number));
    }
    client_say(fd, text_span(&t));
    text_free(&t);
    for (int i = 0; i < 2000; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "n%d", i);
        wsc_expect(fd, TEXT_FRAME, number);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- what is not allowed --- */
static void check_refused(const struct fixture *f, struct span bytes, unsigned code)
{
    int fd = wsc_dial(f);
    client_say(fd, bytes);
    wsc_expect_close(fd, code);
    wsc_expect_end(fd);
    close(fd);
}

static void broken_frames_are_closed_with_the_right_code(void)
{
    struct fixture f = start();
    static const struct {
        const char *name;
        struct span bytes;
        unsigned code;
    } cases[] = {
        {"unmasked", {"\x81\x01x", 3}, 1002},
        {"rsv1", {"\xC1\x80\0\0\0\0", 6}, 1002},
        {"rsv3", {"\x91\x80\0\0\0\0", 6}, 1002},
        {"opcode 3", {"\x83\x80\0\0\0\0", 6}, 1002},
        {"opcode 11", {"\x8B\x80\0\0\0\0", 6}, 1002},
        {"continuation of nothing", {"\x80\x80\0\0\0\0", 6}, 1002},
        {"text inside fragments", {"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 12}, 1002},
        {"long ping", {"\x89\xFE\x00\x7E\0\0\0\0", 8}, 1002},
        {"fragmented ping", {"\x09\x80\0\0\0\0", 6}, 1002},
        {"length not in shortest form", {"\x81\xFE\x00\x01\0\0\0\0x", 9}, 1002},
        {"length with the top bit", {"\x81\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 14}, 1002},
        {"binary", {"\x82\x80\0\0\0\0", 6}, 1003},
        {"bad UTF-8", {"\x81\x81\0\0\0\0\xFF", 7}, 1007},
        {"surrogate", {"\x81\x83\0\0\0\0\xED\xA0\x80", 9}, 1007},
        {"cut UTF-8", {"\x81\x82\0\0\0\0\xE2\x82", 8}, 1007},
        {"65537 bytes", {"\x81\xFF\0\0\0\0\0\1\0\1\0\0\0\0x", 15}, 1009},
        {"an exabyte", {"\x81\xFF\x10\0\0\0\0\0\0\0\0\0\0\0x", 15}, 1009},
        {"close code 999", {"\x88\x82\0\0\0\0\x03\xE7", 8}, 1002},
        {"close code 1005", {"\x88\x82\0\0\0\0\x03\xED", 8}, 1002},
        {"close with a bad reason", {"\x88\x83\0\0\0\0\x03\xE8\xFF", 9}, 1007},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        check_refused(&f, cases[i].bytes, cases[i].code);
    }
    wsc_expect_counts(&f, "{\"opened\":20,\"closed\":20}");
    CHECK(fixture_stop(&f));
}

static void fragments_count_together_towards_the_limit(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    char *p = mem_alloc(40000);
    memset(p, 'a', 40000);
    wsc_say(fd, TEXT_FRAME, span_of(p, 40000));
    wsc_say(fd, 0x80, span_of(p, 40000));
    wsc_expect_close(fd, 1009);
    mem_free(p);
    wsc_expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* A reset because of unread bytes would overtake the close frame. */
static void a_close_arrives_although_the_client_goes_on_sending(void)
{
    struct fixture f = start();
    int fd = wsc_dial(&f);
    char *p = mem_alloc(3000000);
    memset(p, 'a', 3000000);
    wsc_say(fd, 0x80 | TEXT_FRAME, span_of(p, 3000000));
    mem_free(p);
    wsc_expect_close(fd, 1009);
    wsc_expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_handshake_proves_itself),
        TEST(bad_handshakes_are_refused),
        TEST(a_refused_version_names_the_right_one),
        TEST(frames_that_come_with_the_request_are_read),
        TEST(what_is_sent_before_the_101_follows_it),
        TEST(clients_that_leave_during_the_handshake_are_counted),
        TEST(messages_of_every_length_come_back),
        TEST(fragments_are_joined_and_pings_between_them_answered),
        TEST(a_message_may_come_byte_by_byte),
        TEST(many_messages_come_back_in_order),
        TEST(broken_frames_are_closed_with_the_right_code),
        TEST(fragments_count_together_towards_the_limit),
        TEST(a_close_arrives_although_the_client_goes_on_sending),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

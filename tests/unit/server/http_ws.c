/* WebSockets, frame by frame (RFC 6455; HTTP.md T30-T38). */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_fixture.h"

#define HANDSHAKE                                                                                  \
    "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* RFC 6455, 1.3 */
#define UPGRADE(path) SPAN("GET " path " HTTP/1.1\r\n" HANDSHAKE KEY "\r\n")

enum { TEXT_FRAME = 1, BINARY_FRAME = 2, CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10 };

static struct fixture start(void)
{
    struct http_options options = fixture_options();
    return fixture_start(&options);
}

/* --- a client's frames --- */
struct frame {
    int opcode; /* -1: the connection ended */
    unsigned code;
    struct text payload; /* of a close: the reason */
};

static int dial(const struct fixture *f)
{
    int fd = client_dial(f);
    client_say(fd, UPGRADE("/ws"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    return fd;
}

/* `first` is the whole first byte. Masked with a fixed key. */
static void add_frame(struct text *t, unsigned first, struct span payload)
{
    static const char key[4] = {0x12, 0x34, 0x56, 0x78};
    text_add_char(t, (char)first);
    if (payload.n < 126) {
        text_add_char(t, (char)(0x80U | payload.n));
    } else {
        text_add_char(t, (char)(0x80U | (payload.n < 65536 ? 126 : 127)));
        for (int shift = payload.n < 65536 ? 8 : 56; shift >= 0; shift -= 8) {
            text_add_char(t, (char)(payload.n >> shift));
        }
    }
    text_add(t, span_of(key, 4));
    for (size_t i = 0; i < payload.n; i++) {
        text_add_char(t, (char)(payload.p[i] ^ key[i % 4]));
    }
}

static void say(int fd, unsigned first, struct span payload)
{
    struct text t = TEXT(4194304);
    add_frame(&t, first, payload);
    client_say(fd, text_span(&t));
    text_free(&t);
}

static void say_text(int fd, const char *words)
{
    say(fd, 0x80 | TEXT_FRAME, span_str(words));
}

static void say_close(int fd, unsigned code)
{
    char payload[2] = {(char)(code >> 8), (char)code};
    say(fd, 0x80 | CLOSE_FRAME, span_of(payload, 2));
}

static size_t read_length(int fd, const unsigned char *head)
{
    unsigned char more[8];
    size_t width = head[1] == 126 ? 2 : 8;
    if (head[1] < 126) {
        return head[1];
    }
    CHECK(client_read(fd, (char *)more, width));
    size_t n = 0;
    for (size_t i = 0; i < width; i++) {
        n = n << 8 | more[i];
    }
    return n;
}

static struct frame hear(int fd)
{
    struct frame f = {.opcode = -1, .payload = TEXT(1048576)};
    unsigned char head[2];
    if (!client_read(fd, (char *)head, 2)) {
        return f;
    }
    CHECK((head[0] & 0x70) == 0 && (head[1] & 0x80) == 0); /* no RSV, no mask */
    size_t n = read_length(fd, head);
    char *p = text_reserve(&f.payload, n);
    CHECK(p != NULL && client_read(fd, p, n));
    f.payload.n = n;
    f.opcode = head[0] & 0x0F;
    if (f.opcode == CLOSE_FRAME && n >= 2) {
        f.code = (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
        text_consume(&f.payload, 2);
    }
    return f;
}

static void expect(int fd, int opcode, const char *payload)
{
    struct frame f = hear(fd);
    CHECK(f.opcode == opcode);
    CHECK(span_eq(text_span(&f.payload), span_str(payload)));
    text_free(&f.payload);
}

static void expect_close(int fd, unsigned code)
{
    struct frame f = hear(fd);
    CHECK(f.opcode == CLOSE_FRAME && f.code == code);
    text_free(&f.payload);
}

/* An orderly end, and nothing before it. */
static void expect_end(int fd)
{
    char c = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK(poll(&p, 1, 2000) == 1 && recv(fd, &c, 1, 0) == 0);
}

static void expect_counts(const struct fixture *f, const char *counts)
{
    int fd = client_dial(f);
    client_say(fd, SPAN("GET /counts HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(answer_is(&a, counts));
    answer_free(&a);
    close(fd);
}

/* --- the handshake --- */
static void the_handshake_proves_itself(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /ws HTTP/1.1\r\n" HANDSHAKE KEY "X-Request-Id: me\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    CHECK(answer_has(&a, "upgrade: websocket"));
    CHECK(answer_has(&a, "connection: upgrade"));
    CHECK(answer_has(&a, "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="));
    CHECK(answer_has(&a, "x-request-id: me"));
    answer_free(&a);
    say_text(fd, "hello");
    expect(fd, TEXT_FRAME, "hello");
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
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" KEY "\r\n", 426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" KEY "\r\n", 426},
        {"GET /ws HTTP/1.0\r\n" HANDSHAKE KEY "\r\n", 426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" KEY "\r\n",
         426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 8\r\n" KEY "\r\n",
         426},
        {"POST /ws HTTP/1.1\r\n" HANDSHAKE KEY "Content-Length: 0\r\n\r\n", 405},
        {"HEAD /ws HTTP/1.1\r\n" HANDSHAKE KEY "Content-Length: 0\r\n\r\n", 405},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE "Sec-WebSocket-Key: short\r\n\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWFh\r\n\r\n", /* 18 bytes */
         400},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE KEY KEY "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HANDSHAKE KEY "Content-Length: 1\r\n\r\nx", 400},
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
    expect_counts(&f, "{\"opened\":0,\"closed\":0}");
    CHECK(fixture_stop(&f));
}

static void a_refused_version_names_the_right_one(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                        "Upgrade: WebSocket\r\nSec-WebSocket-Version: 12\r\n" KEY "\r\n"));
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
    text_add(&t, UPGRADE("/ws"));
    add_frame(&t, 0x80 | TEXT_FRAME, SPAN("one"));
    add_frame(&t, 0x80 | TEXT_FRAME, SPAN("two"));
    int fd = client_dial(&f);
    client_say(fd, text_span(&t));
    text_free(&t);
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    expect(fd, TEXT_FRAME, "one");
    expect(fd, TEXT_FRAME, "two");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void what_is_sent_before_the_101_follows_it(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, UPGRADE("/ws?greet"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    expect(fd, TEXT_FRAME, "hello");
    close(fd);
    fd = client_dial(&f);
    client_say(fd, UPGRADE("/ws?refuse"));
    a = client_hear(fd, false);
    CHECK(a.status == 101);
    answer_free(&a);
    expect_close(fd, 1008);
    say_close(fd, 1008);
    CHECK(client_is_closed(fd, 200));
    close(fd);
    CHECK(fixture_stop(&f));
}

static void clients_that_leave_during_the_handshake_are_counted(void)
{
    struct fixture f = start();
    for (int i = 0; i < 20; i++) {
        int fd = client_dial(&f);
        client_say(fd, UPGRADE("/ws?greet"));
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
    int fd = dial(&f);
    static const size_t lengths[] = {0, 1, 125, 126, 127, 4095, 4096, 65534, 65535, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *p = mem_alloc(lengths[i] + 1);
        memset(p, 'm', lengths[i]);
        say(fd, 0x80 | TEXT_FRAME, span_of(p, lengths[i]));
        expect(fd, TEXT_FRAME, p);
        mem_free(p);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void fragments_are_joined_and_pings_between_them_answered(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    say(fd, TEXT_FRAME, SPAN("a\xE2\x82"));
    say(fd, 0x80 | PING_FRAME, SPAN("now?"));
    expect(fd, PONG_FRAME, "now?");
    say(fd, 0, SPAN("\xAC"));
    say(fd, 0x80, SPAN("b"));
    expect(fd, TEXT_FRAME,
           "a\xE2\x82\xAC"
           "b");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_message_may_come_byte_by_byte(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    struct text t = TEXT(4096);
    add_frame(&t, 0x80 | TEXT_FRAME, SPAN("slowly"));
    for (size_t i = 0; i < t.n; i++) {
        client_say(fd, span_of(t.p + i, 1));
        usleep(1000);
    }
    text_free(&t);
    expect(fd, TEXT_FRAME, "slowly");
    close(fd);
    CHECK(fixture_stop(&f));
}

static void many_messages_come_back_in_order(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    struct text t = TEXT(1048576);
    for (int i = 0; i < 2000; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "n%d", i);
        add_frame(&t, 0x80 | TEXT_FRAME, span_str(number));
    }
    client_say(fd, text_span(&t));
    text_free(&t);
    for (int i = 0; i < 2000; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "n%d", i);
        expect(fd, TEXT_FRAME, number);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- what is not allowed --- */
static void check_refused(const struct fixture *f, struct span bytes, unsigned code)
{
    int fd = dial(f);
    client_say(fd, bytes);
    expect_close(fd, code);
    expect_end(fd);
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
    expect_counts(&f, "{\"opened\":20,\"closed\":20}");
    CHECK(fixture_stop(&f));
}

static void fragments_count_together_towards_the_limit(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    char *p = mem_alloc(40000);
    memset(p, 'a', 40000);
    say(fd, TEXT_FRAME, span_of(p, 40000));
    say(fd, 0x80, span_of(p, 40000));
    expect_close(fd, 1009);
    mem_free(p);
    expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* A reset because of unread bytes would overtake the close frame. */
static void a_close_arrives_although_the_client_goes_on_sending(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    char *p = mem_alloc(3000000);
    memset(p, 'a', 3000000);
    say(fd, 0x80 | TEXT_FRAME, span_of(p, 3000000));
    mem_free(p);
    expect_close(fd, 1009);
    expect_end(fd);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- closing --- */
static void a_close_is_echoed_and_the_connection_ended(void)
{
    struct fixture f = start();
    static const unsigned codes[] = {1000, 1001, 3000, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int fd = dial(&f);
        say_close(fd, codes[i]);
        expect_close(fd, codes[i]);
        expect_end(fd);
        close(fd);
    }
    int fd = dial(&f);
    say(fd, 0x80 | CLOSE_FRAME, SPAN(""));
    expect(fd, CLOSE_FRAME, "");
    expect_end(fd);
    close(fd);
    expect_counts(&f, "{\"opened\":6,\"closed\":6}");
    CHECK(fixture_stop(&f));
}

static void the_last_words_come_before_the_close(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    say_text(fd, "close 4000");
    say_text(fd, "too late");
    expect(fd, TEXT_FRAME, "last words");
    struct frame c = hear(fd);
    CHECK(c.opcode == CLOSE_FRAME && c.code == 4000);
    CHECK(span_eq(text_span(&c.payload), SPAN("as you wish")));
    text_free(&c.payload);
    say_close(fd, 4000);
    expect_end(fd);
    close(fd);
    expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

/* 1012 and 1013 are codes wslay refuses to hear. */
static void an_echoed_close_ends_the_connection_at_once(void)
{
    struct http_options options = fixture_options();
    fixture_timing.close_ms = 5000;
    struct fixture f = fixture_start(&options);
    static const char *const commands[] = {"close 1000", "close 1012", "close 1013", "close 4401"};
    static const unsigned codes[] = {1000, 1012, 1013, 4401};
    for (size_t i = 0; i < 4; i++) {
        int fd = dial(&f);
        say_text(fd, commands[i]);
        expect(fd, TEXT_FRAME, "last words");
        expect_close(fd, codes[i]);
        say_close(fd, codes[i]);
        expect_end(fd);
        close(fd);
    }
    CHECK(fixture_stop(&f));
}

static void a_mute_client_is_cut_after_the_close(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    say_text(fd, "close 4000");
    expect(fd, TEXT_FRAME, "last words");
    expect_close(fd, 4000);
    CHECK(!client_is_closed(fd, 100));
    CHECK(client_is_closed(fd, 1000));
    close(fd);
    expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

static void a_client_that_vanishes_is_closed(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    int half = dial(&f);
    close(fd);
    CHECK(shutdown(half, SHUT_WR) == 0);
    CHECK(client_is_closed(half, 500));
    close(half);
    usleep(50 * 1000);
    expect_counts(&f, "{\"opened\":2,\"closed\":2}");
    CHECK(fixture_stop(&f));
}

/* --- slowness --- */
static void a_slow_reader_is_told_to_come_back(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    say_text(fd, "flood 2000"); /* 20 MB; no socket buffer holds that */
    usleep(100 * 1000);
    size_t messages = 0;
    struct frame m = hear(fd);
    while (m.opcode == TEXT_FRAME) {
        CHECK(m.payload.n == 10000);
        messages++;
        text_free(&m.payload);
        m = hear(fd);
    }
    CHECK(m.opcode == CLOSE_FRAME && m.code == 1013);
    CHECK(messages < 100);
    text_free(&m.payload);
    say_close(fd, 1013);
    expect_end(fd);
    close(fd);
    expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

static void a_queue_within_its_limit_is_delivered(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    for (int round = 0; round < 5; round++) {
        say_text(fd, "flood 26"); /* 260 000 bytes of 262 144 */
        for (int i = 0; i < 26; i++) {
            struct frame m = hear(fd);
            CHECK(m.opcode == TEXT_FRAME && m.payload.n == 10000);
            text_free(&m.payload);
        }
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

/* Pings without end, and no pong is ever read: cut for its size, long before it counts as stalled.
 */
static void a_ping_flood_is_cut(void)
{
    struct fixture f = start();
    int fd = dial(&f);
    struct text t = TEXT(1048576);
    char payload[125];
    memset(payload, 'p', sizeof payload);
    for (int i = 0; i < 1000; i++) {
        add_frame(&t, 0x80 | PING_FRAME, span_of(payload, sizeof payload));
    }
    bool cut = false;
    for (int i = 0; i < 1000 && !cut; i++) { /* 131 MB */
        cut = !client_try(fd, text_span(&t));
    }
    CHECK(cut);
    text_free(&t);
    close(fd);
    usleep(50 * 1000);
    expect_counts(&f, "{\"opened\":1,\"closed\":1}");
    CHECK(fixture_stop(&f));
}

static void silence_is_pinged_and_then_closed(void)
{
    struct http_options options = fixture_options();
    fixture_timing.ping_ms = 100;
    struct fixture f = fixture_start(&options);
    int alive = dial(&f);
    for (int i = 0; i < 5; i++) {
        expect(alive, PING_FRAME, "");
        say(alive, 0x80 | PONG_FRAME, SPAN(""));
    }
    close(alive);
    int mute = dial(&f);
    expect(mute, PING_FRAME, "");
    expect(mute, PING_FRAME, "");
    expect_close(mute, 1001);
    CHECK(client_is_closed(mute, 1000));
    close(mute);
    CHECK(fixture_stop(&f));
}

/* --- the server's end --- */
static void closing_the_server_closes_sockets_with_1012(void)
{
    struct fixture f = start();
    int polite = dial(&f);
    int mute = dial(&f);
    int unread = dial(&f);
    say_text(unread, "flood 26");
    usleep(50 * 1000);
    fixture_signal(&f);
    expect_close(polite, 1012);
    say_close(polite, 1012);
    CHECK(client_is_closed(polite, 200));
    expect_close(mute, 1012);
    CHECK(client_is_closed(mute, 1500));
    for (int i = 0; i < 26; i++) {
        struct frame m = hear(unread);
        CHECK(m.opcode == TEXT_FRAME);
        text_free(&m.payload);
    }
    expect_close(unread, 1012);
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
    client_say(fd, SPAN(HANDSHAKE KEY "\r\n"));
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
        TEST(a_close_is_echoed_and_the_connection_ended),
        TEST(the_last_words_come_before_the_close),
        TEST(an_echoed_close_ends_the_connection_at_once),
        TEST(a_mute_client_is_cut_after_the_close),
        TEST(a_client_that_vanishes_is_closed),
        TEST(a_slow_reader_is_told_to_come_back),
        TEST(a_queue_within_its_limit_is_delivered),
        TEST(a_ping_flood_is_cut),
        TEST(silence_is_pinged_and_then_closed),
        TEST(closing_the_server_closes_sockets_with_1012),
        TEST(an_upgrade_while_closing_is_refused),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* Clients that leave, and a process that has run out of something. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/server/http_fixture.h"

#define HOST "Host: a\r\n"
#define GET(path) SPAN("GET " path " HTTP/1.1\r\n" HOST "\r\n")

static struct fixture start(void)
{
    struct http_options options = fixture_options();
    return fixture_start(&options);
}

/* On a connection that stays open. */
static struct answer ask_on(int fd, struct span request)
{
    client_say(fd, request);
    return client_hear(fd, false);
}

static bool eventually(int fd, struct span request, const char *body)
{
    for (int i = 0; i < 100; i++) {
        struct answer a = ask_on(fd, request);
        bool there = a.status == 200 && answer_is(&a, body);
        answer_free(&a);
        if (there) {
            return true;
        }
        usleep(20 * 1000);
    }
    return false;
}

/* --- clients that leave (T2) --- */
static void a_waiting_call_learns_that_its_client_has_left(void)
{
    struct fixture f = start();
    int observer = client_dial(&f);
    int fds[4];
    for (size_t i = 0; i < 4; i++) {
        fds[i] = client_dial(&f);
        client_say(fds[i], GET("/wait"));
    }
    client_say(fds[2], GET("/a")); /* unread, in front of the end */
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":4,\"told\":0}"));
    usleep(100 * 1000); /* five looks at clients that are all there */
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":4,\"told\":0}"));
    close(fds[0]);
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":3,\"told\":1}"));
    client_reset(fds[1]);
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":2,\"told\":2}"));
    close(fds[2]);
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":1,\"told\":3}"));
    CHECK(shutdown(fds[3], SHUT_WR) == 0);
    struct answer a = client_hear(fds[3], false); /* half of it is still there to be answered */
    CHECK(a.status == 200 && answer_is(&a, "{\"gone\":true}"));
    answer_free(&a);
    close(fds[3]);
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":0,\"told\":4}"));
    close(observer);
    CHECK(fixture_stop(&f));
}

static void many_may_leave_at_once(void)
{
    struct fixture f = start();
    int observer = client_dial(&f);
    for (int i = 0; i < 100; i++) {
        int fd = client_dial(&f);
        client_say(fd, GET("/wait"));
        close(fd);
    }
    CHECK(eventually(observer, GET("/waiting"), "{\"waiting\":0,\"told\":100}"));
    close(observer);
    CHECK(fixture_stop(&f));
}

/* --- what every connection and the process have --- */
static void no_connection_delays_small_packets(void)
{
    struct fixture f = start();
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = client_dial(&f);
        struct answer a = ask_on(fds[i], GET("/a"));
        CHECK(a.status == 200);
        answer_free(&a);
    }
    struct answer a = ask_on(fds[0], GET("/usage"));
    CHECK(span_has(text_span(&a.body), SPAN("\"slow\":0,")));
    answer_free(&a);
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    CHECK(fixture_stop(&f));
}

static void freed_memory_stays_with_the_process(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    CHECK(eventually(fd, GET("/heap"), "kept"));
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- descriptors --- */
/* Processor time of the child, in milliseconds. */
static int64_t cpu_ms(const struct fixture *f)
{
    char path[64];
    char line[1024] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)f->child);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fgets(line, sizeof line, file) != NULL && fclose(file) == 0);
    struct span rest = span_str(strrchr(line, ')'));
    int64_t ticks = 0;
    for (int field = 2; field <= 15; field++) {
        int64_t value = 0;
        if (span_to_int(span_cut(&rest, ' '), &value) && field >= 14) {
            ticks += value; /* utime, stime */
        }
    }
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

static int count_in(const char *text, const char *needle)
{
    int n = 0;
    for (const char *at = strstr(text, needle); at != NULL; at = strstr(at + 1, needle)) {
        n++;
    }
    return n;
}

enum { WAITERS = 10 };

static void dial_waiters(const struct fixture *f, int fds[WAITERS])
{
    for (size_t i = 0; i < WAITERS; i++) {
        fds[i] = client_dial(f); /* the system takes it */
        client_say(fds[i], GET("/a"));
    }
}

static bool is_answered(int fd)
{
    struct answer a = client_hear(fd, false);
    answer_free(&a);
    return a.status == 200;
}

static void check_descriptors(int fd, struct span request)
{
    struct answer a = ask_on(fd, request);
    CHECK(a.status == 200);
    answer_free(&a);
}

/* Two of the ten get a descriptor; the others wait, are not refused, and cost nothing. */
static void without_descriptors_connections_wait_and_nobody_else_notices(void)
{
    struct fixture f = start();
    int friend = client_dial(&f);
    check_descriptors(friend, GET("/descriptors/2"));
    int fds[WAITERS];
    dial_waiters(&f, fds);
    CHECK(is_answered(fds[0]) && is_answered(fds[1]));
    int64_t before = cpu_ms(&f);
    uint64_t began = clock_mono_us();
    for (int i = 0; i < 40; i++) {
        uint64_t asked = clock_mono_us();
        check_descriptors(friend, GET("/a"));
        CHECK(clock_mono_us() - asked < UINT64_C(500000));
        usleep(20 * 1000);
    }
    int64_t wall_ms = (int64_t)(clock_mono_us() - began) / 1000;
    CHECK(cpu_ms(&f) - before < wall_ms / 4); /* it does not spin */
    char c = 0;
    CHECK(recv(fds[2], &c, 1, MSG_DONTWAIT) == -1); /* neither answered nor refused */
    CHECK(recv(fds[WAITERS - 1], &c, 1, MSG_DONTWAIT) == -1);
    close(fds[0]);
    close(fds[1]);
    CHECK(is_answered(fds[2]) && is_answered(fds[3])); /* by a connection's end */
    check_descriptors(friend, GET("/descriptors/1000"));
    for (size_t i = 4; i < WAITERS; i++) {
        CHECK(is_answered(fds[i])); /* by the passing of time */
    }
    char *log = fixture_log(&f);
    int said = count_in(log, "\"accept_paused\"");
    CHECK(said >= 1 && said <= 5);
    mem_free(log);
    for (size_t i = 2; i < WAITERS; i++) {
        close(fds[i]);
    }
    close(friend);
    CHECK(fixture_stop(&f));
}

static void a_server_without_descriptors_can_be_stopped(void)
{
    struct fixture f = start();
    int friend = client_dial(&f);
    check_descriptors(friend, GET("/descriptors/0"));
    int fds[WAITERS];
    dial_waiters(&f, fds);
    usleep(150 * 1000);
    CHECK(fixture_stop(&f));
    for (size_t i = 0; i < WAITERS; i++) {
        close(fds[i]);
    }
    close(friend);
}

/* --- nothing stays behind --- */
struct usage {
    int64_t descriptors, bytes;
};

static int64_t number_after(struct span body, const char *name)
{
    const char *at = strstr(body.p, name);
    CHECK(at != NULL);
    return strtoll(at + strlen(name), NULL, 10);
}

static struct usage usage_of(int fd)
{
    struct answer a = ask_on(fd, GET("/usage"));
    CHECK(a.status == 200);
    struct usage u = {number_after(text_span(&a.body), "\"descriptors\":"),
                      number_after(text_span(&a.body), "\"bytes\":")};
    answer_free(&a);
    return u;
}

static struct span hostile_request(int kind)
{
    static const struct span requests[] = {
        SPAN_CONST("GET / HTTP/1.1\r\nHos"),                                         /* slow head */
        SPAN_CONST("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nx"), /* slow body */
        SPAN_CONST("GET /big/3000000 HTTP/1.1\r\nHost: a\r\n\r\n"), /* reads nothing */
        SPAN_CONST("GET /later/20 HTTP/1.1\r\nHost: a\r\n\r\n"),    /* half-closed */
        SPAN_CONST("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"),        /* gone */
        SPAN_CONST("\x16\x03\x01 nonsense\r\n\r\n"),                /* not HTTP */
        SPAN_CONST(""),                                             /* silent */
    };
    return requests[kind % (int)(sizeof requests / sizeof *requests)];
}

/* All kinds of bad clients, then all of them away; returns when the server has noticed. */
static void come_and_go(const struct fixture *f, int observer, int64_t descriptors)
{
    enum { CLIENTS = 105 };
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_dial(f);
        client_say(fds[i], hostile_request(i));
        if (i % 7 == 3) {
            CHECK(shutdown(fds[i], SHUT_WR) == 0);
        }
    }
    usleep(500 * 1000); /* the deadlines pass */
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 2 == 0) {
            client_reset(fds[i]);
        } else {
            close(fds[i]);
        }
    }
    for (int i = 0; i < 100 && usage_of(observer).descriptors != descriptors; i++) {
        usleep(20 * 1000);
    }
}

static void bad_clients_leave_nothing_behind(void)
{
    struct http_options options = fixture_options();
    fixture_timing.head_ms = 150;
    fixture_timing.body_ms = 200;
    fixture_timing.stall_ms = 200;
    struct fixture f = fixture_start(&options);
    int observer = client_dial(&f);
    int64_t descriptors = usage_of(observer).descriptors;
    come_and_go(&f, observer, descriptors); /* fills the pools that libh2o keeps */
    struct usage before = usage_of(observer);
    CHECK(before.descriptors == descriptors);
    for (int i = 0; i < 3; i++) {
        come_and_go(&f, observer, descriptors);
    }
    struct usage after = usage_of(observer);
    CHECK(after.descriptors == descriptors);
    CHECK(after.bytes - before.bytes < INT64_C(300000)); /* of more than 100 MB */
    close(observer);
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_waiting_call_learns_that_its_client_has_left),
        TEST(many_may_leave_at_once),
        TEST(no_connection_delays_small_packets),
        TEST(freed_memory_stays_with_the_process),
        TEST(without_descriptors_connections_wait_and_nobody_else_notices),
        TEST(a_server_without_descriptors_can_be_stopped),
        TEST(bad_clients_leave_nothing_behind),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

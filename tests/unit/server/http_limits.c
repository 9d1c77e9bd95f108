/* Too much, too many, too slowly, and the end of the server. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/server/http_fixture.h"

#define HOST "Host: a\r\n"
#define GET(path) SPAN("GET " path " HTTP/1.1\r\n" HOST "\r\n")
#define GET_WITH(path, headers) SPAN("GET " path " HTTP/1.1\r\n" HOST headers "\r\n")

static struct fixture start(void)
{
    struct http_options options = fixture_options();
    return fixture_start(&options);
}

static struct answer ask(const struct fixture *f, struct span bytes)
{
    int fd = client_dial(f);
    client_say(fd, bytes);
    struct answer a = client_hear(fd, false);
    close(fd);
    return a;
}

static bool has(const struct answer *a, const char *needle)
{
    return span_has(text_span(&a->body), span_str(needle));
}

/* --- limits --- */
static void check_closed_with(const struct fixture *f, struct span request, int status)
{
    int fd = client_dial(f);
    client_say(fd, request);
    struct answer a = client_hear(fd, false);
    CHECK(a.status == status);
    CHECK(answer_has(&a, "connection: close"));
    answer_free(&a);
    CHECK(client_is_closed(fd, 1000));
    close(fd);
}

static void bad_heads_are_refused_and_the_connection_closed(void)
{
    struct fixture f = start();
    check_closed_with(&f, SPAN("GET / HTTP/1.1\r\n\r\n"), 400);
    check_closed_with(&f, SPAN("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400);
    check_closed_with(&f, SPAN("GET / HTTP/1.1\nHost: a\n\n"), 400);
    check_closed_with(&f, SPAN("GET / HTTP/1.9\r\n" HOST "\r\n"), 400);
    check_closed_with(&f, SPAN("GET / HTTP/1.1\r\n" HOST "X-A: a\r\n b\r\n\r\n"), 400);
    check_closed_with(&f,
                      SPAN("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n0\r\n\r\n"),
                      411);
    check_closed_with(&f,
                      SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                           "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"),
                      400);
    check_closed_with(&f,
                      SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n"
                           "Content-Length: 44\r\n\r\n"
                           "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"),
                      400);
    char *log = fixture_log(&f);
    CHECK(strstr(log, "smuggled") == NULL);
    mem_free(log);
    CHECK(fixture_stop(&f));
}

static void http2_is_not_spoken(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 400);
    answer_free(&a);
    CHECK(client_is_closed(fd, 1000));
    close(fd);
    struct answer h2c =
        ask(&f, GET_WITH("/a", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                               "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"));
    CHECK(h2c.status == 200 && has(&h2c, "\"upgrade\":false"));
    answer_free(&h2c);
    CHECK(fixture_stop(&f));
}

static struct text padded(struct span before, size_t n, struct span after)
{
    struct text t = TEXT(4194304);
    text_add(&t, before);
    char *p = text_reserve(&t, n);
    CHECK(p != NULL);
    memset(p, 'a', n);
    t.n += n;
    text_add(&t, after);
    CHECK(!t.overflowed);
    return t;
}

static void sizes_are_limited(void)
{
    struct fixture f = start();
    struct text t = padded(SPAN("GET /"), 16383, SPAN(" HTTP/1.1\r\n" HOST "\r\n"));
    CHECK(client_status(&f, text_span(&t)) == 200);
    text_free(&t);
    t = padded(SPAN("GET /"), 16384, SPAN(" HTTP/1.1\r\n" HOST "\r\n"));
    check_closed_with(&f, text_span(&t), 414);
    text_free(&t);
    t = padded(SPAN("GET / HTTP/1.1\r\n" HOST "X-A: "), 66560, SPAN("\r\n\r\n"));
    check_closed_with(&f, text_span(&t), 431);
    text_free(&t);
    t = padded(SPAN("POST /body HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n"), 1048576,
               SPAN(""));
    CHECK(client_status(&f, text_span(&t)) == 200);
    text_free(&t);
    check_closed_with(&f, SPAN("POST /body HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n"),
                      413);
    check_closed_with(&f,
                      SPAN("POST /body HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                           "Content-Length: 1048577\r\n\r\n"),
                      413);
    CHECK(fixture_stop(&f));
}

static bool maps_a_file_in_tmp(const struct fixture *f)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)f->child);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char line[4096];
    bool found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        found = found || strstr(line, "/tmp/h2o.") != NULL;
    }
    CHECK(fclose(file) == 0);
    return found;
}

/* As libh2o would do with more than 32 MiB; there may be no /tmp to write to. */
static void a_large_body_stays_in_memory(void)
{
    struct http_options options = fixture_options();
    options.body_max = (size_t)64 * 1024 * 1024;
    struct fixture f = fixture_start(&options);
    int fd = client_dial(&f);
    client_say(fd, SPAN("POST /body HTTP/1.1\r\n" HOST "Content-Length: 41943041\r\n\r\n"));
    struct text t = padded(SPAN(""), 1048576, SPAN(""));
    for (int i = 0; i < 40; i++) {
        CHECK(client_try(fd, text_span(&t)));
    }
    usleep(50 * 1000);
    CHECK(!maps_a_file_in_tmp(&f));
    client_say(fd, SPAN("."));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200 && a.body.n == 41943041 && a.body.p[a.body.n - 1] == '.');
    answer_free(&a);
    text_free(&t);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void paths_are_refused_before_they_are_calls(void)
{
    struct fixture f = start();
    CHECK(client_status(&f, GET("/a%2Fb")) == 400);
    CHECK(client_status(&f, GET("/../etc/passwd")) == 400);
    CHECK(client_status(&f, GET("/%2e%2e/etc")) == 400);
    CHECK(client_status(&f, GET("/a%00")) == 400);
    CHECK(client_status(&f, GET("http://a/api")) == 400);
    CHECK(client_status(&f, GET("/1/2/3/4/5/6/7/8/9/10/11/12/13")) == 404);
    CHECK(fixture_stop(&f));
}

static void over_the_cap_connections_wait(void)
{
    struct http_options options = fixture_options();
    options.connections_max = 2;
    struct fixture f = fixture_start(&options);
    int first = client_dial(&f);
    int second = client_dial(&f);
    client_say(first, GET("/a"));
    client_say(second, GET("/a"));
    struct answer a = client_hear(first, false);
    struct answer b = client_hear(second, false);
    CHECK(a.status == 200 && b.status == 200);
    answer_free(&a);
    answer_free(&b);
    int third = client_dial(&f); /* the system takes it; the server does not */
    int fourth = client_dial(&f);
    client_say(third, GET("/a"));
    client_say(fourth, GET("/a"));
    char c = 0;
    usleep(100 * 1000);
    CHECK(recv(third, &c, 1, MSG_DONTWAIT) == -1);
    close(first);
    a = client_hear(third, false);
    CHECK(a.status == 200);
    answer_free(&a);
    close(second);
    b = client_hear(fourth, false);
    CHECK(b.status == 200);
    answer_free(&b);
    close(third);
    close(fourth);
    CHECK(fixture_stop(&f));
}

/* --- time --- */
static void slow_heads_and_bodies_are_cut(void)
{
    struct http_options options = fixture_options();
    fixture_timing.head_ms = 150;
    fixture_timing.body_ms = 400;
    struct fixture f = fixture_start(&options);
    int head = client_dial(&f);
    int body = client_dial(&f);
    int idle = client_dial(&f);
    client_say(head, SPAN("GET / HTTP/1.1\r\nHos"));
    client_say(body, SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n"));
    for (int i = 0; i < 3; i++) { /* bytes do not restart the clock */
        usleep(80 * 1000);
        client_say(head, SPAN("t"));
        client_say(body, SPAN("t"));
    }
    CHECK(client_is_closed(head, 100));
    CHECK(!client_is_closed(body, 0));
    CHECK(client_is_closed(body, 500));
    CHECK(!client_is_closed(idle, 0));
    client_say(idle, GET("/later/600")); /* a call may take its time */
    struct answer a = client_hear(idle, false);
    CHECK(a.status == 200);
    answer_free(&a);
    close(head);
    close(body);
    close(idle);
    CHECK(fixture_stop(&f));
}

static void idle_connections_end_after_keep_alive(void)
{
    struct http_options options = fixture_options();
    options.keep_alive_ms = 200;
    struct fixture f = fixture_start(&options);
    int fd = client_dial(&f);
    client_say(fd, GET("/a"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200);
    answer_free(&a);
    CHECK(!client_is_closed(fd, 50));
    CHECK(client_is_closed(fd, 1000));
    close(fd);
    CHECK(fixture_stop(&f));
}

/* It reads nothing of 20 MB, which no socket buffer holds. */
static void a_client_that_does_not_read_is_cut(void)
{
    struct http_options options = fixture_options();
    fixture_timing.stall_ms = 200;
    struct fixture f = fixture_start(&options);
    int fd = client_dial(&f);
    client_say(fd, GET("/big/20000000"));
    usleep(600 * 1000);
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 0);
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_big_answer_arrives_whole(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET("/big/20000000"));
    CHECK(a.status == 200 && a.body.n == 20000000);
    CHECK(a.body.p[0] == 'x' && a.body.p[a.body.n - 1] == 'x');
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

/* --- log --- */
static void each_request_is_logged_once_without_secrets(void)
{
    struct fixture f = start();
    CHECK(client_status(&f, GET_WITH("/status/404?token=SECRET",
                                     "Authorization: Bearer SECRET\r\nX-Request-Id: id1\r\n")) ==
          404);
    CHECK(client_status(&f, SPAN("POST /p?token=SECRET HTTP/1.1\r\n" HOST
                                 "Content-Length: 99999999\r\n\r\n")) == 413);
    int log_fd = dup(f.log);
    CHECK(fixture_stop(&f));
    f.log = log_fd;
    char *log = fixture_log(&f);
    CHECK(strstr(log, "SECRET") == NULL);
    CHECK(
        strstr(log,
               "\"method\":\"GET\",\"path\":\"/status/404\",\"status\":404,\"bytes\":2,\"us\":") !=
        NULL);
    CHECK(strstr(log, "\"request_id\":\"id1\",\"client\":\"127.0.0.1\"") != NULL);
    CHECK(strstr(log, "\"method\":\"POST\",\"path\":\"/p\",\"status\":413,") != NULL);
    const char *first = strstr(log, "\"event\":\"request\"");
    const char *second = first == NULL ? NULL : strstr(first + 1, "\"event\":\"request\"");
    CHECK(second != NULL && strstr(second + 1, "\"event\":\"request\"") == NULL);
    mem_free(log);
    close(log_fd);
}

/* libh2o's own clock stands still within a turn of the loop (T12). */
static void the_log_tells_how_long_a_handler_took(void)
{
    struct fixture f = start();
    CHECK(client_status(&f, GET("/busy/30")) == 200);
    int log_fd = dup(f.log);
    CHECK(fixture_stop(&f));
    f.log = log_fd;
    char *log = fixture_log(&f);
    const char *us = strstr(log, "\"us\":");
    CHECK(us != NULL && strtol(us + 5, NULL, 10) >= 30000);
    mem_free(log);
    close(log_fd);
}

/* libh2o says nothing of these to anybody; a good request before them, and an interim answer, are
 * not mistaken for one. */
static void what_cannot_be_parsed_is_logged_too(void)
{
    struct fixture f = start();
    CHECK(client_status(&f, SPAN("nonsense\r\n\r\n")) == 400);
    int fd = client_dial(&f);
    client_say(fd, GET("/a"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200);
    answer_free(&a);
    client_say(fd, SPAN("GET / HTTP/1.1 nonsense\r\n\r\n"));
    a = client_hear(fd, false);
    CHECK(a.status == 400);
    answer_free(&a);
    close(fd);
    fd = client_dial(&f);
    client_say(fd, SPAN("POST /body HTTP/1.1\r\n" HOST
                        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    char interim[25];
    CHECK(client_read(fd, interim, sizeof interim));
    close(fd);
    int log_fd = dup(f.log);
    CHECK(fixture_stop(&f));
    f.log = log_fd;
    char *log = fixture_log(&f);
    int raw = 0;
    for (const char *at = strstr(log, "\"status\":400"); at != NULL;
         at = strstr(at + 1, "\"status\":400")) {
        raw++;
    }
    CHECK(raw == 2);
    CHECK(strstr(log, "\"method\":null,\"status\":400,\"received\":12,\"client\":\"127.0.0.1\"") !=
          NULL);
    CHECK(strstr(log, "\"path\":\"/a\",\"status\":200") != NULL);
    mem_free(log);
    close(log_fd);
}

/* --- the end --- */
static uint64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

static void a_taken_port_is_unavailable(void)
{
    struct fixture f = start();
    struct http_options options = fixture_options();
    options.port = f.port;
    uv_loop_t loop;
    struct http *h = NULL;
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(http_open(&h, &loop, &options) == ERR_UNAVAILABLE && h == NULL);
    options.host = "256.1.1.1";
    CHECK(http_open(&h, &loop, &options) == ERR_UNAVAILABLE && h == NULL);
    options = fixture_options();
    options.port = 65536;
    CHECK(http_open(&h, &loop, &options) == ERR_UNAVAILABLE && h == NULL);
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&loop) == 0);
    CHECK(fixture_stop(&f));
}

static void closing_ends_idle_connections_and_waits_for_calls(void)
{
    struct fixture f = start();
    int idle = client_dial(&f);
    client_say(idle, GET("/a"));
    struct answer a = client_hear(idle, false);
    CHECK(a.status == 200);
    answer_free(&a);
    int silent = client_dial(&f);
    int busy = client_dial(&f);
    client_say(busy, GET("/later/300"));
    usleep(50 * 1000);
    uint64_t begin = now_ms();
    fixture_signal(&f);
    CHECK(client_is_closed(idle, 200));
    CHECK(client_is_closed(silent, 200));
    a = client_hear(busy, false);
    CHECK(a.status == 200 && answer_has(&a, "connection: close"));
    answer_free(&a);
    CHECK(client_is_closed(busy, 200));
    CHECK(fixture_wait(&f)); /* without any help from the clients */
    CHECK(now_ms() - begin < FIXTURE_DEADLINE_MS);
    close(idle);
    close(silent);
    close(busy);
}

static void a_call_that_outlives_the_server_is_answered_503(void)
{
    struct fixture f = start();
    int get = client_dial(&f);
    int post = client_dial(&f);
    int gone = client_dial(&f);
    client_say(get, GET("/hold"));
    /* larger than the buffers libh2o recycles, so that a sanitizer sees it freed */
    struct text t = padded(SPAN("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 20001\r\n\r\n"),
                           20000, SPAN("."));
    client_say(post, text_span(&t));
    text_free(&t);
    client_say(gone, GET("/hold"));
    usleep(50 * 1000);
    client_reset(gone);
    fixture_signal(&f);
    struct answer a = client_hear(get, false);
    struct answer b = client_hear(post, false);
    CHECK(a.status == 503 && answer_is(&a, "{\"detail\":\"The server is shutting down\"}"));
    CHECK(b.status == 503);
    answer_free(&a);
    answer_free(&b);
    close(get);
    close(post);
    CHECK(fixture_wait(&f));
}

static void closing_cuts_what_hangs(void)
{
    struct fixture f = start();
    int head = client_dial(&f);
    int body = client_dial(&f);
    int deaf = client_dial(&f);
    client_say(head, SPAN("GET / HT"));
    client_say(body, SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n123"));
    client_say(deaf, GET("/big/20000000"));
    usleep(50 * 1000);
    uint64_t begin = now_ms();
    fixture_signal(&f);
    CHECK(fixture_wait(&f));
    CHECK(now_ms() - begin < 3000);
    CHECK(client_is_closed(head, 0));
    CHECK(client_is_closed(body, 0));
    close(head);
    close(body);
    close(deaf);
}

static void an_idle_server_closes_at_once(void)
{
    struct fixture f = start();
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(bad_heads_are_refused_and_the_connection_closed),
        TEST(http2_is_not_spoken),
        TEST(sizes_are_limited),
        TEST(a_large_body_stays_in_memory),
        TEST(paths_are_refused_before_they_are_calls),
        TEST(over_the_cap_connections_wait),
        TEST(slow_heads_and_bodies_are_cut),
        TEST(idle_connections_end_after_keep_alive),
        TEST(a_client_that_does_not_read_is_cut),
        TEST(a_big_answer_arrives_whole),
        TEST(each_request_is_logged_once_without_secrets),
        TEST(the_log_tells_how_long_a_handler_took),
        TEST(what_cannot_be_parsed_is_logged_too),
        TEST(a_taken_port_is_unavailable),
        TEST(closing_ends_idle_connections_and_waits_for_calls),
        TEST(a_call_that_outlives_the_server_is_answered_503),
        TEST(closing_cuts_what_hangs),
        TEST(an_idle_server_closes_at_once),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

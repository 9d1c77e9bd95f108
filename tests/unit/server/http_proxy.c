/* Behind a proxy: whom a request is from, and whether it came by https. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_fixture.h"

#define GET_WITH(headers) SPAN("GET /a HTTP/1.1\r\nHost: a\r\n" headers "\r\n")
#define HSTS "strict-transport-security: max-age=31536000; includesubdomains"

static struct fixture start(const struct span *proxies, size_t count)
{
    struct http_options options = fixture_options();
    options.proxies = proxies;
    options.proxy_count = count;
    return fixture_start(&options);
}

static struct fixture start_behind_proxy(void)
{
    static const struct span proxies[] = {{"10.0.0.0/8", 10}, {"127.0.0.1", 9}};
    return start(proxies, 2);
}

static struct answer ask(const struct fixture *f, struct span bytes)
{
    int fd = client_dial(f);
    client_say(fd, bytes);
    struct answer a = client_hear(fd, false);
    close(fd);
    return a;
}

static bool names(const struct answer *a, const char *client, bool is_https)
{
    struct text wanted = TEXT(1000);
    text_addf(&wanted, "\"peer\":\"127.0.0.1\",\"client\":\"%s\",\"https\":%s,", client,
              is_https ? "true" : "false");
    bool found = span_has(text_span(&a->body), text_span(&wanted));
    text_free(&wanted);
    return found;
}

static void a_trusted_proxy_is_believed(void)
{
    struct fixture f = start_behind_proxy();
    struct answer a = ask(&f, GET_WITH("X-Forwarded-For: 6.6.6.6, 198.51.100.1, 10.1.1.1\r\n"
                                       "X-Forwarded-Proto: https\r\n"));
    CHECK(a.status == 200 && names(&a, "198.51.100.1", true) && answer_has(&a, HSTS));
    answer_free(&a);
    a = ask(&f, GET_WITH("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\n"));
    CHECK(names(&a, "198.51.100.1", false) && !answer_has(&a, HSTS));
    answer_free(&a);
    a = ask(&f, GET_WITH(""));
    CHECK(names(&a, "127.0.0.1", false) && !answer_has(&a, HSTS));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

/* What a client sends is left of what the proxy adds, also on a line of its own. */
static void lines_are_read_as_one_list(void)
{
    struct fixture f = start_behind_proxy();
    struct answer a = ask(&f, GET_WITH("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"
                                       "X-Forwarded-For: 198.51.100.1\r\n"
                                       "X-Forwarded-Proto: http\r\n"));
    CHECK(names(&a, "198.51.100.1", false));
    answer_free(&a);
    a = ask(&f, GET_WITH("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 10.0.0.3\r\n"
                         "x-forwarded-for: 10.0.0.2\r\n"));
    CHECK(names(&a, "198.51.100.1", false));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void a_stranger_is_not_believed(void)
{
    static const struct span proxies[] = {{"10.0.0.0/8", 10}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f = start(proxies, i);
        struct answer a =
            ask(&f, GET_WITH("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n"));
        CHECK(a.status == 200 && names(&a, "127.0.0.1", false) && !answer_has(&a, HSTS));
        answer_free(&a);
        CHECK(fixture_stop(&f));
    }
}

static void junk_breaks_nothing(void)
{
    struct fixture f = start_behind_proxy();
    struct text t = TEXT(100000);
    text_add(&t, SPAN("GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1"));
    for (int i = 0; i < 5000; i++) {
        text_add(&t, SPAN(",10.0.0.1"));
    }
    text_add(&t, SPAN("\r\n"));
    for (int i = 0; i < 40; i++) {
        text_add(&t, SPAN("X-Forwarded-For: ,,[\xFF:\r\nX-Forwarded-Proto: \t,;\r\n"));
    }
    text_add(&t, SPAN("\r\n"));
    struct answer a = ask(&f, text_span(&t));
    CHECK(a.status == 200 && names(&a, "127.0.0.1", false));
    answer_free(&a);
    text_free(&t);
    CHECK(fixture_stop(&f));
}

/* libh2o answers the second and the third by itself. */
static void every_answer_over_https_has_hsts_and_the_log_the_client(void)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /%00 HTTP/1.1\r\nHost: a\r\n", 400},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n", 413},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: miracles\r\n", 417},
    };
    struct fixture f = start_behind_proxy();
    struct text t = TEXT(1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].request);
        text_clear(&t);
        text_addf(&t, "%sX-Forwarded-Proto: https\r\nX-Forwarded-For: 198.51.100.%zu\r\n\r\n",
                  cases[i].request, i);
        struct answer a = ask(&f, text_span(&t));
        CHECK(a.status == cases[i].status && answer_has(&a, HSTS));
        answer_free(&a);
    }
    text_free(&t);
    int log_fd = dup(f.log);
    CHECK(fixture_stop(&f));
    f.log = log_fd;
    char *log = fixture_log(&f);
    CHECK(strstr(log, "\"client\":\"198.51.100.0\"") != NULL);
    CHECK(strstr(log, "\"client\":\"198.51.100.1\"") != NULL);
    CHECK(strstr(log, "\"client\":\"198.51.100.2\"") != NULL);
    mem_free(log);
    close(log_fd);
}

static void what_is_no_proxy_ends_the_start(void)
{
    static const struct span bad[] = {{"private", 7}, {"example.com", 11}};
    struct http_options options = fixture_options();
    options.proxies = bad;
    options.proxy_count = 2;
    uv_loop_t loop;
    struct http *h = NULL;
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(http_open(&h, &loop, &options) == ERR_INVALID && h == NULL);
    CHECK(uv_loop_close(&loop) == 0);
}

/* A listener for both kinds of addresses shows the older kind as what it is. */
static void an_ipv4_peer_of_an_ipv6_listener_has_its_short_name(void)
{
    struct http_options options = fixture_options();
    options.host = "::";
    struct fixture f = fixture_start(&options);
    struct answer a = ask(&f, GET_WITH(""));
    CHECK(a.status == 200 && names(&a, "127.0.0.1", false));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_trusted_proxy_is_believed),
        TEST(lines_are_read_as_one_list),
        TEST(a_stranger_is_not_believed),
        TEST(junk_breaks_nothing),
        TEST(every_answer_over_https_has_hsts_and_the_log_the_client),
        TEST(what_is_no_proxy_ends_the_start),
        TEST(an_ipv4_peer_of_an_ipv6_listener_has_its_short_name),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* Requests and answers: what a call carries, what every answer carries, and what becomes of a
 * connection between them. */
#include <sys/socket.h>
#include <unistd.h>

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

/* --- calls --- */
static void a_call_carries_the_request(void)
{
    struct fixture f = start();
    struct answer a =
        ask(&f, SPAN("POST /api/a%20b/?c=d%20e&f HTTP/1.1\r\n" HOST
                     "Authorization: Bearer abc  \t\r\nContent-Type:  application/json \r\n"
                     "Origin: http://x\r\nACCEPT: text/html\r\nX-Custom: \t1 2\t\r\n"
                     "Content-Length: 4\r\n\r\nbody"));
    CHECK(a.status == 200);
    CHECK(answer_is(&a, "{\"method\":\"POST\",\"path\":\"/api/a%20b/\",\"query\":\"c=d%20e&f\","
                        "\"body\":\"body\",\"authorization\":\"Bearer abc\",\"repeated\":false,"
                        "\"origin\":\"http://x\",\"type\":\"application/json\","
                        "\"peer\":\"127.0.0.1\",\"client\":\"127.0.0.1\",\"https\":false,"
                        "\"accept\":\"text/html\",\"custom\":\"1 2\","
                        "\"upgrade\":false,\"segments\":[\"api\",\"a b\",\"\"]}"));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void what_is_absent_is_null(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET("/"));
    CHECK(answer_is(&a, "{\"method\":\"GET\",\"path\":\"/\",\"query\":null,\"body\":\"\","
                        "\"authorization\":null,\"repeated\":false,\"origin\":null,\"type\":null,"
                        "\"peer\":\"127.0.0.1\",\"client\":\"127.0.0.1\",\"https\":false,"
                        "\"accept\":null,\"custom\":null,"
                        "\"upgrade\":false,\"segments\":[]}"));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void two_authorizations_are_flagged(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET_WITH("/a", "Authorization: a\r\nauthorization: b\r\n"));
    CHECK(a.status == 200 && has(&a, "\"repeated\":true"));
    answer_free(&a);
    a = ask(&f, GET_WITH("/a", "Authorization: a\r\nAuthorization: b\r\nAuthorization: c\r\n"));
    CHECK(a.status == 200 && has(&a, "\"repeated\":true"));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

/* --- headers --- */
static void every_answer_carries_the_common_headers(void)
{
    struct fixture f = start();
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /a HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n\r\n", 200},
        {"GET /status/401 HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n\r\n", 401},
        {"GET /%00 HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n\r\n", 400},
        {"GET /a HTTP/1.1\r\nOrigin: http://localhost:3000\r\n\r\n", 400},
        {"POST /a HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n"
         "Content-Length: 9999999999\r\n\r\n",
         413},
        {"POST /a HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n"
         "Content-Length: x\r\n\r\n",
         400},
        {"POST /a HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:3000\r\n"
         "Content-Length: 1\r\nExpect: miracles\r\n\r\n",
         417},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].request);
        struct answer a = ask(&f, span_str(cases[i].request));
        CHECK(a.status == cases[i].status);
        CHECK(answer_has(&a, "content-type: application/json"));
        CHECK(answer_has(&a, "x-content-type-options: nosniff"));
        CHECK(answer_has(&a, "x-frame-options: deny"));
        CHECK(answer_has(&a, "referrer-policy: no-referrer"));
        CHECK(answer_has(&a, "cache-control: no-store"));
        CHECK(
            answer_has(&a, "content-security-policy: default-src 'none'; frame-ancestors 'none'"));
        CHECK(strstr(a.head.p, "strict-transport-security") == NULL);
        CHECK(answer_has(&a, "access-control-allow-origin: http://localhost:3000"));
        CHECK(answer_has(&a, "access-control-allow-credentials: true"));
        CHECK(answer_has(&a, "vary: origin"));
        CHECK(strstr(a.head.p, "\r\nx-request-id: ") != NULL);
        CHECK(strstr(a.head.p, "\r\nserver:") == NULL);
        CHECK(a.status == 200 || a.status == 401 ||
              span_starts(text_span(&a.body), SPAN("{\"detail\":\"")));
        answer_free(&a);
    }
    CHECK(fixture_stop(&f));
}

static void other_origins_get_no_cors_headers(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET_WITH("/a", "Origin: http://evil.example\r\n"));
    CHECK(a.status == 200 && strstr(a.head.p, "access-control") == NULL);
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void preflights_are_answered_here(void)
{
    struct fixture f = start();
    struct answer a =
        ask(&f, SPAN("OPTIONS /api/notebooks HTTP/1.1\r\n" HOST "Origin: http://localhost:3000\r\n"
                     "Access-Control-Request-Method: PUT\r\n"
                     "Access-Control-Request-Headers: authorization,x-a\r\n\r\n"));
    CHECK(a.status == 200 && answer_is(&a, "OK"));
    CHECK(answer_has(&a, "content-type: text/plain; charset=utf-8"));
    CHECK(answer_has(&a, "access-control-allow-origin: http://localhost:3000"));
    CHECK(answer_has(&a, "access-control-allow-credentials: true"));
    CHECK(answer_has(&a,
                     "access-control-allow-methods: delete, get, head, options, patch, post, put"));
    CHECK(answer_has(&a, "access-control-allow-headers: authorization,x-a"));
    CHECK(answer_has(&a, "access-control-max-age: 600"));
    CHECK(answer_has(&a, "vary: origin"));
    answer_free(&a);
    a = ask(&f, SPAN("OPTIONS /api/notebooks HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n"
                     "Access-Control-Request-Method: PUT\r\n\r\n"));
    CHECK(a.status == 400 && answer_is(&a, "Disallowed CORS origin"));
    CHECK(strstr(a.head.p, "allow-origin") == NULL);
    answer_free(&a);
    a = ask(&f, SPAN("OPTIONS /a HTTP/1.1\r\n" HOST "\r\n"));
    CHECK(a.status == 200 && has(&a, "\"method\":\"OPTIONS\"")); /* not a preflight: a call */
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void a_good_request_id_is_kept_and_a_bad_one_replaced(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET_WITH("/a", "X-Request-Id: abc-1.2_3\r\n"));
    CHECK(answer_has(&a, "x-request-id: abc-1.2_3"));
    answer_free(&a);
    static const char *const bad[] = {
        "", "a b", "a\"b", "\xC3\xBC",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_case(bad[i]);
        struct text t = TEXT(1000);
        text_addf(&t, "GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n", bad[i]);
        a = ask(&f, text_span(&t));
        CHECK(a.status == 200);
        const char *id = strstr(a.head.p, "x-request-id: ");
        CHECK(id != NULL && strcspn(id + 14, "\r") == 29);
        answer_free(&a);
        text_free(&t);
    }
    CHECK(fixture_stop(&f));
}

static void a_reply_cannot_split_the_response(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET("/headers"));
    CHECK(a.status == 201);
    CHECK(answer_has(&a, "x-one: 1") && answer_has(&a, "x-three: 3"));
    CHECK(strstr(a.head.p, "x-two") == NULL && strstr(a.head.p, "x-evil") == NULL);
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void a_replys_own_header_takes_the_common_ones_place(void)
{
    struct fixture f = start();
    struct answer a = ask(&f, GET("/own"));
    CHECK(a.status == 200);
    CHECK(answer_has(&a, "cache-control: no-cache") &&
          answer_has(&a, "content-security-policy: own"));
    CHECK(strstr(a.head.p, "no-store") == NULL && strstr(a.head.p, "default-src") == NULL);
    CHECK(answer_has(&a, "x-content-type-options: nosniff"));
    answer_free(&a);
    CHECK(fixture_stop(&f));
}

static void options_of_everything_is_answered_here(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 204 && strstr(a.head.p, "content-length") == NULL);
    CHECK(answer_has(&a, "allow: delete, get, head, options, patch, post, put"));
    answer_free(&a);
    client_say(fd, SPAN("GET * HTTP/1.1\r\n" HOST "\r\n")); /* the connection goes on */
    a = client_hear(fd, false);
    CHECK(a.status == 400);
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- keep-alive, pipelining, pieces --- */
static void statuses_keep_the_connection(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    static const int statuses[] = {200, 201, 204, 304, 307, 400, 404, 409, 422, 500, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct text t = TEXT(1000);
        text_addf(&t, "GET /status/%d HTTP/1.1\r\nHost: a\r\n\r\n", statuses[i]);
        client_say(fd, text_span(&t));
        struct answer a = client_hear(fd, false);
        CHECK(a.status == statuses[i]);
        CHECK(answer_has(&a, "connection: keep-alive"));
        answer_free(&a);
        text_free(&t);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void head_has_the_length_and_no_body(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("HEAD /big/1000 HTTP/1.1\r\n" HOST "\r\n"));
    struct answer a = client_hear(fd, true);
    CHECK(a.status == 200 && answer_has(&a, "content-length: 1000"));
    answer_free(&a);
    client_say(fd, SPAN("HEAD /%00 HTTP/1.1\r\n" HOST "\r\n"));
    a = client_hear(fd, true);
    CHECK(a.status == 400);
    answer_free(&a);
    client_say(fd, GET("/counts"));
    a = client_hear(fd, false);
    CHECK(a.status == 200 && answer_is(&a, "{\"opened\":0,\"closed\":0}"));
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void pipelined_requests_are_answered_in_order(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("GET /later/50 HTTP/1.1\r\n" HOST "\r\n"
                        "POST /body HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nfirst"
                        "GET /status/404 HTTP/1.1\r\n" HOST "\r\n"
                        "POST /body HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nsecond"));
    static const char *const bodies[] = {"{\"late\":true}", "first", "{}", "second"};
    for (size_t i = 0; i < 4; i++) {
        struct answer a = client_hear(fd, false);
        CHECK(a.status == (i == 2 ? 404 : 200));
        CHECK(answer_is(&a, bodies[i]));
        answer_free(&a);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_request_may_come_byte_by_byte(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    struct span bytes = SPAN("POST /body HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
                             "GET /a HTTP/1.1\r\n" HOST "\r\n");
    for (size_t i = 0; i < bytes.n; i++) {
        client_say(fd, span_sub(bytes, i, 1));
        usleep(500);
    }
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200 && answer_is(&a, "hello"));
    answer_free(&a);
    a = client_hear(fd, false);
    CHECK(a.status == 200 && has(&a, "\"path\":\"/a\""));
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

static void a_half_closed_client_still_gets_its_answer(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, GET("/later/50"));
    CHECK(shutdown(fd, SHUT_WR) == 0);
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200 && answer_is(&a, "{\"late\":true}"));
    answer_free(&a);
    CHECK(client_is_closed(fd, 1000));
    close(fd);
    CHECK(fixture_stop(&f));
}

static void expect_continue_is_honoured(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    client_say(fd, SPAN("POST /body HTTP/1.1\r\n" HOST
                        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    char interim[25];
    CHECK(client_read(fd, interim, sizeof interim));
    CHECK(memcmp(interim, "HTTP/1.1 100 Continue\r\n\r\n", sizeof interim) == 0);
    client_say(fd, SPAN("hello"));
    struct answer a = client_hear(fd, false);
    CHECK(a.status == 200 && answer_is(&a, "hello"));
    answer_free(&a);
    close(fd);
    CHECK(fixture_stop(&f));
}

/* --- abandoned (T1) --- */
static void abandoned_calls_harm_nothing(void)
{
    struct fixture f = start();
    for (int i = 0; i < 20; i++) {
        int fd = client_dial(&f);
        client_say(fd, GET("/later/30"));
        usleep(2000);
        if (i % 2 == 0) {
            client_reset(fd);
        } else {
            close(fd);
        }
    }
    usleep(100 * 1000);
    CHECK(client_status(&f, GET("/a")) == 200);
    CHECK(fixture_stop(&f));
}

static void a_connection_is_reused_after_a_deferred_answer(void)
{
    struct fixture f = start();
    int fd = client_dial(&f);
    for (int i = 0; i < 3; i++) {
        client_say(fd, GET("/later/10"));
        struct answer late = client_hear(fd, false);
        CHECK(late.status == 200 && answer_is(&late, "{\"late\":true}"));
        answer_free(&late);
        client_say(fd, GET("/a"));
        struct answer now = client_hear(fd, false);
        CHECK(now.status == 200 && has(&now, "\"path\":\"/a\""));
        answer_free(&now);
    }
    close(fd);
    CHECK(fixture_stop(&f));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_call_carries_the_request),
        TEST(what_is_absent_is_null),
        TEST(two_authorizations_are_flagged),
        TEST(every_answer_carries_the_common_headers),
        TEST(other_origins_get_no_cors_headers),
        TEST(preflights_are_answered_here),
        TEST(a_good_request_id_is_kept_and_a_bad_one_replaced),
        TEST(a_reply_cannot_split_the_response),
        TEST(a_replys_own_header_takes_the_common_ones_place),
        TEST(options_of_everything_is_answered_here),
        TEST(statuses_keep_the_connection),
        TEST(head_has_the_length_and_no_body),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(a_request_may_come_byte_by_byte),
        TEST(a_half_closed_client_still_gets_its_answer),
        TEST(expect_continue_is_honoured),
        TEST(abandoned_calls_harm_nothing),
        TEST(a_connection_is_reused_after_a_deferred_answer),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

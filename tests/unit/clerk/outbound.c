#include "clerk/outbound.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/server.h"

#define BODY_MAX 1000

struct stage {
    uv_loop_t loop;
    struct server *server;
    struct outbound *outbound;
    char url[64];
    bool closed;
    int calls;
    int canceled;
    enum err err; /* of the last call */
    long status;
    char body[BODY_MAX + 1];
    int more; /* requests to make from inside the callbacks */
};

static struct stage *stage_new(enum server_mood mood, const char *document)
{
    struct stage *s = mem_alloc(sizeof *s);
    CHECK(uv_loop_init(&s->loop) == 0);
    s->server = server_start();
    server_set(s->server, mood, document);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/x", server_port(s->server));
    CHECK(outbound_open(&s->outbound, &s->loop) == OK);
    return s;
}

static void on_closed(void *data)
{
    ((struct stage *)data)->closed = true;
}

static void stage_close(struct stage *s)
{
    outbound_close(s->outbound, on_closed, s);
    CHECK(!s->closed);
    CHECK(uv_run(&s->loop, UV_RUN_DEFAULT) == 0 && s->closed);
    CHECK(uv_loop_close(&s->loop) == 0);
    server_stop(s->server);
}

static enum err get(struct stage *s);

static void on_done(void *data, const struct outbound_reply *reply)
{
    struct stage *s = data;
    CHECK(!s->closed);
    s->calls++;
    s->canceled += reply->err == ERR_CANCELED;
    s->err = reply->err;
    s->status = reply->status;
    CHECK(reply->body.n <= BODY_MAX);
    memcpy(s->body, reply->body.p, reply->body.n);
    s->body[reply->body.n] = '\0';
    CHECK((reply->err == OK || reply->err == ERR_CANCELED) == (reply->problem[0] == '\0'));
    if (s->more > 0) {
        s->more--;
        CHECK(get(s) == OK);
    }
}

static enum err get(struct stage *s)
{
    struct outbound_request request = {.url = s->url, .timeout_ms = 3000, .max_bytes = BODY_MAX};
    return outbound_send(s->outbound, &request, on_done, s);
}

static void wait_for_calls(struct stage *s, int calls)
{
    while (s->calls < calls) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
}

static void an_answer_comes_with_its_status_and_body(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "hello");
    CHECK(get(s) == OK && s->calls == 0);
    wait_for_calls(s, 1);
    CHECK(s->err == OK && s->status == 200 && strcmp(s->body, "hello") == 0);
    server_set(s->server, SERVER_FAILS, "sorry");
    CHECK(get(s) == OK);
    wait_for_calls(s, 2);
    CHECK(s->err == OK && s->status == 500 && strcmp(s->body, "sorry") == 0);
    server_set(s->server, SERVER_REDIRECTS, "");
    CHECK(get(s) == OK);
    wait_for_calls(s, 3);
    CHECK(s->err == OK && s->status == 302 && server_elsewhere_count(s->server) == 0);
    stage_close(s);
    CHECK(s->calls == 3);
    mem_free(s);
}

static void a_body_may_be_as_long_as_its_limit(void)
{
    char body[BODY_MAX + 2];
    memset(body, 'x', sizeof body);
    body[BODY_MAX] = '\0';
    struct stage *s = stage_new(SERVER_SERVES, body);
    CHECK(get(s) == OK);
    wait_for_calls(s, 1);
    CHECK(s->err == OK && strcmp(s->body, body) == 0);
    body[BODY_MAX] = 'x';
    body[BODY_MAX + 1] = '\0';
    CHECK(get(s) == OK);
    wait_for_calls(s, 2);
    CHECK(s->err == ERR_TOO_LARGE);
    server_set(s->server, SERVER_FLOODS, body);
    CHECK(get(s) == OK);
    wait_for_calls(s, 3);
    CHECK(s->err == ERR_TOO_LARGE);
    stage_close(s);
    mem_free(s);
}

static void pending_requests_are_bounded_and_all_answered(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "x");
    for (int i = 0; i < OUTBOUND_PENDING_MAX; i++) {
        CHECK(get(s) == OK);
    }
    CHECK(get(s) == ERR_LIMIT);
    wait_for_calls(s, OUTBOUND_PENDING_MAX);
    CHECK(server_count(s->server) == OUTBOUND_PENDING_MAX);
    CHECK(get(s) == OK);
    wait_for_calls(s, OUTBOUND_PENDING_MAX + 1);
    stage_close(s);
    CHECK(s->calls == OUTBOUND_PENDING_MAX + 1 && s->canceled == 0);
    mem_free(s);
}

static void closing_cancels_what_is_pending(void)
{
    struct stage *s = stage_new(SERVER_HANGS, "x");
    for (int i = 0; i < OUTBOUND_PENDING_MAX; i++) {
        CHECK(get(s) == OK);
    }
    for (int i = 0; i < 20 && server_count(s->server) == 0; i++) {
        uv_sleep(10);
    }
    CHECK(server_count(s->server) == 1);
    stage_close(s);
    CHECK(s->calls == OUTBOUND_PENDING_MAX && s->canceled == OUTBOUND_PENDING_MAX);
    mem_free(s);
}

static void a_callback_may_ask_again(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "x");
    s->more = 5;
    CHECK(get(s) == OK);
    wait_for_calls(s, 6);
    stage_close(s);
    CHECK(s->calls == 6);
    mem_free(s);
}

static void a_closing_outbound_takes_nothing_more(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "x");
    outbound_close(s->outbound, on_closed, s);
    CHECK(get(s) == ERR_UNAVAILABLE);
    CHECK(uv_run(&s->loop, UV_RUN_DEFAULT) == 0 && s->closed && s->calls == 0);
    CHECK(uv_loop_close(&s->loop) == 0);
    server_stop(s->server);
    mem_free(s);
}

static void a_url_that_is_not_allowed_is_not_asked(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "x");
    struct outbound_request request = {
        .url = "http://clerk.example.com/", .timeout_ms = 1000, .max_bytes = 10};
    CHECK(outbound_send(s->outbound, &request, on_done, s) == ERR_INVALID);
    stage_close(s);
    CHECK(s->calls == 0);
    mem_free(s);
}

/* A proxy of the environment must not see a loopback request. */
static void loopback_goes_past_any_proxy(void)
{
    CHECK(setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
    CHECK(setenv("all_proxy", "http://127.0.0.1:1", 1) == 0);
    struct stage *s = stage_new(SERVER_SERVES, "x");
    CHECK(get(s) == OK);
    wait_for_calls(s, 1);
    CHECK(s->err == OK && s->status == 200);
    stage_close(s);
    mem_free(s);
}

static void a_name_that_does_not_exist_is_unavailable(void)
{
    struct stage *s = stage_new(SERVER_SERVES, "x");
    struct outbound_request request = {
        .url = "https://clerk.invalid/", .timeout_ms = 1000, .max_bytes = 10};
    CHECK(outbound_send(s->outbound, &request, on_done, s) == OK);
    wait_for_calls(s, 1);
    CHECK(s->err == ERR_UNAVAILABLE && s->status == 0);
    stage_close(s);
    mem_free(s);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(an_answer_comes_with_its_status_and_body),
        TEST(a_body_may_be_as_long_as_its_limit),
        TEST(pending_requests_are_bounded_and_all_answered),
        TEST(closing_cancels_what_is_pending),
        TEST(a_callback_may_ask_again),
        TEST(a_closing_outbound_takes_nothing_more),
        TEST(a_url_that_is_not_allowed_is_not_asked),
        TEST(loopback_goes_past_any_proxy),
        TEST(a_name_that_does_not_exist_is_unavailable),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* The Backend API's client against a server on 127.0.0.1. */
#include "base/clock.h"
#include "clerk/gate.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/world.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define SECRET "sk_test_abcdefghijklmnop"
#define USER                                                                                       \
    "{\"id\":\"user_1\",\"first_name\":\"Ada\",\"email_addresses\":[],\"banned\":true,"            \
    "\"updated_at\":1700000000000}"
#define SESSION                                                                                    \
    "{\"id\":\"sess_1\",\"user_id\":\"user_1\",\"status\":\"active\","                             \
    "\"last_active_organization_id\":\"org_1\",\"actor\":{\"sub\":\"user_9\"},"                    \
    "\"expire_at\":1700000000000}"
#define MEMBERSHIP(id)                                                                             \
    "{\"id\":\"" id "\",\"role\":\"org:admin\",\"permissions\":[],\"organization\":"               \
    "{\"id\":\"org_1\",\"name\":\"Acme\"},\"public_user_data\":{\"user_id\":\"user_1\"}}"
#define NOT_FOUND                                                                                  \
    "{\"errors\":[{\"message\":\"not found\",\"long_message\":\"x\","                              \
    "\"code\":\"resource_not_found\"}],\"clerk_trace_id\":\"trace_1\"}"

/* --- asking --- */

struct ask {
    struct world *w;
    int calls;
    enum err err;
    long status;
    int64_t retry_after_s;
    size_t count;
    int64_t total;
    char code[64];
    char trace[64];
    char text[256]; /* what matters of the record */
};

static void keep(char *out, size_t cap, struct span s)
{
    CHECK(s.n < cap);
    (void)snprintf(out, cap, "%.*s", SPAN_ARGS(s));
}

static void add(struct text *out, const char *before, struct span s)
{
    text_add(out, span_str(before));
    text_add(out, s);
}

static void describe(struct text *out, const struct clerk_backend_answer *answer)
{
    if (answer->user != NULL) {
        add(out, "user ", answer->user->id);
        add(out, " ", answer->user->first_name);
        add(out, "", answer->user->banned ? SPAN(" banned") : SPAN(""));
    } else if (answer->session != NULL) {
        add(out, "session ", answer->session->id);
        add(out, " of ", answer->session->user_id);
        add(out, " as ", answer->session->actor_id);
        add(out, " in ", answer->session->organization_id);
        text_addf(out, ": %d", (int)answer->session->status);
    } else if (answer->membership_count > 0) {
        add(out, "last ", answer->memberships[answer->membership_count - 1].id);
    }
}

static void keep_record(struct ask *a, const struct clerk_backend_answer *answer)
{
    struct text text = TEXT(sizeof a->text - 1);
    describe(&text, answer);
    keep(a->text, sizeof a->text, text_span(&text));
    text_free(&text);
}

static void on_answer(void *data, const struct clerk_backend_answer *answer)
{
    struct ask *a = data;
    a->calls++;
    a->err = answer->err;
    a->status = answer->status;
    a->retry_after_s = answer->retry_after_s;
    a->count = answer->membership_count;
    a->total = answer->membership_total;
    keep(a->code, sizeof a->code, answer->code);
    keep(a->trace, sizeof a->trace, answer->trace);
    keep_record(a, answer);
    CHECK(answer->err == OK || (answer->user == NULL && answer->session == NULL &&
                                answer->memberships == NULL && answer->membership_count == 0));
}

static struct ask settle(struct ask *a)
{
    uint64_t start = clock_mono_us();
    while (a->calls == 0) {
        uv_run(&a->w->loop, UV_RUN_ONCE);
        CHECK(clock_mono_us() - start < 5000000);
    }
    return *a;
}

static struct ask get_user(struct world *w, const char *id)
{
    struct ask a = {.w = w};
    CHECK(clerk_user_get(w->clerk, span_str(id), on_answer, &a) == OK && a.calls == 0);
    return settle(&a);
}

static struct world *open_with_secret(char *api_url, size_t cap)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    (void)snprintf(api_url, cap, "http://127.0.0.1:%d/", server_port(w->server));
    options.secret_key = SECRET;
    options.api_url = api_url;
    options.api_timeout_ms = 500;
    world_open_with(w, &options);
    return w;
}

static struct world *open_backend(void)
{
    char url[64];
    return open_with_secret(url, sizeof url); /* the clerk keeps its own copy */
}

static bool was_sent(const struct world *w, const char *what)
{
    return span_has(span_str(server_last(w->server)), span_str(what));
}

/* --- the calls --- */

static void a_user_is_asked_for(void)
{
    struct world *w = open_backend();
    CHECK(clerk_has_backend(w->clerk));
    server_set(w->server, SERVER_SERVES, USER);
    struct ask a = get_user(w, "user_1");
    CHECK(a.err == OK && a.status == 200 && strcmp(a.text, "user user_1 Ada banned") == 0);
    CHECK(was_sent(w, "GET /v1/users/user_1 HTTP/1.1\r\n"));
    CHECK(was_sent(w, "\r\nAuthorization: Bearer " SECRET "\r\n"));
    CHECK(was_sent(w, "\r\nClerk-API-Version: 2026-05-12\r\n"));
    CHECK(was_sent(w, "\r\nUser-Agent: notebookd/"));
    world_close(w);
}

static void a_session_is_asked_for_and_revoked(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    struct ask b = {.w = w};
    server_set(w->server, SERVER_SERVES, SESSION);
    CHECK(clerk_session_get(w->clerk, SPAN("sess_1"), on_answer, &a) == OK);
    (void)settle(&a);
    CHECK(a.err == OK && strcmp(a.text, "session sess_1 of user_1 as user_9 in org_1: 1") == 0);
    CHECK(was_sent(w, "GET /v1/sessions/sess_1 HTTP/1.1\r\n"));
    CHECK(clerk_session_revoke(w->clerk, SPAN("sess_1"), on_answer, &b) == OK);
    (void)settle(&b);
    CHECK(b.err == OK && b.calls == 1);
    CHECK(was_sent(w, "POST /v1/sessions/sess_1/revoke HTTP/1.1\r\n"));
    CHECK(was_sent(w, "\r\nContent-Length: 0\r\n"));
    world_close(w);
}

static void memberships_come_in_pages(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    server_set(
        w->server, SERVER_SERVES,
        "{\"data\":[" MEMBERSHIP("orgmem_1") "," MEMBERSHIP("orgmem_2") "],"
                                                                        "\"total_count\":302}");
    CHECK(clerk_memberships_get(w->clerk, SPAN("user_1"), 300, on_answer, &a) == OK);
    (void)settle(&a);
    CHECK(a.err == OK && a.count == 2 && a.total == 302 && strcmp(a.text, "last orgmem_2") == 0);
    CHECK(was_sent(w, "GET /v1/users/user_1/organization_memberships?limit=100&offset=300 HTTP"));
    server_set(w->server, SERVER_SERVES, "{\"data\":[],\"total_count\":0}");
    a.calls = 0;
    CHECK(clerk_memberships_get(w->clerk, SPAN("user_1"), 0, on_answer, &a) == OK);
    (void)settle(&a);
    CHECK(a.err == OK && a.count == 0 && a.total == 0);
    world_close(w);
}

static void ids_that_cannot_be_ids_are_not_sent(void)
{
    static const char *const ids[] = {"",         "../jwks", "user_1/x", "user 1",
                                      "user_1?x", "%2e",     "user_1#",  "us\r\ner",
                                      "\xC3\xA9", "a.b",     "user_1\\"};
    struct world *w = open_backend();
    struct ask a = {.w = w};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct span id = span_str(ids[i]);
        check_case(ids[i]);
        CHECK(clerk_user_get(w->clerk, id, on_answer, &a) == ERR_INVALID);
        CHECK(clerk_session_get(w->clerk, id, on_answer, &a) == ERR_INVALID);
        CHECK(clerk_session_revoke(w->clerk, id, on_answer, &a) == ERR_INVALID);
        CHECK(clerk_memberships_get(w->clerk, id, 0, on_answer, &a) == ERR_INVALID);
    }
    char longest[130];
    memset(longest, 'x', sizeof longest);
    CHECK(clerk_user_get(w->clerk, span_of(longest, 129), on_answer, &a) == ERR_INVALID);
    CHECK(clerk_user_get(w->clerk, SPAN_NULL, on_answer, &a) == ERR_INVALID);
    CHECK(server_count(w->server) == 0 && a.calls == 0);
    world_close(w);
}

/* --- refusals --- */

static void errors_have_types_and_clerks_words(void)
{
    static const struct {
        const char *status;
        enum err err;
    } cases[] = {
        {"400 Bad Request", ERR_INVALID},      {"401 Unauthorized", ERR_UNAUTHORIZED},
        {"403 Forbidden", ERR_FORBIDDEN},      {"404 Not Found", ERR_NOT_FOUND},
        {"409 Conflict", ERR_INVALID},         {"410 Gone", ERR_NOT_FOUND},
        {"422 Unprocessable", ERR_INVALID},    {"500 Internal", ERR_UNAVAILABLE},
        {"503 Unavailable", ERR_UNAVAILABLE},  {"302 Found", ERR_UNAVAILABLE},
        {"418 I'm a teapot", ERR_UNAVAILABLE},
    };
    struct world *w = open_backend();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].status);
        server_reply(w->server, cases[i].status, "Location: /elsewhere\r\n", NOT_FOUND);
        struct ask a = get_user(w, "user_1");
        CHECK(a.err == cases[i].err && a.status == strtol(cases[i].status, NULL, 10));
        CHECK(strcmp(a.code, "resource_not_found") == 0 && strcmp(a.trace, "trace_1") == 0);
    }
    CHECK(server_elsewhere_count(w->server) == 0);
    world_close(w);
}

static void an_answer_that_cannot_be_read_is_unavailable(void)
{
    struct world *w = open_backend();
    server_set(w->server, SERVER_SERVES, "{\"id\":7}");
    struct ask a = get_user(w, "user_1");
    CHECK(a.err == ERR_UNAVAILABLE && a.status == 200);
    world_close(w);
}

static void a_server_that_misbehaves_is_unavailable(void)
{
    static const enum server_mood moods[] = {SERVER_HANGS,  SERVER_TRICKLES, SERVER_REDIRECTS,
                                             SERVER_FLOODS, SERVER_IS_HUGE,  SERVER_BABBLES,
                                             SERVER_CUTS,   SERVER_HANGS_UP, SERVER_IS_NO_HTTP};
    for (size_t i = 0; i < COUNT(moods); i++) {
        struct world *w = open_backend();
        server_set(w->server, moods[i], USER);
        uint64_t start = clock_mono_us();
        CHECK(get_user(w, "user_1").err == ERR_UNAVAILABLE);
        CHECK(clock_mono_us() - start < 2000000);
        CHECK(server_elsewhere_count(w->server) == 0);
        world_close(w);
    }
}

/* --- limits --- */

static void after_five_failures_clerk_is_left_alone(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    server_set(w->server, SERVER_FAILS, "{}");
    for (int i = 0; i < GATE_FAILURES; i++) {
        CHECK(get_user(w, "user_1").err == ERR_UNAVAILABLE);
    }
    server_set(w->server, SERVER_SERVES, USER);
    for (int i = 0; i < 20; i++) {
        CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_UNAVAILABLE);
    }
    world_pause(w, 20);
    CHECK(a.calls == 0 && server_count(w->server) == GATE_FAILURES);
    world_close(w);
}

static void a_refusal_is_no_failure(void)
{
    struct world *w = open_backend();
    server_reply(w->server, "404 Not Found", "", NOT_FOUND);
    for (int i = 0; i < GATE_FAILURES + 5; i++) {
        CHECK(get_user(w, "user_1").err == ERR_NOT_FOUND);
    }
    world_close(w);
}

static void a_rate_limit_is_obeyed(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    server_reply(w->server, "429 Too Many Requests", "Retry-After: 2\r\n",
                 "{\"errors\":[{\"code\":\"too_many_requests\"}]}");
    a = get_user(w, "user_1");
    CHECK(a.err == ERR_LIMIT && a.retry_after_s == 2 && strcmp(a.code, "too_many_requests") == 0);
    server_set(w->server, SERVER_SERVES, USER);
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_LIMIT);
    world_pause(w, 1500);
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_LIMIT);
    CHECK(server_count(w->server) == 1);
    world_pause(w, 700);
    CHECK(get_user(w, "user_1").err == OK && server_count(w->server) == 2);
    world_close(w);
}

static void calls_under_way_are_bounded_and_leave_room_for_keys(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    server_set(w->server, SERVER_SERVES, USER);
    for (int i = 0; i < CLERK_BACKEND_PENDING_MAX; i++) {
        CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == OK);
    }
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_LIMIT);
    CLEANUP(mem_free_ptr) char *token = world_token();
    struct request r = {.w = w, .token = token};
    world_begin(&r);
    CHECK(r.verdict == CLERK_WAIT);
    while (a.calls < CLERK_BACKEND_PENDING_MAX) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    world_settle(w, &r);
    CHECK(a.err == OK && get_user(w, "user_1").err == OK);
    world_close(w);
}

/* --- opening and closing --- */

static void without_a_secret_key_nothing_is_asked(void)
{
    struct world *w = world_open();
    struct ask a = {.w = w};
    CHECK(!clerk_has_backend(w->clerk));
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_UNAVAILABLE);
    CHECK(clerk_session_revoke(w->clerk, SPAN("sess_1"), on_answer, &a) == ERR_UNAVAILABLE);
    world_close(w);
    CHECK(a.calls == 0);
}

static void closing_cancels_calls_and_takes_no_more(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    server_set(w->server, SERVER_HANGS, USER);
    for (int i = 0; i < 3; i++) {
        CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == OK);
    }
    world_pause(w, 50);
    clerk_close(w->clerk, world_on_closed, w);
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer, &a) == ERR_UNAVAILABLE);
    CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0 && w->closed);
    CHECK(a.calls == 3 && a.err == ERR_CANCELED && a.status == 0);
    world_free(w);
}

static void on_answer_close(void *data, const struct clerk_backend_answer *answer)
{
    struct ask *a = data;
    a->calls++;
    a->err = answer->err;
    clerk_close(a->w->clerk, world_on_closed, a->w);
}

static void a_callback_may_close_the_clerk(void)
{
    struct world *w = open_backend();
    struct ask a = {.w = w};
    struct ask b = {.w = w};
    server_set(w->server, SERVER_SERVES, USER);
    CHECK(clerk_user_get(w->clerk, SPAN("user_1"), on_answer_close, &a) == OK);
    CHECK(clerk_user_get(w->clerk, SPAN("user_2"), on_answer, &b) == OK);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK(w->closed && a.calls == 1 && a.err == OK && b.calls == 1);
    CHECK(b.err == OK || b.err == ERR_CANCELED);
    world_free(w);
}

static void a_fixed_key_and_a_secret_key_go_together(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    CLEANUP(mem_free_ptr) char *token = world_token();
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", server_port(w->server));
    options.jwks_url = NULL;
    options.pem = pem;
    options.secret_key = SECRET;
    options.api_url = url;
    world_open_with(w, &options);
    server_set(w->server, SERVER_SERVES, USER);
    CHECK(world_ask(w, token).verdict == CLERK_PASS && server_count(w->server) == 0);
    CHECK(get_user(w, "user_1").err == OK);
    CHECK(was_sent(w, "GET /v1/users/user_1 HTTP"));
    world_close(w);
}

static void options_that_make_no_sense_are_refused(void)
{
    static const struct {
        const char *secret, *url;
    } cases[] = {
        {"", NULL},
        {"sk_test_1\r\nX: y", NULL},
        {"sk_\xC3\xA9", NULL},
        {SECRET, "http://api.clerk.com"},
        {SECRET, "ftp://localhost"},
        {SECRET, "https://user:password@api.clerk.com"},
        {SECRET, ""},
    };
    uv_loop_t loop;
    struct world w = {.url = "https://clerk.example.com/jwks"};
    CHECK(uv_loop_init(&loop) == 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clerk_options options = world_options(&w);
        struct clerk *clerk = NULL;
        struct text why = TEXT(1024);
        options.secret_key = cases[i].secret;
        options.api_url = cases[i].url;
        check_case(cases[i].secret);
        CHECK(clerk_open(&clerk, &loop, &options, &why) == ERR_INVALID && clerk == NULL);
        CHECK(why.n > 0 && !span_has(text_span(&why), SPAN("sk_")));
        text_free(&why);
    }
    CHECK(uv_loop_close(&loop) == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_user_is_asked_for),
        TEST(a_session_is_asked_for_and_revoked),
        TEST(memberships_come_in_pages),
        TEST(ids_that_cannot_be_ids_are_not_sent),
        TEST(errors_have_types_and_clerks_words),
        TEST(an_answer_that_cannot_be_read_is_unavailable),
        TEST(a_server_that_misbehaves_is_unavailable),
        TEST(after_five_failures_clerk_is_left_alone),
        TEST(a_refusal_is_no_failure),
        TEST(a_rate_limit_is_obeyed),
        TEST(calls_under_way_are_bounded_and_leave_room_for_keys),
        TEST(without_a_secret_key_nothing_is_asked),
        TEST(closing_cancels_calls_and_takes_no_more),
        TEST(a_callback_may_close_the_clerk),
        TEST(a_fixed_key_and_a_secret_key_go_together),
        TEST(options_that_make_no_sense_are_refused),
    };
    (void)mint_key(MINT_GOOD);
    return check_main(argc, argv, tests, COUNT(tests));
}

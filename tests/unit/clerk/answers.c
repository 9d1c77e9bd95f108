/* The bodies of the Backend API. */
#include "clerk/answers.h"

#include "tests/unit/check.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static struct clerk_backend_answer answer(struct arena *a, enum answers_kind kind, long status,
                                          const char *body)
{
    return answers_read(a, kind, status, arena_copy(a, span_str(body)));
}

static void every_status_has_its_error(void)
{
    static const struct {
        long status;
        enum err err;
    } cases[] = {
        {200, OK},
        {201, OK},
        {299, OK},
        {0, ERR_UNAVAILABLE},
        {100, ERR_UNAVAILABLE},
        {199, ERR_UNAVAILABLE},
        {300, ERR_UNAVAILABLE},
        {304, ERR_UNAVAILABLE},
        {400, ERR_INVALID},
        {401, ERR_UNAUTHORIZED},
        {402, ERR_UNAVAILABLE},
        {403, ERR_FORBIDDEN},
        {404, ERR_NOT_FOUND},
        {409, ERR_INVALID},
        {410, ERR_NOT_FOUND},
        {422, ERR_INVALID},
        {429, ERR_LIMIT},
        {500, ERR_UNAVAILABLE},
        {502, ERR_UNAVAILABLE},
        {999, ERR_UNAVAILABLE},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clerk_backend_answer out =
            answer(a, ANSWERS_USER, cases[i].status, "{\"id\":\"user_1\"}");
        CHECK(out.err == cases[i].err && out.status == cases[i].status);
        CHECK((out.user != NULL) == (cases[i].err == OK));
    }
}

static void an_error_has_clerks_words(void)
{
    static const struct {
        const char *body;
        const char *code, *trace;
    } cases[] = {
        {"{\"errors\":[{\"code\":\"resource_not_found\",\"message\":\"x\"}],"
         "\"clerk_trace_id\":\"t1\"}",
         "resource_not_found", "t1"},
        {"{\"errors\":[{\"code\":\"a\"},{\"code\":\"b\"}]}", "a", NULL},
        {"", NULL, NULL},
        {"<html>", NULL, NULL},
        {"[]", NULL, NULL},
        {"{}", NULL, NULL},
        {"{\"errors\":[]}", NULL, NULL},
        {"{\"errors\":{}}", NULL, NULL},
        {"{\"errors\":[7],\"clerk_trace_id\":7}", NULL, NULL},
        {"{\"errors\":[{\"code\":\"a\\u0000b\"}]}", NULL, NULL},
        {"{\"errors\":[{\"code\":\"\"}],\"clerk_trace_id\":\"\"}", NULL, NULL},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].body);
        struct clerk_backend_answer out = answer(a, ANSWERS_SESSION, 404, cases[i].body);
        CHECK(out.err == ERR_NOT_FOUND && out.session == NULL);
        CHECK(span_eq(out.code, span_str(cases[i].code)));
        CHECK(span_eq(out.trace, span_str(cases[i].trace)));
    }
}

static void what_cannot_be_read_is_unavailable(void)
{
    static const struct {
        enum answers_kind kind;
        const char *body;
    } cases[] = {
        {ANSWERS_USER, ""},
        {ANSWERS_USER, "null"},
        {ANSWERS_USER, "[]"},
        {ANSWERS_USER, "{}"},
        {ANSWERS_USER, "{\"id\":7}"},
        {ANSWERS_USER, "{\"id\":\"\"}"},
        {ANSWERS_USER, "{\"id\":\"user_1\"} x"},
        {ANSWERS_USER, "{\"id\":\"user_1\",\"id\":\"user_2\"}"},
        {ANSWERS_SESSION, "{\"id\":null}"},
        {ANSWERS_SESSION, "{\"id\":\"sess_1\",\"user_id\":\"\"}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":[]}"},
        {ANSWERS_MEMBERSHIPS, "{\"total_count\":0}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":{},\"total_count\":0}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":[],\"total_count\":-1}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":[],\"total_count\":1.5}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":[],\"total_count\":\"1\"}"},
        {ANSWERS_MEMBERSHIPS, "{\"data\":[{}],\"total_count\":1}"},
        {ANSWERS_MEMBERSHIPS, "[]"},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].body);
        struct clerk_backend_answer out = answer(a, cases[i].kind, 200, cases[i].body);
        CHECK(out.err == ERR_UNAVAILABLE && out.status == 200);
        CHECK(out.user == NULL && out.session == NULL && out.memberships == NULL);
    }
}

static void what_is_whole_is_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_backend_answer out = answer(a, ANSWERS_USER, 200, "{\"id\":\"user_1\"}");
    CHECK(out.err == OK && span_eq(out.user->id, SPAN("user_1")) && out.session == NULL);
    out = answer(a, ANSWERS_SESSION, 200, "{\"id\":\"sess_1\",\"status\":\"revoked\"}");
    CHECK(out.err == OK && out.session->status == CLERK_SESSION_IS_OVER && out.user == NULL);
    out = answer(a, ANSWERS_MEMBERSHIPS, 200, "{\"data\":[],\"total_count\":7}");
    CHECK(out.err == OK && out.membership_count == 0 && out.membership_total == 7);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_status_has_its_error),
        TEST(an_error_has_clerks_words),
        TEST(what_cannot_be_read_is_unavailable),
        TEST(what_is_whole_is_read),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}

#include "kernel/reply.h"
#include "tests/unit/check.h"

static enum err check(enum kernel_question what, const char *payload)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct json *answer = NULL;
    const char *problem = NULL;
    enum err e = reply_check(what, span_str(payload), a, &answer, &problem);
    CHECK((e == OK) == (answer != NULL) && (e == OK) == (problem == NULL));
    CHECK(answer == NULL || answer->kind == JSON_OBJECT);
    return e;
}

#define INSPECTED                                                                                  \
    "{\"found\":true,\"name\":\"f\",\"type\":\"t\",\"signature\":\"\",\"docstring\":\"\","         \
    "\"text\":\"\""
#define VARIABLE "{\"variables\":[{\"name\":\"a\",\"type\":\"int\",\"size\":28,\"preview\":\"1\""

static void what_is_right_passes(void)
{
    static const struct {
        enum kernel_question what;
        const char *payload;
    } cases[] = {
        {KERNEL_COMPLETE, "{\"matches\":[],\"start\":0,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[{\"text\":\"a\",\"type\":\"class\",\"signature\":\"()\"},"
                          "{\"text\":\"b\",\"type\":\"key\"}],\"start\":2,\"end\":5}"},
        {KERNEL_INSPECT, INSPECTED "}"},
        {KERNEL_INSPECT, INSPECTED ",\"file\":\"Cell [1]\",\"line\":3}"},
        {KERNEL_VARIABLES, "{\"variables\":[],\"truncated\":false}"},
        {KERNEL_VARIABLES, VARIABLE "}],\"truncated\":true}"},
        {KERNEL_VARIABLES,
         VARIABLE ",\"shape\":[2,0],\"cell\":\"Cell [1]\",\"run\":7}],\"truncated\":true}"},
        {KERNEL_VARIABLES, VARIABLE ",\"shape\":null,\"run\":null}],\"truncated\":true}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].payload);
        CHECK(check(cases[i].what, cases[i].payload) == OK);
    }
}

static void what_is_wrong_is_refused(void)
{
    static const struct {
        enum kernel_question what;
        const char *payload;
    } cases[] = {
        {KERNEL_COMPLETE, "{\"matches\":[],\"start\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":{},\"start\":0,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[1],\"start\":0,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[{\"text\":\"a\"}],\"start\":0,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[],\"start\":1,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[],\"start\":-1,\"end\":0}"},
        {KERNEL_COMPLETE, "{\"matches\":[],\"start\":0.5,\"end\":1}"},
        {KERNEL_COMPLETE, "{\"error\":\"a malformed payload\"}"},
        {KERNEL_INSPECT, "{\"found\":1}"},
        {KERNEL_INSPECT, INSPECTED ",\"line\":-1}"},
        {KERNEL_INSPECT, INSPECTED ",\"file\":3}"},
        {KERNEL_VARIABLES, "{\"variables\":[]}"},
        {KERNEL_VARIABLES, "{\"variables\":{},\"truncated\":false}"},
        {KERNEL_VARIABLES, VARIABLE ",\"shape\":[-1]}],\"truncated\":false}"},
        {KERNEL_VARIABLES, VARIABLE ",\"shape\":[\"1\"]}],\"truncated\":false}"},
        {KERNEL_VARIABLES, VARIABLE ",\"shape\":{}}],\"truncated\":false}"},
        {KERNEL_VARIABLES, VARIABLE ",\"run\":-1}],\"truncated\":false}"},
        {KERNEL_VARIABLES, "{\"variables\":[{\"name\":\"\",\"type\":\"int\",\"size\":1,"
                           "\"preview\":\"\"}],\"truncated\":false}"},
    };
    static const char *const always[] = {
        "", "[]", "null", "{", "{}", "1", "{\"found\":[[[[[[1]]]]]]}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].payload);
        CHECK(check(cases[i].what, cases[i].payload) == ERR_INVALID);
    }
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        check_case(always[i]);
        CHECK(check(KERNEL_COMPLETE, always[i]) == ERR_INVALID);
        CHECK(check(KERNEL_INSPECT, always[i]) == ERR_INVALID);
        CHECK(check(KERNEL_VARIABLES, always[i]) == ERR_INVALID);
    }
}

static void too_many_values_are_refused(void)
{
    struct text t = TEXT(1000000);
    text_add(&t, SPAN("{\"truncated\":false,\"variables\":[],\"more\":["));
    for (int i = 0; i < REPLY_VALUES_MAX; i++) {
        text_add(&t, SPAN("1,"));
    }
    text_add(&t, SPAN("1]}"));
    CHECK(check(KERNEL_VARIABLES, t.p) == ERR_INVALID);
    text_free(&t);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(what_is_right_passes),
        TEST(what_is_wrong_is_refused),
        TEST(too_many_values_are_refused),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

#include "server/query.h"

#include "tests/unit/check.h"

struct values {
    bool wait;
    int64_t since, limit;
    struct span epoch;
};

static const struct query_field fields[] = {
    {"wait", QUERY_FLAG, offsetof(struct values, wait), 0, 0},
    {"since", QUERY_INT, offsetof(struct values, since), 0, 1000000},
    {"limit", QUERY_INT, offsetof(struct values, limit), 1, 1000},
    {"epoch", QUERY_TEXT, offsetof(struct values, epoch), 1, 8},
};

static enum err read_all(struct arena *a, struct span query, struct values *v,
                         struct query_problem *problem)
{
    *v = (struct values){.since = -1, .limit = 500};
    static const struct query_table table = {fields, sizeof fields / sizeof *fields};
    return query_read(a, query, &table, v, problem);
}

static void what_makes_sense_is_read(void)
{
    static const struct {
        const char *query;
        bool wait;
        int64_t since, limit;
        const char *epoch;
    } cases[] = {
        {"", false, -1, 500, NULL},
        {"wait=1", true, -1, 500, NULL},
        {"wait=true", true, -1, 500, NULL},
        {"wait=0", false, -1, 500, NULL},
        {"wait=false", false, -1, 500, NULL},
        {"since=0&limit=1", false, 0, 1, NULL},
        {"since=1000000&limit=1000", false, 1000000, 1000, NULL},
        {"since=%31%32", false, 12, 500, NULL},
        {"epoch=abc", false, -1, 500, "abc"},
        {"epoch=%C3%A4", false, -1, 500, "\xC3\xA4"},
        {"epoch=a=b", false, -1, 500, "a=b"},
        {"other=x&wait=1&another", true, -1, 500, NULL},
        {"&&wait=1&", true, -1, 500, NULL},
        {"wait2=x&xwait=y", false, -1, 500, NULL},
        {"other=%zz", false, -1, 500, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(arena_free_ptr) struct arena *a = arena_new();
        struct values v;
        struct query_problem problem;
        check_case(cases[i].query);
        CHECK(read_all(a, span_str(cases[i].query), &v, &problem) == OK);
        CHECK(v.wait == cases[i].wait);
        CHECK(v.since == cases[i].since);
        CHECK(v.limit == cases[i].limit);
        CHECK(span_is_null(v.epoch) == (cases[i].epoch == NULL));
        CHECK(span_eq(v.epoch, span_str(cases[i].epoch)));
    }
}

static void nonsense_is_named(void)
{
    static const struct {
        const char *query, *field, *value;
    } cases[] = {
        {"wait", "wait", ""},
        {"wait=", "wait", ""},
        {"wait=yes", "wait", "yes"},
        {"wait=2", "wait", "2"},
        {"wait=TRUE", "wait", "TRUE"},
        {"wait=1&wait=1", "wait", "1"},
        {"wait=1&x=2&wait=0", "wait", "1"},
        {"since=", "since", ""},
        {"since=-1", "since", "-1"},
        {"since=1.5", "since", "1.5"},
        {"since=1e3", "since", "1e3"},
        {"since=0x10", "since", "0x10"},
        {"since=+1", "since", "+1"},
        {"since=%201", "since", "%201"},
        {"since=1000001", "since", "1000001"},
        {"since=99999999999999999999", "since", "99999999999999999999"},
        {"since=1%", "since", "1%"},
        {"since=%3", "since", "%3"},
        {"since=%gg", "since", "%gg"},
        {"limit=0", "limit", "0"},
        {"limit=1001", "limit", "1001"},
        {"epoch=", "epoch", ""},
        {"epoch=123456789", "epoch", "123456789"},
        {"epoch=a%00b", "epoch", "a%00b"},
        {"epoch=%ff", "epoch", "%ff"},
        {"limit=0&wait=x", "wait", "x"}, /* in the order of the table */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(arena_free_ptr) struct arena *a = arena_new();
        struct values v;
        struct query_problem problem;
        check_case(cases[i].query);
        CHECK(read_all(a, span_str(cases[i].query), &v, &problem) == ERR_INVALID);
        CHECK(strcmp(problem.field->name, cases[i].field) == 0);
        CHECK(span_eq(problem.value, span_str(cases[i].value)));
        CHECK(problem.message != NULL && problem.message[0] != '\0');
    }
}

static void a_call_without_a_query_has_no_parameters(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct values v;
    struct query_problem problem;
    CHECK(read_all(a, SPAN_NULL, &v, &problem) == OK);
    CHECK(v.since == -1);
    CHECK(span_is_null(query_find(SPAN_NULL, SPAN("token"))));
}

static void a_parameter_is_found_as_it_was_sent(void)
{
    CHECK(span_eq(query_find(SPAN("v=2&token=a%2Bb&token=c"), SPAN("token")), SPAN("a%2Bb")));
    CHECK(span_is_null(query_find(SPAN("tokens=a&xtoken=b"), SPAN("token"))));
    CHECK(!span_is_null(query_find(SPAN("token="), SPAN("token"))));
    CHECK(query_find(SPAN("token"), SPAN("token")).n == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(what_makes_sense_is_read),
        TEST(nonsense_is_named),
        TEST(a_call_without_a_query_has_no_parameters),
        TEST(a_parameter_is_found_as_it_was_sent),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

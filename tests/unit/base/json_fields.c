#include "tests/unit/base/parse.h"

struct cell {
    struct span id;
    struct span type;
    int64_t position;
    bool disabled;
    const struct json *meta;
    struct span note;
};

static const char *const types[] = {"python", "sql", NULL};

static const struct json_field fields[] = {
    {.name = "id",
     .type = JSON_FIELD_STRING,
     .offset = offsetof(struct cell, id),
     .required = true,
     .max = 4},
    {.name = "type",
     .type = JSON_FIELD_STRING,
     .offset = offsetof(struct cell, type),
     .one_of = types},
    {.name = "position", .type = JSON_FIELD_INT, .offset = offsetof(struct cell, position)},
    {.name = "disabled", .type = JSON_FIELD_BOOL, .offset = offsetof(struct cell, disabled)},
    {.name = "meta", .type = JSON_FIELD_VALUE, .offset = offsetof(struct cell, meta)},
    {.name = "note",
     .type = JSON_FIELD_STRING,
     .offset = offsetof(struct cell, note),
     .required = true,
     .nullable = true},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static void a_complete_object_fills_the_struct(void)
{
    struct parse p =
        parse_text(SPAN("{\"note\":\"n\",\"meta\":{\"k\":[]},\"disabled\":true,\"position\":-3,"
                        "\"type\":\"sql\",\"id\":\"abcd\",\"unknown\":{\"id\":1}}"));
    struct cell c = {0};
    struct json_problem problem;
    CHECK(json_decode(p.root, fields, FIELDS, &c, &problem) == OK);
    CHECK(span_eq(c.id, SPAN("abcd")) && span_eq(c.type, SPAN("sql")) && c.position == -3);
    CHECK(c.disabled && c.meta->kind == JSON_OBJECT && span_eq(c.note, SPAN("n")));
    parse_free(&p);
}

static void what_is_absent_keeps_its_zero(void)
{
    struct parse p = parse_text(SPAN("{\"id\":\"\",\"note\":null}"));
    struct cell c = {0};
    struct json_problem problem;
    CHECK(json_decode(p.root, fields, FIELDS, &c, &problem) == OK);
    CHECK(!span_is_null(c.id) && c.id.n == 0);
    CHECK(span_is_null(c.type) && span_is_null(c.note) && c.meta == NULL);
    CHECK(c.position == 0 && !c.disabled);
    parse_free(&p);
}

static void null_is_a_value_where_any_value_is(void)
{
    struct parse p = parse_text(SPAN("{\"id\":\"a\",\"note\":\"\",\"meta\":null}"));
    struct cell c = {0};
    struct json_problem problem;
    CHECK(json_decode(p.root, fields, FIELDS, &c, &problem) == OK);
    CHECK(c.meta != NULL && c.meta->kind == JSON_NULL);
    parse_free(&p);
}

static const struct {
    const char *source;
    enum err e;
    enum json_problem_kind kind;
    const char *field; /* NULL when none */
} problem_cases[] = {
    {"[]", ERR_INVALID, JSON_PROBLEM_NOT_OBJECT, NULL},
    {"null", ERR_INVALID, JSON_PROBLEM_NOT_OBJECT, NULL},
    {"\"id\"", ERR_INVALID, JSON_PROBLEM_NOT_OBJECT, NULL},
    {"{}", ERR_INVALID, JSON_PROBLEM_MISSING, "id"},
    {"{\"id\":\"a\"}", ERR_INVALID, JSON_PROBLEM_MISSING, "note"},
    {"{\"ID\":\"a\",\"note\":null}", ERR_INVALID, JSON_PROBLEM_MISSING, "id"},
    {"{\"id\":null,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "id"},
    {"{\"id\":1,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "id"},
    {"{\"id\":\"abcde\",\"note\":null}", ERR_TOO_LARGE, JSON_PROBLEM_TOO_LONG, "id"},
    {"{\"id\":\"a\",\"type\":\"r\",\"note\":null}", ERR_INVALID, JSON_PROBLEM_NOT_ONE_OF, "type"},
    {"{\"id\":\"a\",\"type\":\"sql\\u0000\",\"note\":null}", ERR_INVALID, JSON_PROBLEM_NOT_ONE_OF,
     "type"},
    {"{\"id\":\"a\",\"type\":\"\",\"note\":null}", ERR_INVALID, JSON_PROBLEM_NOT_ONE_OF, "type"},
    {"{\"id\":\"a\",\"type\":null,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "type"},
    {"{\"id\":\"a\",\"position\":1.0,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "position"},
    {"{\"id\":\"a\",\"position\":1e2,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "position"},
    {"{\"id\":\"a\",\"position\":\"1\",\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "position"},
    {"{\"id\":\"a\",\"position\":9223372036854775808,\"note\":null}", ERR_INVALID,
     JSON_PROBLEM_TYPE, "position"},
    {"{\"id\":\"a\",\"disabled\":0,\"note\":null}", ERR_INVALID, JSON_PROBLEM_TYPE, "disabled"},
    {"{\"id\":\"a\",\"note\":[]}", ERR_INVALID, JSON_PROBLEM_TYPE, "note"},
    {"{\"note\":[],\"disabled\":0,\"id\":7}", ERR_INVALID, JSON_PROBLEM_TYPE, "id"},
};

static void the_first_problem_in_the_tables_order_is_told(void)
{
    for (size_t i = 0; i < sizeof problem_cases / sizeof *problem_cases; i++) {
        struct parse p = parse_text(span_str(problem_cases[i].source));
        struct cell c = {0};
        struct json_problem problem = {0};
        check_case(problem_cases[i].source);
        CHECK(json_decode(p.root, fields, FIELDS, &c, &problem) == problem_cases[i].e);
        CHECK(problem.kind == problem_cases[i].kind);
        CHECK((problem.field == NULL) == (problem_cases[i].field == NULL));
        CHECK(problem.field == NULL || strcmp(problem.field->name, problem_cases[i].field) == 0);
        CHECK((problem.value == NULL) == (problem.kind == JSON_PROBLEM_MISSING));
        parse_free(&p);
    }
}

static void no_object_at_all_is_not_an_object(void)
{
    struct cell c = {0};
    struct json_problem problem = {0};
    CHECK(json_decode(NULL, fields, FIELDS, &c, &problem) == ERR_INVALID);
    CHECK(problem.kind == JSON_PROBLEM_NOT_OBJECT && problem.value == NULL);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_complete_object_fills_the_struct),
        TEST(what_is_absent_keeps_its_zero),
        TEST(null_is_a_value_where_any_value_is),
        TEST(the_first_problem_in_the_tables_order_is_told),
        TEST(no_object_at_all_is_not_an_object),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

#include <time.h>

#include "tests/unit/base/parse.h"

static void the_tree_has_kinds_names_and_values(void)
{
    struct parse p = parse_text(SPAN(" {\"a\": [1, true, null, \"x\"], \"b\": {}, \"c\": false} "));
    CHECK(p.e == OK && p.root->kind == JSON_OBJECT && p.root->count == 3);
    const struct json *a = json_get(p.root, SPAN("a"));
    CHECK(a == &p.root->items[0] && span_eq(a->name, SPAN("a")) && a->count == 4);
    CHECK(a->kind == JSON_ARRAY && span_is_null(a->items[0].name));
    CHECK(a->items[0].kind == JSON_NUMBER && a->items[0].integer == 1);
    CHECK(a->items[1].kind == JSON_BOOL && a->items[1].boolean);
    CHECK(a->items[2].kind == JSON_NULL);
    CHECK(a->items[3].kind == JSON_STRING && span_eq(a->items[3].string, SPAN("x")));
    const struct json *b = json_get(p.root, SPAN("b"));
    CHECK(b->kind == JSON_OBJECT && b->count == 0);
    CHECK(!json_get(p.root, SPAN("c"))->boolean);
    CHECK(span_is_null(p.root->name));
    parse_free(&p);
}

static void every_value_knows_its_own_text(void)
{
    struct parse p =
        parse_text(SPAN(" { \"a\" : [ 1 , -2.50 ] , \"b\" : \"x\\ty\" , \"c\" : null } "));
    CHECK(
        span_eq(p.root->raw, SPAN("{ \"a\" : [ 1 , -2.50 ] , \"b\" : \"x\\ty\" , \"c\" : null }")));
    CHECK(p.root->raw.p == p.source + 1);
    CHECK(span_eq(p.root->items[0].raw, SPAN("[ 1 , -2.50 ]")));
    CHECK(span_eq(p.root->items[0].items[1].raw, SPAN("-2.50")));
    CHECK(span_eq(p.root->items[1].raw, SPAN("\"x\\ty\"")));
    CHECK(span_eq(p.root->items[2].raw, SPAN("null")));
    parse_free(&p);
}

static void looking_up_is_safe_on_everything(void)
{
    struct parse p = parse_text(SPAN("{\"s\":\"text\",\"n\":1,\"e\":\"\",\"l\":[{\"s\":1}]}"));
    CHECK(json_get(NULL, SPAN("s")) == NULL);
    CHECK(json_get(p.root, SPAN("missing")) == NULL && json_get(p.root, SPAN("")) == NULL);
    CHECK(json_get(json_get(p.root, SPAN("l")), SPAN("s")) == NULL);
    CHECK(json_get(json_get(p.root, SPAN("n")), SPAN("s")) == NULL);
    CHECK(span_eq(json_get_string(p.root, SPAN("s")), SPAN("text")));
    CHECK(span_is_null(json_get_string(p.root, SPAN("n"))));
    CHECK(span_is_null(json_get_string(p.root, SPAN("missing"))));
    CHECK(span_is_null(json_get_string(NULL, SPAN("s"))));
    struct span empty = json_get_string(p.root, SPAN("e"));
    CHECK(!span_is_null(empty) && empty.n == 0);
    parse_free(&p);
}

#define STRING_CASE(json_literal, literal)                                                         \
    {                                                                                              \
        json_literal, literal, sizeof(literal) - 1                                                 \
    }
static const struct {
    const char *source;
    const char *p;
    size_t n;
} string_cases[] = {
    STRING_CASE("\"\"", ""),
    STRING_CASE("\"plain\"", "plain"),
    STRING_CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"),
    STRING_CASE("\"a\\u0000b\"", "a\0b"),
    STRING_CASE("\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC"),
    STRING_CASE("\"\\u007f\\u0080\\u07ff\\u0800\"", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80"),
    STRING_CASE("\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
    STRING_CASE("\"\\uD83D\\uDE00x\"", "\xF0\x9F\x98\x80x"),
    STRING_CASE("\"\\ud7ff\\ue000\"", "\xED\x9F\xBF\xEE\x80\x80"),
    STRING_CASE("\"\\\\u0041\"", "\\u0041"),
    STRING_CASE("\"\xC3\xA9\\n\xF0\x9F\x98\x80\"", "\xC3\xA9\n\xF0\x9F\x98\x80"),
    STRING_CASE("\"12345678\\n12345678\"", "12345678\n12345678"),
    STRING_CASE("\"</script>\"", "</script>"),
};

static void strings_are_unescaped_and_terminated(void)
{
    for (size_t i = 0; i < sizeof string_cases / sizeof *string_cases; i++) {
        check_case(string_cases[i].source);
        struct parse p = parse_text(span_str(string_cases[i].source));
        CHECK(p.e == OK && p.root->kind == JSON_STRING);
        CHECK(span_eq(p.root->string, span_of(string_cases[i].p, string_cases[i].n)));
        CHECK(p.root->string.p[p.root->string.n] == '\0');
        parse_free(&p);
    }
}

/* Every length and place of something special around the eight bytes that are looked at together.
 */
static void special_bytes_are_seen_at_every_place(void)
{
    for (size_t length = 1; length < 40; length++) {
        for (size_t at = 0; at < length; at++) {
            char text[44] = "\"";
            memset(text + 1, 'x', length);
            text[length + 1] = '"';
            struct span source = span_of(text, length + 2);
            text[at + 1] = '\x1F';
            struct parse p = parse_text(source);
            CHECK(p.e == ERR_INVALID && p.error.at == at + 1);
            parse_free(&p);
            text[at + 1] = '\xFF';
            p = parse_text(source);
            CHECK(p.e == ERR_INVALID && p.error.at == at + 1);
            parse_free(&p);
            text[at + 1] = '"';
            p = parse_text(source);
            CHECK(p.e == ERR_INVALID && p.error.at == at + 2);
            parse_free(&p);
            text[at + 1] = '\x7F';
            p = parse_text(source);
            CHECK(p.e == OK && p.root->string.n == length);
            parse_free(&p);
        }
    }
}

static void names_are_unescaped(void)
{
    struct parse p = parse_text(SPAN("{\"\\u0061\\n\": 1, \"\": 2}"));
    CHECK(json_get(p.root, SPAN("a\n"))->integer == 1);
    CHECK(json_get(p.root, SPAN(""))->integer == 2);
    parse_free(&p);
}

static const struct {
    const char *source;
    size_t at;
    const char *what;
} error_cases[] = {
    {"", 0, "expected a value"},
    {"  ", 2, "expected a value"},
    {"[1,]", 3, "expected a value"},
    {"[1 2]", 3, "expected ',' or ']'"},
    {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}'"},
    {"{1:2}", 1, "expected a name"},
    {"{\"a\" 1}", 5, "expected ':'"},
    {"{\"a\":1,}", 7, "expected a name"},
    {"[] x", 3, "expected the end"},
    {"{\"a\":1,\"b\":2,\"a\":3}", 17, "duplicate name"},
    {"[\"ab\\qc\"]", 4, "bad escape in string"},
    {"[\"ab\\ud800\"]", 4, "bad escape in string"},
    {"[\"a\nb\"]", 3, "control character in string"},
    {"[\"a\xFF\"]", 3, "invalid UTF-8"},
    {"[\"a", 3, "unterminated string"},
    {"[-x]", 2, "malformed number"},
};

static void errors_tell_where_and_what(void)
{
    for (size_t i = 0; i < sizeof error_cases / sizeof *error_cases; i++) {
        check_case(error_cases[i].source);
        struct parse p = parse_text(span_str(error_cases[i].source));
        CHECK(p.e == ERR_INVALID);
        CHECK(strcmp(p.error.what, error_cases[i].what) == 0);
        CHECK(p.error.at == error_cases[i].at);
        parse_free(&p);
    }
}

static enum err outcome(struct span source, struct json_limits limits)
{
    struct parse p = parse_within(source, limits);
    parse_free(&p);
    return p.e;
}

static void bytes_are_limited(void)
{
    struct json_limits limits = PARSE_LIMITS;
    limits.bytes = 4;
    CHECK(outcome(SPAN("1234"), limits) == OK);
    CHECK(outcome(SPAN("12345"), limits) == ERR_TOO_LARGE);
    CHECK(outcome(SPAN("123  "), limits) == ERR_TOO_LARGE);
}

static void depth_is_limited(void)
{
    struct json_limits limits = PARSE_LIMITS;
    limits.depth = 2;
    CHECK(outcome(SPAN("[[],{}]"), limits) == OK);
    CHECK(outcome(SPAN("[[[]]]"), limits) == ERR_TOO_LARGE);
    CHECK(outcome(SPAN("[{\"a\":{}}]"), limits) == ERR_TOO_LARGE);
    limits.depth = 0;
    CHECK(outcome(SPAN("1"), limits) == OK);
    CHECK(outcome(SPAN("[]"), limits) == ERR_TOO_LARGE);
    CHECK(outcome(SPAN("{}"), limits) == ERR_TOO_LARGE);
}

static void the_number_of_values_is_limited(void)
{
    struct json_limits limits = PARSE_LIMITS;
    limits.values = 4;
    CHECK(outcome(SPAN("[1,2,3]"), limits) == OK);
    CHECK(outcome(SPAN("{\"a\":[1,2]}"), limits) == OK);
    CHECK(outcome(SPAN("[1,2,3,4]"), limits) == ERR_TOO_LARGE);
    CHECK(outcome(SPAN("[[[[[]]]]]"), limits) == ERR_TOO_LARGE);
    limits.values = 0;
    CHECK(outcome(SPAN("1"), limits) == ERR_TOO_LARGE);
}

static void the_deepest_document_allowed_fits_on_the_stack(void)
{
    struct json_limits limits = PARSE_LIMITS;
    limits.depth = JSON_MAX_DEPTH;
    char text[2 * (JSON_MAX_DEPTH + 1)];
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    CHECK(outcome(span_of(text + 1, 2 * (size_t)JSON_MAX_DEPTH), limits) == OK);
    CHECK(outcome(span_of(text, sizeof text), limits) == ERR_TOO_LARGE);
}

static struct text object_with(size_t members, size_t last_name)
{
    struct text t = TEXT(1U << 24);
    text_add_char(&t, '{');
    for (size_t i = 0; i < members; i++) {
        bool last = i + 1 == members;
        text_addf(&t, "\"name%zu\":%zu%c", last ? last_name : i, i, last ? '}' : ',');
    }
    return t;
}

static void duplicates_are_found_in_objects_of_every_size(void)
{
    static const size_t sizes[] = {2, 15, 16, 17, 18, 32, 33, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct text unique = object_with(sizes[i], sizes[i] - 1);
        struct parse p = parse_text(text_span(&unique));
        CHECK(p.e == OK && p.root->count == sizes[i]);
        CHECK(json_get(p.root, SPAN("name1"))->integer == 1);
        parse_free(&p);
        struct text twice = object_with(sizes[i], sizes[i] / 2 - (sizes[i] == 2));
        p = parse_text(text_span(&twice));
        CHECK(p.e == ERR_INVALID && strcmp(p.error.what, "duplicate name") == 0);
        parse_free(&p);
        text_free(&unique);
        text_free(&twice);
    }
}

/* Comparing each name with each would take minutes. */
static void an_object_with_very_many_names_is_read_quickly(void)
{
    struct text t = object_with(300000, 299999);
    clock_t before = clock();
    struct parse p = parse_text(text_span(&t));
    CHECK(p.e == OK && p.root->count == 300000);
    CHECK(clock() - before < 5 * CLOCKS_PER_SEC);
    parse_free(&p);
    text_free(&t);
}

static void many_values_in_a_row_stay_contiguous(void)
{
    struct text t = TEXT(1U << 22);
    text_add_char(&t, '[');
    for (int i = 0; i < 100000; i++) {
        text_addf(&t, "%s[%d]", i == 0 ? "" : ",", i);
    }
    text_add_char(&t, ']');
    struct parse p = parse_text(text_span(&t));
    CHECK(p.e == OK && p.root->count == 100000);
    for (int i = 0; i < 100000; i++) {
        CHECK(p.root->items[i].count == 1 && p.root->items[i].items->integer == i);
    }
    parse_free(&p);
    text_free(&t);
}

static void no_source_is_no_value(void)
{
    struct json_limits limits = PARSE_LIMITS;
    struct json_error error = {0};
    const struct json *root = NULL;
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(json_parse(a, SPAN_NULL, &limits, &root, &error) == ERR_INVALID && root == NULL);
    CHECK(error.at == 0 && error.what != NULL);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_tree_has_kinds_names_and_values),
        TEST(every_value_knows_its_own_text),
        TEST(looking_up_is_safe_on_everything),
        TEST(strings_are_unescaped_and_terminated),
        TEST(special_bytes_are_seen_at_every_place),
        TEST(names_are_unescaped),
        TEST(errors_tell_where_and_what),
        TEST(bytes_are_limited),
        TEST(depth_is_limited),
        TEST(the_number_of_values_is_limited),
        TEST(the_deepest_document_allowed_fits_on_the_stack),
        TEST(duplicates_are_found_in_objects_of_every_size),
        TEST(an_object_with_very_many_names_is_read_quickly),
        TEST(many_values_in_a_row_stay_contiguous),
        TEST(no_source_is_no_value),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

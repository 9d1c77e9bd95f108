/* The contract's JSON, byte for byte (CONTRACT.md 2.2). */
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

#define DISPLAY "{\"mime_type\":\"text/plain\",\"data\":\"7\",\"metadata\":{}}"

static const struct json_limits limits = {.bytes = 1 << 20, .depth = 32, .values = 10000};

/* The text is JSON, whatever else it is. */
static const struct json *parsed(struct arena *a, const struct text *t)
{
    const struct json *root = NULL;
    struct json_error error = {0};
    CHECK(!t->overflowed);
    CHECK(json_parse(a, text_span(t), &limits, &root, &error) == OK);
    return root;
}

static void check_form(void (*put)(struct json_writer *w, const struct cell *c),
                       const struct cell *c, const char *expected)
{
    struct arena *a = arena_new();
    struct text t = TEXT(1 << 20);
    put(&JSON_WRITER(&t), c);
    (void)parsed(a, &t);
    if (!span_eq(text_span(&t), span_str(expected))) {
        fprintf(stderr, "# got: %s\n", t.p);
    }
    CHECK(span_eq(text_span(&t), span_str(expected)));
    text_free(&t);
    arena_free(a);
}

static void check_cell(const struct cell *c, const char *expected)
{
    check_form(wire_cell, c, expected);
}

static struct cell *add_cell(struct notebook *n, enum cell_type type, struct span code)
{
    struct id id = page_id(n->cell_count);
    return notebook_insert(n, NOTEBOOK_NOWHERE, id_span(&id), type, code);
}

static void a_new_cell_has_every_field_and_null_only_for_its_error(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    check_cell(add_cell(n, CELL_PYTHON, SPAN("")),
               "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"type\":\"python\",\"code\":\"\","
               "\"status\":\"idle\",\"stdout\":\"\",\"outputs\":[],\"error\":null,\"reads\":[],"
               "\"writes\":[]}");
    notebook_free(n);
}

static void a_full_cell_is_written_in_the_contracts_order(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_SQL, SPAN("select \"{x}\"\n"));
    c->status = CELL_ERROR;
    names_add(&c->reads, SPAN("y"));
    names_add(&c->reads, SPAN("x"));
    names_add(&c->writes, SPAN("\xC3\xA4"));
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("out\t1\n"));
    cell_add_display(c, SPAN(DISPLAY), SPAN("d"));
    cell_add_stream(c, OUTPUT_STDERR, SPAN("\x1B[31merr"));
    cell_add_display(c,
                     SPAN("{\"mime_type\":\"application/json\",\"data\":[1.50],\"metadata\":null}"),
                     SPAN_NULL);
    cell_set_error(c, SPAN("Traceback:\n</script>"));
    check_cell(c, "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"type\":\"sql\","
                  "\"code\":\"select \\\"{x}\\\"\\n\",\"status\":\"error\","
                  "\"stdout\":\"out\\t1\\n\\u001b[31merr\",\"outputs\":[" DISPLAY
                  ",{\"mime_type\":\"application/json\",\"data\":[1.50],\"metadata\":null}],"
                  "\"error\":\"Traceback:\\n</script>\",\"reads\":[\"x\",\"y\"],"
                  "\"writes\":[\"\xC3\xA4\"]}");
    notebook_free(n);
}

static void one_stream_between_displays_is_the_stdout(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_PYTHON, SPAN("x"));
    c->status = CELL_SUCCESS;
    cell_add_display(c, SPAN(DISPLAY), SPAN_NULL);
    cell_add_stream(c, OUTPUT_STDERR, SPAN("\xFF!"));
    check_cell(c, "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"type\":\"python\","
                  "\"code\":\"x\",\"status\":\"success\",\"stdout\":\"\xEF\xBF\xBD!\","
                  "\"outputs\":[" DISPLAY "],\"error\":null,\"reads\":[],\"writes\":[]}");
    notebook_free(n);
}

/* A character whose bytes came on two streams is whole in the one field. */
static void streams_are_merged_before_they_are_escaped(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_PYTHON, SPAN("x"));
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("\xC3"));
    cell_add_stream(c, OUTPUT_STDERR, SPAN("\xA4"));
    struct arena *a = arena_new();
    struct text t = TEXT(4096);
    wire_cell(&JSON_WRITER(&t), c);
    CHECK(span_eq(json_get_string(parsed(a, &t), SPAN("stdout")), SPAN("\xC3\xA4")));
    text_free(&t);
    arena_free(a);
    notebook_free(n);
}

static void a_flaw_is_the_error_where_no_error_is_set(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_PYTHON, SPAN("x ="));
    struct text t = TEXT(4096);
    cell_set_flaw(c, SPAN("SyntaxError"));
    wire_cell(&JSON_WRITER(&t), c);
    CHECK(span_eq(json_get_string(parsed(a, &t), SPAN("error")), SPAN("SyntaxError")));
    text_clear(&t);
    cell_set_error(c, SPAN("later"));
    wire_cell(&JSON_WRITER(&t), c);
    CHECK(span_eq(json_get_string(parsed(a, &t), SPAN("error")), SPAN("later")));
    text_free(&t);
    arena_free(a);
    notebook_free(n);
}

static void check_notebook(const struct notebook *n, const char *expected)
{
    struct arena *a = arena_new();
    struct text t = TEXT(4096);
    wire_notebook(&JSON_WRITER(&t), n);
    const struct json *cells = json_get(parsed(a, &t), SPAN("cells"));
    CHECK(cells->kind == JSON_ARRAY && cells->count == n->cell_count);
    CHECK(span_starts(text_span(&t), span_str(expected)));
    text_free(&t);
    arena_free(a);
}

static void a_notebook_has_its_cells_in_page_order_and_nulls_for_what_is_unset(void)
{
    struct notebook *n = notebook_new(SPAN("demo-user_1"), SPAN("user_1"));
    check_notebook(n,
                   "{\"id\":\"demo-user_1\",\"name\":null,\"db_conn_string\":null,\"cells\":[]}");
    n->name = mem_copy(SPAN("Sales \"Q3\""));
    n->connection = mem_copy(SPAN("postgresql://u:p@h/d"));
    (void)add_cell(n, CELL_SQL, SPAN("select 1"));
    (void)add_cell(n, CELL_PYTHON, SPAN("1"));
    check_notebook(n, "{\"id\":\"demo-user_1\",\"name\":\"Sales \\\"Q3\\\"\","
                      "\"db_conn_string\":\"postgresql://u:p@h/d\",\"cells\":["
                      "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"type\":\"sql\",");
    notebook_free(n);
}

/* What a member of a larger object needs: commas stand right. */
static void cells_can_be_written_into_a_larger_object(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_PYTHON, SPAN("1"));
    struct text t = TEXT(4096);
    struct json_writer w = JSON_WRITER(&t);
    json_open_object(&w);
    json_put_name(&w, SPAN("cell"));
    wire_cell(&w, c);
    json_member_int(&w, SPAN("index"), 0);
    json_close_object(&w);
    const struct json *root = parsed(a, &t);
    CHECK(root->count == 2 && json_get(root, SPAN("cell"))->count == 9);
    text_free(&t);
    arena_free(a);
    notebook_free(n);
}

/* --- version 2 --- */
#define PLAIN                                                                                      \
    "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"type\":\"python\",\"code\":\"x\","         \
    "\"status\":\"idle\",\"stdout\":\"\",\"outputs\":[],\"error\":null,\"reads\":[],\"writes\":[]"

static void the_state_of_a_cell_is_the_contracts_cell_and_more(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = add_cell(n, CELL_PYTHON, SPAN("x"));
    check_cell(c, PLAIN "}");
    check_form(wire_cell_state, c,
               PLAIN ",\"name\":null,\"disabled\":false,\"stale\":false,\"revision\":0,"
                     "\"text\":{\"end\":0,\"hidden\":null}}");
    cell_set_name(c, SPAN("the \"x\""));
    c->disabled = c->stale = true;
    c->revision = INT64_MAX;
    c->text_end = 9000000000;
    c->hidden_start = 3;
    c->hidden_end = 5000000000;
    check_cell(c, PLAIN "}");
    check_form(wire_cell_state, c,
               PLAIN ",\"name\":\"the \\\"x\\\"\",\"disabled\":true,\"stale\":true,"
                     "\"revision\":9223372036854775807,\"text\":{\"end\":9000000000,"
                     "\"hidden\":{\"start\":3,\"end\":5000000000}}}");
    notebook_free(n);
}

static void the_state_of_a_notebook_has_its_revision_and_the_states_of_its_cells(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct text t = TEXT(4096);
    wire_notebook_state(&JSON_WRITER(&t), n);
    CHECK(span_eq(text_span(&t), SPAN("{\"id\":\"nb\",\"name\":null,\"db_conn_string\":null,"
                                      "\"revision\":0,\"cells\":[]}")));
    n->revision = 12;
    add_cell(n, CELL_SQL, SPAN("a"))->stale = true;
    (void)add_cell(n, CELL_SQL, SPAN("b"));
    text_clear(&t);
    wire_notebook_state(&JSON_WRITER(&t), n);
    const struct json *root = parsed(a, &t);
    const struct json *cells = json_get(root, SPAN("cells"));
    CHECK(root->count == 5 && json_get(root, SPAN("revision"))->integer == 12);
    CHECK(cells->count == 2 && cells->items[0].count == 14 && cells->items[1].count == 14);
    CHECK(json_get(&cells->items[0], SPAN("stale"))->boolean);
    CHECK(!json_get(&cells->items[1], SPAN("stale"))->boolean);
    text_free(&t);
    arena_free(a);
    notebook_free(n);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_new_cell_has_every_field_and_null_only_for_its_error),
        TEST(a_full_cell_is_written_in_the_contracts_order),
        TEST(one_stream_between_displays_is_the_stdout),
        TEST(streams_are_merged_before_they_are_escaped),
        TEST(a_flaw_is_the_error_where_no_error_is_set),
        TEST(a_notebook_has_its_cells_in_page_order_and_nulls_for_what_is_unset),
        TEST(cells_can_be_written_into_a_larger_object),
        TEST(the_state_of_a_cell_is_the_contracts_cell_and_more),
        TEST(the_state_of_a_notebook_has_its_revision_and_the_states_of_its_cells),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

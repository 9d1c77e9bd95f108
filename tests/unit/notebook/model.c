/* Names, cells on a page, and what they have shown. */
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

/* --- names --- */
static void check_names(const struct names *n, const char *expected)
{
    struct text said = TEXT(256);
    for (size_t i = 0; i < n->count; i++) {
        text_addf(&said, "%s%s", i == 0 ? "" : " ", n->items[i]);
    }
    CHECK(span_eq(text_span(&said), span_str(expected)));
    text_free(&said);
}

static void names_are_sorted_by_bytes_and_unique(void)
{
    struct names n = {0};
    const struct span words[] = {SPAN("b"), SPAN("a"),        SPAN("ab"), SPAN("B"),
                                 SPAN("a"), SPAN("\xC3\xA4"), SPAN("z")};
    names_set(&n, words, sizeof words / sizeof *words);
    check_names(&n, "B a ab b z \xC3\xA4");
    names_add(&n, SPAN("aa"));
    names_add(&n, SPAN("ab"));
    names_add(&n, SPAN("A"));
    check_names(&n, "A B a aa ab b z \xC3\xA4");
    CHECK(names_has(&n, SPAN("aa")) && names_has(&n, SPAN("\xC3\xA4")));
    CHECK(!names_has(&n, SPAN("aaa")) && !names_has(&n, SPAN("")) && !names_has(&n, SPAN("zz")));
    names_free(&n);
    CHECK(n.items == NULL && n.count == 0 && !names_has(&n, SPAN("a")));
}

static void a_set_may_be_made_of_its_own_names(void)
{
    struct names n = {0};
    names_add(&n, SPAN("a"));
    names_add(&n, SPAN("b"));
    const struct span own[] = {span_str(n.items[1]), SPAN("c")};
    names_set(&n, own, 2);
    check_names(&n, "b c");
    names_set(&n, NULL, 0);
    check_names(&n, "");
    names_free(&n);
}

/* --- cells on a page --- */
static void type_and_status_names_go_both_ways(void)
{
    static const char *const types[] = {"python", "sql"};
    static const char *const statuses[] = {"idle", "running", "success", "error", "blocked"};
    enum cell_type type = CELL_PYTHON;
    enum cell_status status = CELL_IDLE;
    for (size_t i = 0; i < 2; i++) {
        CHECK(span_eq(cell_type_name((enum cell_type)i), span_str(types[i])));
        CHECK(cell_type_parse(span_str(types[i]), &type) == OK && (size_t)type == i);
    }
    for (size_t i = 0; i < 5; i++) {
        CHECK(span_eq(cell_status_name((enum cell_status)i), span_str(statuses[i])));
        CHECK(cell_status_parse(span_str(statuses[i]), &status) == OK && (size_t)status == i);
    }
    CHECK(cell_type_parse(SPAN("Python"), &type) == ERR_INVALID && type == CELL_SQL);
    CHECK(cell_type_parse(SPAN_NULL, &type) == ERR_INVALID);
    CHECK(cell_status_parse(SPAN("queued"), &status) == ERR_INVALID && status == CELL_BLOCKED);
}

static struct cell *insert(struct notebook *n, size_t position, size_t number)
{
    struct id id = page_id(number);
    return notebook_insert(n, position, id_span(&id), CELL_SQL, SPAN("select 1"));
}

static size_t find(const struct notebook *n, size_t number)
{
    struct id id = page_id(number);
    return notebook_find(n, id_span(&id));
}

static void cells_are_inserted_found_and_removed_by_position(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    CHECK(insert(n, NOTEBOOK_NOWHERE, 1) == n->cells[0]);
    CHECK(insert(n, 99, 2) == n->cells[1]);
    CHECK(insert(n, 0, 3) == n->cells[0]);
    CHECK(insert(n, 1, 4) == n->cells[1]);
    CHECK(find(n, 3) == 0 && find(n, 4) == 1 && find(n, 1) == 2 && find(n, 2) == 3);
    notebook_remove(n, 1);
    CHECK(find(n, 4) == NOTEBOOK_NOWHERE && find(n, 1) == 1 && n->cell_count == 3);
    notebook_remove(n, 2);
    notebook_remove(n, 0);
    notebook_remove(n, 0);
    CHECK(n->cell_count == 0 && notebook_find(n, SPAN_NULL) == NOTEBOOK_NOWHERE);
    notebook_free(n);
    notebook_free(NULL);
}

/* FROM and TO on a page of the cells 0 to 4. */
static const struct {
    size_t from, to;
    const char *after;
} move_cases[] = {
    {0, 0, "01234"}, {0, 1, "10234"},
    {0, 4, "12340"}, {4, 0, "40123"},
    {2, 2, "01234"}, {1, 3, "02314"},
    {3, 1, "03124"}, {1, 99, "02341"},
    {4, 4, "01234"}, {4, NOTEBOOK_NOWHERE, "01234"},
};

static void a_moved_cell_stands_where_it_was_sent(void)
{
    for (size_t i = 0; i < sizeof move_cases / sizeof *move_cases; i++) {
        check_case(move_cases[i].after);
        struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
        for (size_t k = 0; k < 5; k++) {
            insert(n, k, k);
        }
        notebook_move(n, move_cases[i].from, move_cases[i].to);
        CHECK(n->cell_count == 5);
        for (size_t k = 0; k < 5; k++) {
            CHECK(find(n, (size_t)(move_cases[i].after[k] - '0')) == k);
        }
        notebook_free(n);
    }
}

static void a_new_notebook_has_a_life_of_its_own_and_no_events(void)
{
    struct notebook *a = notebook_new(SPAN("nb"), SPAN("user"));
    struct notebook *b = notebook_new(SPAN("nb"), SPAN("user"));
    CHECK(id_is_valid(id_span(&a->epoch)));
    CHECK(!span_eq(id_span(&a->epoch), id_span(&b->epoch)));
    CHECK(a->seq == 0 && a->oldest == 1 && a->events_count == 0 && a->events_bytes == 0);
    notebook_free(a);
    notebook_free(b);
}

static void a_page_of_many_cells_keeps_its_order(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    for (size_t i = 0; i < 1000; i++) {
        insert(n, 0, i);
    }
    for (size_t i = 0; i < 1000; i++) {
        CHECK(find(n, i) == 999 - i);
    }
    notebook_free(n);
}

static void a_new_cell_is_idle_and_known_only_when_empty(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *full = insert(n, 0, 1);
    struct id id = page_id(2);
    struct cell *empty = notebook_insert(n, 0, id_span(&id), CELL_PYTHON, SPAN_NULL);
    CHECK(full->status == CELL_IDLE && !full->analysed && strcmp(full->code, "select 1") == 0);
    CHECK(empty->analysed && strcmp(empty->code, "") == 0 && empty->type == CELL_PYTHON);
    CHECK(empty->flaw == NULL && empty->error == NULL && empty->output_count == 0);
    CHECK(empty->name == NULL && empty->revision == 0 && !empty->disabled);
    CHECK(!empty->stale && !full->stale && !full->interrupted && full->text_end == 0);
    CHECK(n->name == NULL && n->connection == NULL && n->revision == 0);
    notebook_free(n);
}

static void texts_of_a_cell_are_replaced_even_by_themselves(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = insert(n, 0, 1);
    c->analysed = true;
    cell_set_code(c, span_sub(span_str(c->code), 0, 6));
    CHECK(strcmp(c->code, "select") == 0 && !c->analysed);
    cell_set_flaw(c, SPAN("wrong"));
    cell_set_error(c, span_str(c->flaw));
    cell_set_error(c, span_sub(span_str(c->error), 1, 2));
    CHECK(strcmp(c->error, "ro") == 0 && strcmp(c->flaw, "wrong") == 0);
    cell_set_error(c, SPAN_NULL);
    cell_set_flaw(c, SPAN_NULL);
    CHECK(c->error == NULL && c->flaw == NULL);
    cell_set_code(c, SPAN_NULL);
    CHECK(strcmp(c->code, "") == 0);
    cell_set_name(c, SPAN("monthly sales"));
    cell_set_name(c, span_sub(span_str(c->name), 8, 5));
    CHECK(strcmp(c->name, "sales") == 0);
    cell_set_name(c, SPAN_NULL);
    CHECK(c->name == NULL);
    notebook_free(n);
}

/* --- outputs --- */
static void clearing_forgets_the_text_and_streams_do_not_count_it(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = insert(n, 0, 1);
    c->text_end = 9;
    c->hidden_start = 3;
    c->hidden_end = 7;
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("abc"));
    CHECK(c->text_end == 9 && c->hidden_start == 3 && c->hidden_end == 7);
    cell_clear_outputs(c);
    CHECK(c->text_end == 0 && c->hidden_start == 0 && c->hidden_end == 0);
    notebook_free(n);
}

/* Steps: `o` and `e` print the rest on stdout and stderr, `d` displays it (with id after a slash),
 * `u` updates an id, `c` clears. Outputs: o[...] e[...] d[...]. */
static const struct {
    const char *steps, *outputs, *stream;
} output_cases[] = {
    {"", "", ""},
    {"oa", "o[a]", "a"},
    {"oa ob", "o[ab]", "ab"},
    {"oa eb", "o[a]e[b]", "ab"},
    {"oa eb ec od", "o[a]e[bc]o[d]", "abcd"},
    {"oa d1 ob", "o[a]d[1]o[b]", "ab"},
    {"d1 d2", "d[1]d[2]", ""},
    {"o oa o", "o[a]", "a"},
    {"o", "", ""},
    {"oa o eb", "o[a]e[b]", "ab"},
    {"d1/x d2/y ux3", "d[3]d[2]", ""},
    {"d1/x d2 d3/x ux444", "d[444]d[2]d[444]", ""},
    {"d1 ux3!", "d[1]", ""},
    {"oa ux3!", "o[a]", "a"},
    {"d1/x c ux3!", "", ""},
    {"oa c ob", "o[b]", "b"},
    {"d1/x oa ux2 ob", "d[2]o[ab]", "ab"},
};

static void apply(struct cell *c, struct span step)
{
    struct span rest = span_sub(step, 1, step.n);
    switch (step.p[0]) {
    case 'o':
        cell_add_stream(c, OUTPUT_STDOUT, rest);
        break;
    case 'e':
        cell_add_stream(c, OUTPUT_STDERR, rest);
        break;
    case 'd': {
        struct span json = span_cut(&rest, '/');
        cell_add_display(c, json, rest);
        break;
    }
    case 'u': {
        bool missing = span_ends(rest, SPAN("!"));
        struct span json = span_sub(rest, 1, rest.n - 1 - missing);
        CHECK(cell_update_display(c, span_sub(rest, 0, 1), json) == !missing);
        break;
    }
    default:
        CHECK(step.p[0] == 'c');
        cell_clear_outputs(c);
    }
}

static void write_outputs(const struct cell *c, struct text *out)
{
    for (size_t i = 0; i < c->output_count; i++) {
        const struct output *o = &c->outputs[i];
        CHECK(strlen(o->data) == o->size && o->cap > o->size);
        text_addf(out, "%c[%s]", "oed"[o->kind], o -> data);
    }
}

static void outputs_are_as_written(void)
{
    for (size_t i = 0; i < sizeof output_cases / sizeof *output_cases; i++) {
        check_case(output_cases[i].steps);
        struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
        struct cell *c = insert(n, 0, 1);
        struct span steps = span_str(output_cases[i].steps);
        while (steps.n != 0) {
            apply(c, span_cut(&steps, ' '));
        }
        struct text said = TEXT(256);
        write_outputs(c, &said);
        CHECK(span_eq(text_span(&said), span_str(output_cases[i].outputs)));
        text_clear(&said);
        cell_stdout(c, &said);
        CHECK(span_eq(text_span(&said), span_str(output_cases[i].stream)));
        text_free(&said);
        notebook_free(n);
    }
}

static void stream_text_beyond_the_callers_bound_says_so(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = insert(n, 0, 1);
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("abcd"));
    struct text small = TEXT(3);
    cell_stdout(c, &small);
    CHECK(small.overflowed && small.n == 0);
    text_free(&small);
    notebook_free(n);
}

/* A million appends of one byte end in one output that was moved a few times only. */
static void a_stream_grows_by_doubling(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = insert(n, 0, 1);
    size_t moves = 0;
    size_t cap = 0;
    for (size_t i = 0; i < 1000000; i++) {
        cell_add_stream(c, OUTPUT_STDOUT, SPAN("x"));
        moves += c->outputs[0].cap != cap;
        cap = c->outputs[0].cap;
    }
    CHECK(c->output_count == 1 && c->outputs[0].size == 1000000 && moves < 20);
    CHECK(cap < 4000000);
    notebook_free(n);
}

static void bytes_of_a_stream_are_kept_as_they_are(void)
{
    struct notebook *n = notebook_new(SPAN("nb"), SPAN("user"));
    struct cell *c = insert(n, 0, 1);
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("\xC3"));
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("\xA4\0b"));
    CHECK(span_eq(span_of(c->outputs[0].data, c->outputs[0].size), SPAN("\xC3\xA4\0b")));
    notebook_free(n);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(names_are_sorted_by_bytes_and_unique),
        TEST(a_set_may_be_made_of_its_own_names),
        TEST(type_and_status_names_go_both_ways),
        TEST(cells_are_inserted_found_and_removed_by_position),
        TEST(a_moved_cell_stands_where_it_was_sent),
        TEST(a_new_notebook_has_a_life_of_its_own_and_no_events),
        TEST(clearing_forgets_the_text_and_streams_do_not_count_it),
        TEST(a_page_of_many_cells_keeps_its_order),
        TEST(a_new_cell_is_idle_and_known_only_when_empty),
        TEST(texts_of_a_cell_are_replaced_even_by_themselves),
        TEST(outputs_are_as_written),
        TEST(stream_text_beyond_the_callers_bound_says_so),
        TEST(a_stream_grows_by_doubling),
        TEST(bytes_of_a_stream_are_kept_as_they_are),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* Intents that change the page: what they answer, and what becomes stale. */
#include <string.h>

#include "tests/unit/session/page.h"

static struct page_answer edit(struct page *p, const struct session_code *code)
{
    struct page_answer a = {0};
    session_update_cell(p->session, code, page_on_answer, &a);
    page_wait(p, &a);
    return a;
}

static struct page_answer set(struct page *p, const struct session_settings *settings)
{
    struct page_answer a = {0};
    session_set_cell(p->session, settings, page_on_answer, &a);
    page_wait(p, &a);
    return a;
}

/* As after a run. */
static void freshen(struct page *p)
{
    for (size_t i = 0; i < p->session->notebook->cell_count; i++) {
        page_cell(p, i)->stale = false;
    }
}

static void every_cell_is_stale_when_no_kernel_has_run_it(void)
{
    struct page p;
    page_open(&p);
    for (size_t i = 0; i < 3; i++) {
        CHECK(page_cell(&p, i)->stale);
    }
    int64_t seq = session_seq(p.session);
    page_reopen(&p);
    CHECK(session_seq(p.session) == seq); /* it is known already */
    page_end(&p);
}

static void an_edit_makes_the_cell_and_what_depends_on_it_stale(void)
{
    struct page p;
    page_open(&p);
    freshen(&p);
    struct session_code code = {.cell_id = id_span(&page_cell(&p, 1)->id),
                                .code = SPAN("-- @out y\nselect {x} + 1")};
    CHECK(edit(&p, &code).err == OK);
    CHECK(!page_cell(&p, 0)->stale && page_cell(&p, 1)->stale && page_cell(&p, 2)->stale);
    page_end(&p);
}

static void an_edit_that_takes_a_name_away_makes_its_old_readers_stale(void)
{
    struct page p;
    page_open(&p);
    freshen(&p);
    struct session_code code = {.cell_id = id_span(&page_cell(&p, 0)->id),
                                .code = SPAN("-- @out z\nselect 1")};
    CHECK(edit(&p, &code).err == OK);
    CHECK(page_cell(&p, 1)->stale && page_cell(&p, 2)->stale);
    page_end(&p);
}

static void saving_the_same_code_changes_nothing(void)
{
    struct page p;
    page_open(&p);
    freshen(&p);
    size_t told = p.count;
    int64_t revision = p.session->notebook->revision;
    struct session_code code = {.cell_id = id_span(&page_cell(&p, 2)->id),
                                .code = SPAN("select {y}")};
    struct page_answer a = edit(&p, &code);
    CHECK(a.err == OK && a.result.revision == revision);
    CHECK(p.count == told && !page_cell(&p, 2)->stale);
    page_end(&p);
}

static void an_edit_conflicts_only_with_an_edit_of_the_same_cell(void)
{
    struct page p;
    page_open(&p);
    int64_t seen = p.session->notebook->revision;
    struct session_code other = {.cell_id = id_span(&page_cell(&p, 0)->id),
                                 .code = SPAN("-- @out x\nselect 5")};
    CHECK(edit(&p, &other).err == OK);
    struct session_code mine = {.cell_id = id_span(&page_cell(&p, 2)->id),
                                .code = SPAN("select {y} -- mine"),
                                .base = SESSION_BASE_CELL,
                                .revision = seen};
    CHECK(edit(&p, &mine).err == OK);
    mine.code = SPAN("select {y} -- mine, later, but based on what was there before");
    struct page_answer a = edit(&p, &mine);
    CHECK(a.err == ERR_CONFLICT);
    CHECK(strcmp(a.document, "select {y} -- mine") == 0);
    CHECK(a.result.revision == p.session->notebook->revision);
    page_end(&p);
}

static void the_notebooks_revision_conflicts_with_any_edit(void)
{
    struct page p;
    page_open(&p);
    int64_t seen = p.session->notebook->revision;
    struct session_code other = {.cell_id = id_span(&page_cell(&p, 0)->id),
                                 .code = SPAN("select 5")};
    CHECK(edit(&p, &other).err == OK);
    struct session_code mine = {.cell_id = id_span(&page_cell(&p, 2)->id),
                                .code = SPAN("select 6"),
                                .base = SESSION_BASE_NOTEBOOK,
                                .revision = seen};
    CHECK(edit(&p, &mine).err == ERR_CONFLICT);
    page_end(&p);
}

static void a_cell_moves_anywhere_on_the_page(void)
{
    static const struct {
        const char *name;
        int after; /* -1: to the top */
        size_t from, to;
    } cases[] = {
        {"down by one", 1, 0, 1},  {"to the end", 2, 0, 2},  {"up by one", 0, 2, 1},
        {"to the top", -1, 2, 0},  {"where it is", 0, 1, 1}, {"the first to the top", -1, 0, 0},
        {"after itself", 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        struct page p;
        page_open(&p);
        struct id moved = page_cell(&p, cases[i].from)->id;
        struct span after =
            cases[i].after < 0 ? SPAN_NULL : id_span(&page_cell(&p, (size_t)cases[i].after)->id);
        struct page_answer a = {0};
        session_move_cell(p.session, id_span(&moved), after, page_on_answer, &a);
        page_wait(&p, &a);
        CHECK(a.err == OK && a.result.position == cases[i].to);
        CHECK(notebook_find(p.session->notebook, id_span(&moved)) == cases[i].to);
        page_reopen(&p);
        CHECK(notebook_find(p.session->notebook, id_span(&moved)) == cases[i].to);
        page_end(&p);
    }
}

static void settings_of_a_cell_are_kept(void)
{
    struct page p;
    page_open(&p);
    freshen(&p);
    struct session_settings all = {.cell_id = id_span(&page_cell(&p, 0)->id),
                                   .has_name = true,
                                   .name = SPAN("the base"),
                                   .has_disabled = true,
                                   .disabled = true};
    CHECK(set(&p, &all).err == OK);
    CHECK(page_cell(&p, 2)->stale); /* its ancestor does not run any more */
    page_reopen(&p);
    CHECK(page_cell(&p, 0)->disabled);
    CHECK(strcmp(page_cell(&p, 0)->name, "the base") == 0);
    struct session_settings clear = {.cell_id = id_span(&page_cell(&p, 0)->id), .has_name = true};
    CHECK(set(&p, &clear).err == OK);
    CHECK(page_cell(&p, 0)->name == NULL && page_cell(&p, 0)->disabled);
    page_end(&p);
}

static void a_cell_is_created_with_its_code(void)
{
    struct page p;
    page_open(&p);
    struct page_answer a = {0};
    struct session_creation creation = {
        .type = CELL_SQL, .after = id_span(&page_cell(&p, 0)->id), .code = SPAN("select {x}")};
    session_create_cell(p.session, &creation, page_on_answer, &a);
    page_wait(&p, &a);
    CHECK(a.err == OK && a.result.position == 1);
    CHECK(strcmp(page_cell(&p, 1)->code, "select {x}") == 0);
    CHECK(names_has(&page_cell(&p, 1)->reads, SPAN("x")));
    CHECK(page_cell(&p, 1)->stale);
    CHECK(page_last(&p, EVENT_CELL_UPDATED)->seq > page_last(&p, EVENT_CELL_CREATED)->seq);
    page_end(&p);
}

static void an_empty_page_takes_a_cell_but_not_after_one_that_is_not_there(void)
{
    struct page p;
    page_open(&p);
    while (p.session->notebook->cell_count > 0) {
        struct page_answer gone = {0};
        session_delete_cell(p.session, id_span(&page_cell(&p, 0)->id), page_on_answer, &gone);
        page_wait(&p, &gone);
    }
    struct page_answer refused = {0}, created = {0};
    struct session_creation creation = {.type = CELL_SQL,
                                        .after = SPAN("00000000-0000-0000-0000-000000000000")};
    session_create_cell(p.session, &creation, page_on_answer, &refused);
    page_wait(&p, &refused);
    CHECK(refused.err == ERR_NOT_FOUND);
    creation.after = SPAN_NULL;
    session_create_cell(p.session, &creation, page_on_answer, &created);
    page_wait(&p, &created);
    CHECK(created.err == OK && p.session->notebook->cell_count == 1);
    page_end(&p);
}

static void without_a_kernel_there_are_no_variables_and_no_completions(void)
{
    struct page p;
    page_open(&p);
    struct page_answer variables = {0}, completions = {0};
    session_ask(p.session, KERNEL_VARIABLES, SPAN("{}"), page_on_answer, &variables);
    session_ask(p.session, KERNEL_COMPLETE, SPAN("{}"), page_on_answer, &completions);
    page_wait(&p, &variables);
    page_wait(&p, &completions);
    CHECK(variables.err == OK && completions.err == ERR_UNAVAILABLE);
    CHECK(strcmp(variables.document, "{\"variables\":[],\"truncated\":false}") == 0);
    page_end(&p);
}

static void what_does_not_exist_is_not_found(void)
{
    struct page p;
    page_open(&p);
    struct span nowhere = SPAN("00000000-0000-0000-0000-000000000000");
    struct session_code code = {.cell_id = nowhere, .code = SPAN("select 1")};
    struct session_settings settings = {.cell_id = nowhere};
    struct page_answer moved = {0}, run = {0};
    CHECK(edit(&p, &code).err == ERR_NOT_FOUND);
    CHECK(set(&p, &settings).err == ERR_NOT_FOUND);
    session_move_cell(p.session, nowhere, SPAN_NULL, page_on_answer, &moved);
    page_wait(&p, &moved);
    CHECK(moved.err == ERR_NOT_FOUND);
    struct session_run_request request = {.scope = SESSION_RUN_CELL, .cell_id = nowhere};
    session_run(p.session, &request, page_on_answer, &run);
    page_wait(&p, &run);
    CHECK(run.err == ERR_NOT_FOUND);
    page_end(&p);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_cell_is_stale_when_no_kernel_has_run_it),
        TEST(an_edit_makes_the_cell_and_what_depends_on_it_stale),
        TEST(an_edit_that_takes_a_name_away_makes_its_old_readers_stale),
        TEST(saving_the_same_code_changes_nothing),
        TEST(an_edit_conflicts_only_with_an_edit_of_the_same_cell),
        TEST(the_notebooks_revision_conflicts_with_any_edit),
        TEST(a_cell_moves_anywhere_on_the_page),
        TEST(settings_of_a_cell_are_kept),
        TEST(a_cell_is_created_with_its_code),
        TEST(an_empty_page_takes_a_cell_but_not_after_one_that_is_not_there),
        TEST(without_a_kernel_there_are_no_variables_and_no_completions),
        TEST(what_does_not_exist_is_not_found),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

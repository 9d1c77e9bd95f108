/* What is written is what is read: every field, every change. */
#include <string.h>

#include "tests/unit/store/book.h"

static void every_field_comes_back(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    world_check_stored(&w, n);
    world_reopen(&w);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_quarter_megabyte_of_code_comes_back(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = notebook_new(BOOK, ALICE);
    const size_t size = (size_t)NOTEBOOK_CODE_MAX;
    CLEANUP(mem_free_ptr) char *code = mem_alloc(size + 1);
    memset(code, 'x', size);
    (void)world_cell(n, span_str(code));
    CHECK(book_create(&w, n, false) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_cell_whose_names_are_unknown_stays_so(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = notebook_new(BOOK, ALICE);
    world_cell(n, SPAN("x = 1"))->analysed = false;
    world_cell(n, SPAN("pass"))->analysed = true;
    CHECK(book_create(&w, n, false) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void names_and_connections_change_and_clear(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    struct store_write *write = world_write(&w);
    store_rename(write, SPAN(HOSTILE));
    store_set_connection(write, SPAN(""));
    store_set_revision(write, 7);
    CHECK(world_commit(&w, write) == OK);
    n->name = mem_copy(SPAN(HOSTILE));
    n->connection = mem_copy(SPAN(""));
    n->revision = 7;
    world_check_stored(&w, n);
    write = world_write(&w);
    store_rename(write, SPAN_NULL);
    store_set_connection(write, SPAN_NULL);
    CHECK(world_commit(&w, write) == OK);
    mem_free(n->name);
    mem_free(n->connection);
    n->name = n->connection = NULL;
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void updating_a_cell_keeps_its_outputs(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    struct cell *c = n->cells[0];
    cell_set_code(c, SPAN("x = 2"));
    cell_set_flaw(c, SPAN_NULL);
    cell_set_error(c, SPAN_NULL);
    names_set(&c->reads, NULL, 0);
    c->analysed = true;
    c->status = CELL_IDLE;
    c->type = CELL_SQL;
    cell_set_name(c, SPAN_NULL);
    c->revision = 3;
    c->disabled = false; /* and stale it stays */
    c->text_end = 100;
    c->hidden_start = c->hidden_end = 50;
    struct store_write *write = world_write(&w);
    store_update_cell(write, c);
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void outputs_append_replace_and_clear(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    struct cell *c = world_cell(n, SPAN("print(1)"));
    struct store_write *write = world_write(&w);
    store_insert_cell(write, c, SPAN_NULL);
    struct output chunk = {.kind = OUTPUT_STDOUT, .data = (char *)"ab", .size = 2};
    store_append_output(write, id_span(&c->id), &chunk);
    CHECK(world_commit(&w, write) == OK);
    write = world_write(&w);
    struct output shown = {.kind = OUTPUT_DISPLAY, .data = (char *)"{}", .size = 2};
    store_append_output(write, id_span(&c->id), &chunk);
    store_append_output(write, id_span(&c->id), &shown);
    CHECK(world_commit(&w, write) == OK);
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("abab"));
    cell_add_display(c, SPAN("{}"), SPAN_NULL);
    world_check_stored(&w, n); /* adjacent chunks have become one */

    cell_clear_outputs(c);
    cell_add_stream(c, OUTPUT_STDERR, SPAN("other"));
    write = world_write(&w);
    store_replace_outputs(write, c);
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n);

    cell_clear_outputs(c);
    write = world_write(&w);
    store_clear_outputs(write, id_span(&c->id));
    store_clear_outputs(write, id_span(&c->id));
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void an_existing_notebook_is_left_alone_or_a_conflict(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, true) == OK);
    struct notebook *other = notebook_new(BOOK, ALICE);
    (void)world_cell(other, SPAN("other"));
    CHECK(book_create(&w, other, true) == OK);
    world_check_stored(&w, n);
    CHECK(book_create(&w, other, false) == ERR_CONFLICT);
    world_check_stored(&w, n);
    struct notebook *foreign = notebook_new(BOOK, MALLORY);
    CHECK(book_create(&w, foreign, false) == ERR_CONFLICT);
    CHECK(book_create(&w, foreign, true) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    notebook_free(other);
    notebook_free(foreign);
    world_end(&w);
}

static void a_second_cell_of_the_same_id_is_a_conflict(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    struct store_write *write = world_write(&w);
    store_set_revision(write, 1);
    store_insert_cell(write, n->cells[1], SPAN_NULL);
    CHECK(world_commit(&w, write) == ERR_CONFLICT);
    world_check_stored(&w, n); /* the revision did not change either */
    notebook_free(n);
    world_end(&w);
}

static void two_notebooks_may_have_cells_of_the_same_id(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    struct notebook *twin = book_hostile();
    twin->cells[0]->id = n->cells[0]->id;
    mem_free(twin->id);
    twin->id = mem_copy(SPAN("twin"));
    CHECK(book_create(&w, twin, false) == OK);
    struct store_write *write = store_write_new(w.store, ALICE, SPAN("twin"));
    store_delete_cell(write, id_span(&twin->cells[0]->id));
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n);
    notebook_free(n);
    notebook_free(twin);
    world_end(&w);
}

static void a_deleted_notebook_takes_everything_with_it(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    struct store_write *write = world_write(&w);
    store_delete_notebook(write);
    CHECK(world_commit(&w, write) == OK);
    enum err e = OK;
    CHECK(world_load(&w, ALICE, &e) == NULL && e == ERR_NOT_FOUND);
    mem_free(n->name);
    n->name = NULL;
    notebook_remove(n, 0);
    CHECK(book_create(&w, n, false) == OK); /* no cell or output of the old one turns up */
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_write_without_changes_is_fine(void)
{
    struct world w;
    world_start(&w);
    CHECK(world_commit(&w, world_write(&w)) == OK);
    store_write_free(world_write(&w));
    store_write_free(NULL);
    world_end(&w);
}

/* --- reading --- */
static void a_running_cell_has_failed_when_the_server_comes_back(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = notebook_new(BOOK, ALICE);
    struct cell *c = world_cell(n, SPAN("while True: pass"));
    c->status = CELL_RUNNING;
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("so far"));
    world_cell(n, SPAN("x"))->status = CELL_SUCCESS;
    CHECK(book_create(&w, n, false) == OK);
    c->status = CELL_ERROR;
    cell_set_error(c, SPAN("The server stopped while this cell was running."));
    c->text_end = 6; /* nobody has said so: the text does */
    world_check_stored(&w, n);
    enum err e = OK;
    struct notebook *read = world_load(&w, ALICE, &e);
    CHECK(read->cells[0]->interrupted); /* so that somebody tells of it */
    CHECK(!read->cells[1]->interrupted && read->cells[1]->error == NULL);
    notebook_free(read);
    notebook_free(n);
    world_end(&w);
}

static void the_text_of_a_run_that_never_ended_is_measured(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = notebook_new(BOOK, ALICE);
    struct cell *c = world_cell(n, SPAN("while True: print('more')"));
    c->status = CELL_RUNNING;
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("shown "));
    CHECK(book_create(&w, n, false) == OK);
    struct store_write *write = world_write(&w);
    store_append_text(write, id_span(&c->id), 6, SPAN("and hidden"));
    CHECK(world_commit(&w, write) == OK);
    c->status = CELL_ERROR;
    cell_set_error(c, SPAN("The server stopped while this cell was running."));
    c->hidden_start = 6;
    c->hidden_end = c->text_end = 16;
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_point_read_tells_whose_it_is(void)
{
    struct world w;
    world_start(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_head head = {0};
    CHECK(store_find(w.store, a, BOOK, &head) == ERR_NOT_FOUND);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    CHECK(store_find(w.store, a, BOOK, &head) == OK);
    CHECK(span_eq(head.id, BOOK) && span_eq(head.owner, ALICE));
    CHECK(span_eq(head.name, SPAN(HOSTILE)) && head.revision == INT64_MAX);
    struct store_write *write = world_write(&w);
    store_rename(write, SPAN_NULL);
    CHECK(world_commit(&w, write) == OK);
    CHECK(store_find(w.store, a, BOOK, &head) == OK); /* one's own write is seen at once */
    CHECK(span_is_null(head.name));
    CHECK(store_find(w.store, a, SPAN("' OR 1=1 --"), &head) == ERR_NOT_FOUND);
    notebook_free(n);
    world_end(&w);
}

static void a_row_we_never_write_is_an_error_and_not_a_guess(void)
{
    static const char *const damages[] = {
        "UPDATE cells SET type = 'cobol'",
        "UPDATE cells SET status = 'bored'",
        "UPDATE cells SET reads = '[1'",
        "UPDATE cells SET writes = '{}'",
        "UPDATE outputs SET kind = 'smell'",
        "UPDATE cells SET reads = '[]]'",
        "UPDATE cells SET id = 'short'",
        "UPDATE cells SET writes = '[\"a\", null]'",
        "UPDATE cells SET code = 'x' || CHAR(0) || 'y'",
        "UPDATE outputs SET data = '' WHERE kind = 'display'",
        "UPDATE cells SET hidden_start = -1",
        "UPDATE cells SET hidden_end = 6",
        "UPDATE cells SET text_end = 8",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        check_case(damages[i]);
        struct world w;
        world_start(&w);
        struct notebook *n = notebook_new(BOOK, ALICE);
        book_fill_cell(world_cell(n, SPAN("x")));
        CHECK(book_create(&w, n, false) == OK);
        world_close(&w);
        world_sql(&w, damages[i]);
        CHECK(world_open(&w) == OK);
        enum err e = OK;
        CHECK(world_load(&w, ALICE, &e) == NULL && e == ERR_INTERNAL);
        notebook_free(n);
        world_end(&w);
    }
}

struct listing {
    bool done;
    enum err err;
    size_t count;
    char ids[64][8];
};

static void on_listed(void *data, enum err e, const struct store_list *list)
{
    struct listing *l = data;
    CHECK(!l->done);
    *l = (struct listing){.done = true, .err = e, .count = list->count};
    for (size_t i = 0; i < list->count; i++) {
        CHECK(span_eq(list->items[i].owner, ALICE));
        (void)snprintf(l->ids[i], sizeof l->ids[i], "%.*s", SPAN_ARGS(list->items[i].id));
    }
}

static struct listing list_alices(struct world *w)
{
    struct listing l = {0};
    store_list(w->store, ALICE, on_listed, &l);
    CHECK(!l.done);
    while (!l.done) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    CHECK(l.err == OK);
    return l;
}

static void a_list_is_the_owners_in_order_of_creation(void)
{
    struct world w;
    world_start(&w);
    CHECK(list_alices(&w).count == 0);
    char id[8];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(id, sizeof id, "%03d", (i * 7) % 40); /* not in order of the ids */
        struct notebook *n = notebook_new(span_str(id), i % 2 == 0 ? ALICE : MALLORY);
        CHECK(book_create(&w, n, false) == OK);
        notebook_free(n);
    }
    struct store_write *write = store_write_new(w.store, ALICE, SPAN("014"));
    store_delete_notebook(write); /* the second of alice's */
    CHECK(world_commit(&w, write) == OK);
    struct listing l = list_alices(&w);
    CHECK(l.count == 19);
    for (int i = 0, at = 0; i < 40; i += 2) {
        (void)snprintf(id, sizeof id, "%03d", (i * 7) % 40);
        if (i != 2) {
            CHECK(strcmp(l.ids[at++], id) == 0);
        }
    }
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_field_comes_back),
        TEST(a_quarter_megabyte_of_code_comes_back),
        TEST(a_cell_whose_names_are_unknown_stays_so),
        TEST(names_and_connections_change_and_clear),
        TEST(updating_a_cell_keeps_its_outputs),
        TEST(outputs_append_replace_and_clear),
        TEST(an_existing_notebook_is_left_alone_or_a_conflict),
        TEST(a_second_cell_of_the_same_id_is_a_conflict),
        TEST(two_notebooks_may_have_cells_of_the_same_id),
        TEST(a_deleted_notebook_takes_everything_with_it),
        TEST(a_write_without_changes_is_fine),
        TEST(a_running_cell_has_failed_when_the_server_comes_back),
        TEST(the_text_of_a_run_that_never_ended_is_measured),
        TEST(a_point_read_tells_whose_it_is),
        TEST(a_row_we_never_write_is_an_error_and_not_a_guess),
        TEST(a_list_is_the_owners_in_order_of_creation),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

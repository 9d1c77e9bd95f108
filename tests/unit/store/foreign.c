/* Every change names the owner: nothing of somebody else's, and nothing that is missing, can be
 * changed. */
#include "tests/unit/store/book.h"

typedef void (*change_fn)(struct store_write *w, const struct cell *c);

static void change_name(struct store_write *w, const struct cell *c)
{
    store_rename(w, SPAN("stolen"));
}

static void change_connection(struct store_write *w, const struct cell *c)
{
    store_set_connection(w, SPAN("stolen"));
}

static void change_revision(struct store_write *w, const struct cell *c)
{
    store_set_revision(w, 666);
}

static void change_delete(struct store_write *w, const struct cell *c)
{
    store_delete_notebook(w);
}

static void change_insert(struct store_write *w, const struct cell *c)
{
    struct cell fresh = {.id = id_new(), .code = (char *)"stolen"};
    store_insert_cell(w, &fresh, id_span(&c->id));
}

static void change_insert_first(struct store_write *w, const struct cell *c)
{
    struct cell fresh = {.id = id_new(), .code = (char *)"stolen"};
    store_insert_cell(w, &fresh, SPAN_NULL);
}

static void change_cell(struct store_write *w, const struct cell *c)
{
    struct cell stolen = {.id = c->id, .code = (char *)"stolen"};
    store_update_cell(w, &stolen);
}

static void change_delete_cell(struct store_write *w, const struct cell *c)
{
    store_delete_cell(w, id_span(&c->id));
}

static void change_clear(struct store_write *w, const struct cell *c)
{
    store_clear_outputs(w, id_span(&c->id));
}

static void change_append(struct store_write *w, const struct cell *c)
{
    struct output o = {.kind = OUTPUT_STDOUT, .data = (char *)"stolen", .size = 6};
    store_append_output(w, id_span(&c->id), &o);
}

static void change_replace(struct store_write *w, const struct cell *c)
{
    struct cell empty = {.id = c->id};
    store_replace_outputs(w, &empty);
}

static void change_place(struct store_write *w, const struct cell *c)
{
    store_move_cell(w, id_span(&c->id), SPAN_NULL);
}

static void change_place_after(struct store_write *w, const struct cell *c)
{
    store_move_cell(w, id_span(&c->id), id_span(&c->id));
}

static void change_text(struct store_write *w, const struct cell *c)
{
    store_append_text(w, id_span(&c->id), 7, SPAN("stolen"));
}

static void change_event(struct store_write *w, const struct cell *c)
{
    struct store_event e = {.seq = 1, .kind = SPAN("stolen"), .json = SPAN("{}")};
    store_append_event(w, &e);
}

static void change_history(struct store_write *w, const struct cell *c)
{
    store_trim_events(w, 1);
}

static const struct {
    const char *name;
    change_fn change;
    bool names_cell;
} changes[] = {
    {"rename", change_name, false},
    {"connection", change_connection, false},
    {"revision", change_revision, false},
    {"delete", change_delete, false},
    {"insert", change_insert, true},
    {"insert first", change_insert_first, false},
    {"update", change_cell, true},
    {"delete cell", change_delete_cell, true},
    {"clear", change_clear, true},
    {"append", change_append, true},
    {"replace", change_replace, true},
    {"move", change_place, true},
    {"move after", change_place_after, true},
    {"text", change_text, true},
    {"event", change_event, false},
    {"trim", change_history, false},
};
#define CHANGES (sizeof changes / sizeof *changes)

static void nothing_of_somebody_elses_can_be_changed(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    CHECK(book_create(&w, n, false) == OK);
    struct notebook *own = notebook_new(SPAN("own"), MALLORY);
    CHECK(book_create(&w, own, false) == OK); /* she is a user, with a notebook */
    for (size_t i = 0; i < CHANGES; i++) {
        check_case(changes[i].name);
        struct store_write *write = store_write_new(w.store, MALLORY, BOOK);
        changes[i].change(write, n->cells[0]);
        CHECK(world_commit(&w, write) == ERR_NOT_FOUND);
        world_check_stored(&w, n);
    }
    enum err e = OK;
    CHECK(world_load(&w, MALLORY, &e) == NULL && e == ERR_NOT_FOUND);
    notebook_free(n);
    notebook_free(own);
    world_end(&w);
}

static void a_missing_notebook_or_cell_is_not_found(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = book_hostile();
    struct cell missing = {.id = id_new(), .code = (char *)""};
    for (size_t i = 0; i < CHANGES; i++) {
        check_case(changes[i].name);
        struct store_write *write = world_write(&w);
        changes[i].change(write, n->cells[0]);
        CHECK(world_commit(&w, write) == ERR_NOT_FOUND);
    }
    CHECK(book_create(&w, n, false) == OK);
    for (size_t i = 0; i < CHANGES; i++) {
        check_case(changes[i].name);
        if (changes[i].names_cell) {
            struct store_write *write = world_write(&w);
            store_rename(write, SPAN("half applied"));
            changes[i].change(write, &missing);
            CHECK(world_commit(&w, write) == ERR_NOT_FOUND);
            world_check_stored(&w, n);
        }
    }
    notebook_free(n);
    world_end(&w);
}

static void each_of_those_changes_works_for_the_owner(void)
{
    for (size_t i = 0; i < CHANGES; i++) {
        check_case(changes[i].name);
        struct world w;
        world_start(&w);
        struct notebook *n = book_hostile();
        CHECK(book_create(&w, n, false) == OK);
        struct store_write *write = world_write(&w);
        changes[i].change(write, n->cells[0]);
        CHECK(world_commit(&w, write) == OK);
        notebook_free(n);
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(nothing_of_somebody_elses_can_be_changed),
        TEST(a_missing_notebook_or_cell_is_not_found),
        TEST(each_of_those_changes_works_for_the_owner),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

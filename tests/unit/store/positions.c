/* The order of cells on the page, against a model in memory. */
#include "tests/unit/store/world.h"

/* In memory and in the file; `at` is where it goes. */
static void insert(struct world *w, struct notebook *n, size_t at)
{
    struct id id = id_new();
    struct cell *c = notebook_insert(n, at, id_span(&id), CELL_PYTHON, SPAN("x"));
    struct store_write *write = world_write(w);
    store_insert_cell(write, c, at == 0 ? SPAN_NULL : id_span(&n->cells[at - 1]->id));
    CHECK(world_commit(w, write) == OK);
}

static void cells_go_first_last_and_in_the_middle(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    static const size_t places[] = {0, 0, 2, 1, 4, 2};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        insert(&w, n, places[i]);
        world_check_stored(&w, n);
    }
    notebook_free(n);
    world_end(&w);
}

static void one_spot_takes_any_number_of_cells(void)
{
    static const struct {
        const char *name;
        size_t at;
    } spots[] = {{"always first", 0}, {"always after the first", 1}, {"before the last", 2}};
    for (size_t i = 0; i < 3; i++) {
        check_case(spots[i].name);
        struct world w;
        world_start(&w);
        struct notebook *n = world_book(&w);
        for (int k = 0; k < 3; k++) {
            insert(&w, n, n->cell_count);
        }
        for (int k = 0; k < 80; k++) { /* a gap has room for 24 */
            insert(&w, n, i == 2 ? n->cell_count - 1 : spots[i].at);
        }
        world_check_stored(&w, n);
        notebook_free(n);
        world_end(&w);
    }
}

static void delete_at(struct world *w, struct notebook *n, size_t at)
{
    struct store_write *write = world_write(w);
    store_delete_cell(write, id_span(&n->cells[at]->id));
    CHECK(world_commit(w, write) == OK);
    notebook_remove(n, at);
}

/* `to` is where it then stands. */
static void move(struct world *w, struct notebook *n, size_t from, size_t to)
{
    struct store_write *write = world_write(w);
    struct id id = n->cells[from]->id;
    notebook_move(n, from, to);
    store_move_cell(write, id_span(&id), to == 0 ? SPAN_NULL : id_span(&n->cells[to - 1]->id));
    CHECK(world_commit(w, write) == OK);
}

static void a_cell_moves_from_anywhere_to_anywhere(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    for (size_t i = 0; i < 5; i++) {
        insert(&w, n, i);
    }
    for (size_t i = 0; i < 25; i++) {
        move(&w, n, i / 5, i % 5);
        world_check_stored(&w, n);
    }
    struct store_write *write = world_write(&w);
    struct id missing = id_new();
    store_move_cell(write, id_span(&n->cells[0]->id), id_span(&missing));
    CHECK(world_commit(&w, write) == ERR_NOT_FOUND);
    write = world_write(&w);
    store_move_cell(write, id_span(&n->cells[1]->id), id_span(&n->cells[1]->id));
    CHECK(world_commit(&w, write) == OK); /* behind itself: where it is */
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Most insertions go to three spots, so that gaps are used up. */
static void edit(struct world *w, struct notebook *n, uint32_t *random)
{
    if (n->cell_count > 0 && world_random(random) % 3 == 0) {
        delete_at(w, n, world_random(random) % n->cell_count);
        return;
    }
    if (n->cell_count > 3 && world_random(random) % 3 == 0) { /* into the second gap, mostly */
        move(w, n, world_random(random) % n->cell_count, world_random(random) % 4 == 0 ? 0 : 1);
        return;
    }
    size_t spread = world_random(random) % 4 == 0 ? n->cell_count + 1 : 3;
    insert(w, n, smaller(world_random(random) % spread, n->cell_count));
}

static void a_thousand_random_edits_match_the_model(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    uint32_t random = 20240229;
    for (int i = 0; i < 1000; i++) {
        edit(&w, n, &random);
        if (i % 50 == 0) {
            world_check_stored(&w, n);
        }
    }
    world_reopen(&w);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(cells_go_first_last_and_in_the_middle),
        TEST(a_cell_moves_from_anywhere_to_anywhere),
        TEST(one_spot_takes_any_number_of_cells),
        TEST(a_thousand_random_edits_match_the_model),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

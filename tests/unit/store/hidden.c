/* Hidden text: appended in pieces, read by range. */
#include <string.h>

#include "tests/unit/store/book.h"

#define PIECE ((size_t)1024 * 1024) /* the largest that is stored as one */
#define START ((size_t)1000)        /* bytes that are among the outputs */

/* Byte `at` of the run's text. */
static char byte_at(size_t at)
{
    return (char)(at * 31 + at / 4096);
}

static char *text_from(size_t start, size_t size)
{
    char *p = mem_alloc(size);
    for (size_t i = 0; i < size; i++) {
        p[i] = byte_at(start + i);
    }
    return p;
}

static enum err append(struct world *w, struct span cell_id, size_t start, size_t size)
{
    CLEANUP(mem_free_ptr) char *p = text_from(start, size);
    struct store_write *write = world_write(w);
    store_append_text(write, cell_id, start, span_of(p, size));
    return world_commit(w, write);
}

struct answer {
    bool done;
    enum err err;
    size_t start, size;
};

static void on_text(void *data, enum err e, struct span text)
{
    struct answer *a = data;
    CHECK(!a->done);
    for (size_t i = 0; i < text.n; i++) {
        CHECK(text.p[i] == byte_at(a->start + i));
    }
    *a = (struct answer){.done = true, .err = e, .size = text.n};
}

static struct answer ask_of(struct world *w, const struct store_text_range *range)
{
    struct answer a = {.start = range->start};
    store_text(w->store, range, on_text, &a);
    CHECK(!a.done);
    while (!a.done) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    return a;
}

static struct answer ask(struct world *w, const struct cell *c, size_t start, size_t size)
{
    struct store_text_range range = {.owner = ALICE,
                                     .notebook_id = BOOK,
                                     .cell_id = id_span(&c->id),
                                     .start = start,
                                     .size = size};
    return ask_of(w, &range);
}

/* A book with a cell, in memory and in the file. */
static struct notebook *book_with_cell(struct world *w)
{
    world_start(w);
    struct notebook *n = world_book(w);
    struct store_write *write = world_write(w);
    store_insert_cell(write, world_cell(n, SPAN("print()")), SPAN_NULL);
    CHECK(world_commit(w, write) == OK);
    return n;
}

/* Pieces of 10, of 90, and one write of two and a half times the largest. */
#define END (START + 100 + 5 * PIECE / 2)

static void append_all(struct world *w, const struct cell *c)
{
    CHECK(append(w, id_span(&c->id), START, 10) == OK);
    CHECK(append(w, id_span(&c->id), START + 10, 0) == OK);
    CHECK(append(w, id_span(&c->id), START + 10, 90) == OK);
    CHECK(append(w, id_span(&c->id), START + 100, 5 * PIECE / 2) == OK);
}

static const struct {
    const char *name;
    size_t start, size, got;
} ranges[] = {
    {"all", START, END - START, END - START},
    {"more than all", START, SIZE_MAX, END - START},
    {"nothing", START, 0, 0},
    {"the first byte", START, 1, 1},
    {"the first piece", START, 10, 10},
    {"over the first border", START + 5, 10, 10},
    {"up to a border", START + 5, 5, 5},
    {"from a border", START + 10, 5, 5},
    {"over three pieces", START + 9, 92, 92},
    {"over a border of the largest", START + 100 + PIECE - 1, 2, 2},
    {"over all of a large one", START + 99 + PIECE, PIECE + 2, PIECE + 2},
    {"the last byte", END - 1, 1, 1},
    {"beyond the end", END - 3, 10, 3},
    {"at the end", END, 10, 0},
    {"outside", END + 1000000, 10, 0},
    {"before the beginning", START - 1, 10, 0},
    {"at zero", 0, SIZE_MAX, 0},
    {"at the end of numbers", SIZE_MAX, SIZE_MAX, 0},
    {"at the end of signed numbers", INT64_MAX, SIZE_MAX, 0},
};

static void ranges_go_over_the_borders_of_pieces(void)
{
    struct world w;
    struct notebook *n = book_with_cell(&w);
    append_all(&w, n->cells[0]);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
            check_case(ranges[i].name);
            struct answer a = ask(&w, n->cells[0], ranges[i].start, ranges[i].size);
            CHECK(a.err == OK && a.size == ranges[i].got);
        }
        world_reopen(&w);
    }
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM hidden_text") == 5);
    CHECK(world_number(&w, "SELECT MAX(length(data)) FROM hidden_text") == (int64_t)PIECE);
    notebook_free(n);
    world_end(&w);
}

static void random_ranges_are_as_long_as_they_should(void)
{
    struct world w;
    struct notebook *n = book_with_cell(&w);
    uint32_t random = 31;
    size_t end = START;
    for (int i = 0; i < 200; i++) {
        size_t size = world_random(&random) % 3000;
        CHECK(append(&w, id_span(&n->cells[0]->id), end, size) == OK);
        end += size;
    }
    for (int i = 0; i < 500; i++) {
        size_t start = START + world_random(&random) % (end - START);
        size_t size = world_random(&random) % 20000;
        size_t left = end - start;
        CHECK(ask(&w, n->cells[0], start, size).size == (size < left ? size : left));
    }
    notebook_free(n);
    world_end(&w);
}

static void a_piece_that_does_not_go_on_is_a_conflict(void)
{
    struct world w;
    struct notebook *n = book_with_cell(&w);
    append_all(&w, n->cells[0]);
    static const size_t wrong[] = {0, START, START + 100, END - 1, END + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(append(&w, id_span(&n->cells[0]->id), wrong[i], 5) == ERR_CONFLICT);
    }
    CHECK(ask(&w, n->cells[0], START, SIZE_MAX).size == END - START);
    CHECK(append(&w, id_span(&n->cells[0]->id), END, 5) == OK);
    notebook_free(n);
    world_end(&w);
}

static void nobody_else_gets_any(void)
{
    struct world w;
    struct notebook *n = book_with_cell(&w);
    append_all(&w, n->cells[0]);
    struct id missing = id_new();
    struct store_text_range range = {.owner = MALLORY,
                                     .notebook_id = BOOK,
                                     .cell_id = id_span(&n->cells[0]->id),
                                     .start = START,
                                     .size = 100};
    struct answer a = ask_of(&w, &range);
    CHECK(a.err == ERR_NOT_FOUND && a.size == 0);
    range.owner = ALICE;
    CHECK(ask_of(&w, &range).size == 100);
    range.cell_id = id_span(&missing);
    CHECK(ask_of(&w, &range).err == ERR_NOT_FOUND);
    range.cell_id = id_span(&n->cells[0]->id);
    range.notebook_id = SPAN("another");
    CHECK(ask_of(&w, &range).err == ERR_NOT_FOUND);
    notebook_free(n);
    world_end(&w);
}

/* --- where it goes --- */
static void outputs_are_replaced_without_it_and_cleared_with_it(void)
{
    struct world w;
    struct notebook *n = book_with_cell(&w);
    struct cell *c = n->cells[0];
    append_all(&w, c);
    c->text_end = END + 7;
    c->hidden_start = START;
    c->hidden_end = END;
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("the end"));
    struct store_write *write = world_write(&w);
    store_update_cell(write, c);
    store_replace_outputs(write, c);
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n);
    CHECK(ask(&w, c, START, SIZE_MAX).size == END - START);

    cell_clear_outputs(c);
    write = world_write(&w);
    store_clear_outputs(write, id_span(&c->id));
    CHECK(world_commit(&w, write) == OK);
    world_check_stored(&w, n); /* text_end too */
    CHECK(ask(&w, c, START, SIZE_MAX).size == 0);
    CHECK(append(&w, id_span(&c->id), 3, 5) == OK); /* of the next run */
    CHECK(ask(&w, c, 3, SIZE_MAX).size == 5);
    notebook_free(n);
    world_end(&w);
}

static void it_goes_with_its_cell_and_its_notebook(void)
{
    for (int i = 0; i < 2; i++) {
        struct world w;
        struct notebook *n = book_with_cell(&w);
        append_all(&w, n->cells[0]);
        struct store_write *write = world_write(&w);
        if (i == 0) {
            store_delete_cell(write, id_span(&n->cells[0]->id));
        } else {
            store_delete_notebook(write);
        }
        CHECK(world_commit(&w, write) == OK);
        world_close(&w);
        CHECK(world_number(&w, "SELECT COUNT(*) FROM hidden_text") == 0);
        notebook_free(n);
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(ranges_go_over_the_borders_of_pieces),
        TEST(random_ranges_are_as_long_as_they_should),
        TEST(a_piece_that_does_not_go_on_is_a_conflict),
        TEST(nobody_else_gets_any),
        TEST(outputs_are_replaced_without_it_and_cleared_with_it),
        TEST(it_goes_with_its_cell_and_its_notebook),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

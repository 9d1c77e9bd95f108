#include "tests/unit/store/book.h"

void book_fill_cell(struct cell *c)
{
    struct span names[] = {SPAN("x"), SPAN("d\xc3\xa9"), SPAN("a\"b\\c\n"), SPAN("")};
    names_set(&c->reads, names, 4);
    names_set(&c->writes, names, 1);
    c->analysed = true;
    cell_set_flaw(c, SPAN(HOSTILE));
    cell_set_error(c, SPAN(BROKEN_UTF8));
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("nul \0 inside"));
    cell_add_stream(c, OUTPUT_STDERR, SPAN(BROKEN_UTF8));
    cell_add_display(c, SPAN("{\"mime_type\":\"text/plain\",\"data\":\"" HOSTILE "\"}"),
                     SPAN("id '1'"));
    cell_add_display(c, SPAN("{}"), SPAN_NULL);
    cell_add_stream(c, OUTPUT_STDOUT, SPAN(HOSTILE));
    c->status = CELL_ERROR;
    cell_set_name(c, SPAN(HOSTILE));
    c->revision = INT64_MAX;
    c->disabled = c->stale = true;
    c->text_end = INT64_MAX;
    c->hidden_start = 7;
    c->hidden_end = INT64_MAX - 1;
}

struct notebook *book_hostile(void)
{
    struct notebook *n = notebook_new(BOOK, ALICE);
    n->name = mem_copy(SPAN(HOSTILE));
    n->connection = mem_copy(SPAN("postgresql://u:p'\"@h/db?x=" HOSTILE));
    n->revision = INT64_MAX;
    book_fill_cell(world_cell(n, SPAN(HOSTILE)));
    (void)world_cell(n, SPAN(""));
    (void)world_cell(n, SPAN(BROKEN_UTF8));
    book_fill_cell(world_cell(n, SPAN("y = 2")));
    n->cells[1]->disabled = true;
    n->cells[2]->stale = true;
    n->cells[2]->type = CELL_SQL;
    n->cells[2]->status = CELL_SUCCESS;
    n->cells[3]->status = CELL_BLOCKED;
    return n;
}

enum err book_create(struct world *w, const struct notebook *n, bool if_missing)
{
    struct store_write *write = store_write_new(w->store, span_str(n->owner), span_str(n->id));
    store_put_user(write);
    store_create_notebook(write, n, if_missing);
    return world_commit(w, write);
}

#include "tests/unit/notebook/pages.h"

#include <stdio.h>

#include "tests/unit/check.h"

struct id page_id(size_t number)
{
    struct id id;
    (void)snprintf(id.s, sizeof id.s, "00000000-0000-4000-8000-%012zu", number % 1000000000000);
    return id;
}

static void add_names(struct names *names, struct span words)
{
    int64_t number = 0;
    struct span rest = span_trim(words);
    while (!span_is_null(rest)) {
        struct span word = span_trim(span_cut(&rest, ' '));
        if (word.n != 0 && !span_to_int(word, &number)) {
            names_add(names, word);
        }
    }
}

static void set_flags(struct cell *c, struct span flags)
{
    while (!span_is_null(flags)) {
        struct span flag = span_trim(span_cut(&flags, '!'));
        if (span_eq(flag, SPAN("flaw"))) {
            cell_set_flaw(c, SPAN("SyntaxError"));
        } else if (span_eq(flag, SPAN("disabled"))) {
            c->disabled = true;
        } else {
            CHECK(cell_status_parse(flag, &c->status) == OK);
        }
    }
}

static struct span label_of(struct span *cell)
{
    if (span_find(*cell, ':') < cell->n) {
        return span_trim(span_cut(cell, ':'));
    }
    struct span first = span_trim(span_sub(*cell, 0, span_find(*cell, '=')));
    return span_sub(first, 0, span_find(first, ' '));
}

static void add_cell(struct page *p, struct span source)
{
    struct notebook *n = p->notebook;
    CHECK(n->cell_count < sizeof p->labels / sizeof *p->labels);
    p->labels[n->cell_count] = label_of(&source);
    struct span flags = source;
    struct span code = span_cut(&flags, '!');
    struct id id = page_id(n->cell_count);
    struct cell *c =
        notebook_insert(n, NOTEBOOK_NOWHERE, id_span(&id), CELL_PYTHON, span_trim(code));
    struct span reads = code;
    add_names(&c->writes, span_cut(&reads, '='));
    CHECK(!span_is_null(reads));
    add_names(&c->reads, reads);
    set_flags(c, flags);
}

struct page page_new(const char *source)
{
    struct page p = {.notebook = notebook_new(SPAN("page"), SPAN("user"))};
    struct span rest = span_str(source);
    while (!span_is_null(rest)) {
        add_cell(&p, span_trim(span_cut(&rest, ';')));
    }
    return p;
}

void page_free(struct page *p)
{
    notebook_free(p->notebook);
}

size_t page_find(const struct page *p, struct span label)
{
    size_t at = 0;
    while (at < p->notebook->cell_count && !span_eq(p->labels[at], label)) {
        at++;
    }
    CHECK(at < p->notebook->cell_count);
    return at;
}

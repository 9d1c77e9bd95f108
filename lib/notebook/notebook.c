/* Cells on a page. */
#include "notebook/notebook.h"

#include <assert.h>

static const char *const type_names[] = {
    [CELL_PYTHON] = "python",
    [CELL_SQL] = "sql",
};
static const char *const status_names[] = {
    [CELL_IDLE] = "idle",   [CELL_RUNNING] = "running", [CELL_SUCCESS] = "success",
    [CELL_ERROR] = "error", [CELL_BLOCKED] = "blocked",
};
enum {
    TYPES = sizeof type_names / sizeof *type_names,
    STATUSES = sizeof status_names / sizeof *status_names,
};

struct span cell_type_name(enum cell_type t)
{
    assert((size_t)t < TYPES);
    return span_str(type_names[t]);
}

enum err cell_type_parse(struct span s, enum cell_type *out)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (span_eq(s, span_str(type_names[i]))) {
            *out = (enum cell_type)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

struct span cell_status_name(enum cell_status s)
{
    assert((size_t)s < STATUSES);
    return span_str(status_names[s]);
}

enum err cell_status_parse(struct span s, enum cell_status *out)
{
    for (size_t i = 0; i < STATUSES; i++) {
        if (span_eq(s, span_str(status_names[i]))) {
            *out = (enum cell_status)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

void cell_set_code(struct cell *c, struct span code)
{
    struct span text = span_is_null(code) ? SPAN("") : code;
    assert(memchr(text.p, '\0', text.n) == NULL);
    mem_replace(&c->code, text);
    c->analysed = false;
}

void cell_set_error(struct cell *c, struct span error)
{
    mem_replace(&c->error, error);
}

void cell_set_flaw(struct cell *c, struct span flaw)
{
    mem_replace(&c->flaw, flaw);
}

void cell_set_name(struct cell *c, struct span name)
{
    mem_replace(&c->name, name);
}

static void cell_free(struct cell *c)
{
    mem_free(c->code);
    mem_free(c->name);
    names_free(&c->reads);
    names_free(&c->writes);
    mem_free(c->flaw);
    mem_free(c->error);
    cell_clear_outputs(c);
    mem_free(c);
}

struct notebook *notebook_new(struct span id, struct span owner)
{
    struct notebook *n = mem_alloc(sizeof *n);
    n->id = mem_copy(id);
    n->owner = mem_copy(owner);
    n->epoch = id_new();
    n->oldest = 1;
    return n;
}

void notebook_free(struct notebook *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->cell_count; i++) {
        cell_free(n->cells[i]);
    }
    mem_free(n->cells);
    mem_free(n->id);
    mem_free(n->owner);
    mem_free(n->name);
    mem_free(n->connection);
    mem_free(n);
}

size_t notebook_find(const struct notebook *n, struct span cell_id)
{
    for (size_t i = 0; i < n->cell_count; i++) {
        if (span_eq(id_span(&n->cells[i]->id), cell_id)) {
            return i;
        }
    }
    return NOTEBOOK_NOWHERE;
}

static void make_room(struct notebook *n)
{
    if (n->cell_count == n->cell_cap) {
        n->cell_cap = n->cell_cap == 0 ? 8 : n->cell_cap * 2;
        n->cells = mem_resize(n->cells, n->cell_cap * sizeof(struct cell *));
    }
}

struct cell *notebook_insert(struct notebook *n, size_t position, struct span id,
                             enum cell_type type, struct span code)
{
    assert(id.n == ID_LENGTH);
    size_t at = position < n->cell_count ? position : n->cell_count;
    struct cell *c = mem_alloc(sizeof *c);
    memcpy(c->id.s, id.p, ID_LENGTH);
    c->type = type;
    cell_set_code(c, code);
    c->analysed = code.n == 0;
    make_room(n);
    memmove(&n->cells[at + 1], &n->cells[at], (n->cell_count - at) * sizeof(struct cell *));
    n->cells[at] = c;
    n->cell_count++;
    return c;
}

void notebook_remove(struct notebook *n, size_t position)
{
    assert(position < n->cell_count);
    cell_free(n->cells[position]);
    n->cell_count--;
    memmove(&n->cells[position], &n->cells[position + 1],
            (n->cell_count - position) * sizeof(struct cell *));
}

void notebook_move(struct notebook *n, size_t from, size_t to)
{
    assert(from < n->cell_count);
    size_t at = to < n->cell_count ? to : n->cell_count - 1;
    struct cell *moved = n->cells[from];
    memmove(&n->cells[from], &n->cells[from + 1],
            (n->cell_count - from - 1) * sizeof(struct cell *));
    memmove(&n->cells[at + 1], &n->cells[at], (n->cell_count - at - 1) * sizeof(struct cell *));
    n->cells[at] = moved;
}

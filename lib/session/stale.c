/* stale: cells that show what is no longer so, because their code, or something they depend on, has
 * changed since they ran (REACTIVE B.3). A run ends it. */
#include "session/internal.h"

void stale_mark(struct session *s, const size_t *positions, size_t count)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span *marked = arena_alloc_array(a, count, sizeof *marked);
    size_t marked_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct cell *c = s->notebook->cells[positions[i]];
        if (!c->stale && *c->code != '\0') {
            c->stale = true;
            store_update_cell(batch_write(s), c);
            marked[marked_count++] = id_span(&c->id);
        }
    }
    if (marked_count > 0) {
        struct names ids = {0};
        names_set(&ids, marked, marked_count);
        publish_stale(s, &ids);
        names_free(&ids);
    }
}

void stale_below(struct session *s, struct span cell_id, bool itself)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    size_t at = notebook_find(s->notebook, cell_id);
    struct graph *g = graph_build(a, s->notebook);
    size_t *below;
    size_t count;
    graph_descendants(g, at, a, &below, &count);
    if (itself) {
        stale_mark(s, &at, 1);
    }
    stale_mark(s, below, count);
}

void stale_all(struct session *s)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    size_t count = s->notebook->cell_count;
    size_t *all = arena_alloc_array(a, count, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[i] = i;
    }
    stale_mark(s, all, count);
}

void stale_rest(struct session *s)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct run *r = &s->run;
    size_t *rest = arena_alloc_array(a, r->count - r->next, sizeof *rest);
    size_t count = 0;
    for (size_t i = r->next; i < r->count; i++) {
        size_t at = notebook_find(s->notebook, id_span(&r->steps[i].cell));
        if (at != NOTEBOOK_NOWHERE) {
            rest[count++] = at;
        }
    }
    stale_mark(s, rest, count);
}

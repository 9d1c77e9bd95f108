#include "notebook/choice.h"

/* Per cell: it is disabled, or depends on a disabled cell. */
static bool *find_switched_off(const struct choice *c)
{
    const struct graph *g = c->graph;
    size_t *seeds = arena_alloc_array(c->arena, g->cell_count, sizeof *seeds);
    bool *off = arena_alloc_array(c->arena, g->cell_count, sizeof *off);
    size_t count = 0;
    for (size_t i = 0; i < g->cell_count; i++) {
        if (c->notebook->cells[i]->disabled) {
            seeds[count++] = i;
        }
    }
    if (count == 0) {
        return off; /* as on most pages */
    }
    const size_t *nearest = graph_nearest(g, g->down, c->arena, seeds, count);
    for (size_t i = 0; i < g->cell_count; i++) {
        off[i] = nearest[i] != NOTEBOOK_NOWHERE;
    }
    return off;
}

static void add(struct choice *c, size_t cell, enum plan_reason reason)
{
    if (!c->chosen[cell]) {
        c->chosen[cell] = true;
        c->reason[cell] = reason;
        c->count++;
    }
}

/* The cells asked for and what depends on them, but for those that are switched off. Returns their
 * positions. */
static size_t *choose_descendants(struct choice *c, const struct plan_request *request)
{
    const struct graph *g = c->graph;
    const bool *off = find_switched_off(c);
    const size_t *below = graph_nearest(g, g->down, c->arena, request->wanted, request->count);
    size_t *run = arena_alloc_array(c->arena, g->cell_count, sizeof *run);
    c->disabled = arena_alloc_array(c->arena, g->cell_count, sizeof *c->disabled);
    for (size_t i = 0; i < g->cell_count; i++) {
        if (below[i] != NOTEBOOK_NOWHERE && off[i]) {
            c->disabled[c->disabled_count++] = i;
        } else if (below[i] != NOTEBOOK_NOWHERE) {
            run[c->count] = i;
            add(c, i, PLAN_DESCENDANT);
        }
    }
    for (size_t i = 0; i < request->count; i++) {
        c->reason[request->wanted[i]] = PLAN_ASKED;
    }
    return run;
}

/* Ancestors of what runs that are not fresh, and what lies between: below such an ancestor and
 * above what runs. None is switched off, or what runs would be. */
static void choose_ancestors(struct choice *c, const size_t *run, const bool *fresh)
{
    const struct graph *g = c->graph;
    const size_t *above = graph_nearest(g, g->up, c->arena, run, c->count);
    size_t *unfresh = arena_alloc_array(c->arena, g->cell_count, sizeof *unfresh);
    size_t count = 0;
    for (size_t i = 0; i < g->cell_count; i++) {
        if (above[i] != NOTEBOOK_NOWHERE && !fresh[i]) {
            unfresh[count++] = i;
        }
    }
    const size_t *below = graph_nearest(g, g->down, c->arena, unfresh, count);
    for (size_t i = 0; i < g->cell_count; i++) {
        if (above[i] != NOTEBOOK_NOWHERE && below[i] != NOTEBOOK_NOWHERE) {
            add(c, i, PLAN_ANCESTOR);
        }
    }
}

void choice_make(struct choice *c, const struct plan_request *request)
{
    c->chosen = arena_alloc_array(c->arena, c->graph->cell_count, sizeof *c->chosen);
    c->reason = arena_alloc_array(c->arena, c->graph->cell_count, sizeof *c->reason);
    const size_t *run = choose_descendants(c, request);
    if (request->fresh != NULL) {
        choose_ancestors(c, run, request->fresh);
    }
}

/* In what order cells run, and which cannot. */
#include <assert.h>

#include "notebook/choice.h"

struct span plan_reason_name(enum plan_reason r)
{
    static const char *const names[] = {
        [PLAN_ASKED] = "asked",
        [PLAN_DESCENDANT] = "descendant",
        [PLAN_ANCESTOR] = "ancestor",
    };
    assert((size_t)r < sizeof names / sizeof *names);
    return span_str(names[r]);
}

/* --- in what order --- */

/* Kahn's algorithm over cells and names; of the cells that are ready the first on the page goes
 * next. A cell waits for each name it reads until the chosen writers of that name are done, but not
 * for those on a cycle with itself (nor for itself): they share the component of the name. So a
 * name counts its writers inside and outside its own component. */
struct order {
    const struct choice *choice;
    uint32_t *inside, *outside; /* per node that is a name: chosen writers still to come */
    uint32_t *waits;            /* per cell: names it waits for */
    uint32_t *ready;            /* a binary heap, smallest position first */
    size_t ready_count;
};

static void push(struct order *o, uint32_t cell)
{
    size_t at = o->ready_count++;
    while (at != 0 && o->ready[(at - 1) / 2] > cell) {
        o->ready[at] = o->ready[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    o->ready[at] = cell;
}

static uint32_t pop(struct order *o)
{
    uint32_t first = o->ready[0];
    uint32_t moved = o->ready[--o->ready_count];
    size_t at = 0;
    for (size_t child = 1; child < o->ready_count; child = 2 * at + 1) {
        if (child + 1 < o->ready_count && o->ready[child + 1] < o->ready[child]) {
            child++;
        }
        if (o->ready[child] >= moved) {
            break;
        }
        o->ready[at] = o->ready[child];
        at = child;
    }
    o->ready[at] = moved;
    return first;
}

static bool is_inside(const struct order *o, uint32_t cell, uint32_t name)
{
    return o->choice->graph->component[cell] == o->choice->graph->component[name];
}

static uint32_t *writers_of_kind(struct order *o, uint32_t cell, uint32_t name)
{
    return is_inside(o, cell, name) ? &o->inside[name] : &o->outside[name];
}

static void count_writers(struct order *o)
{
    const struct graph *g = o->choice->graph;
    for (uint32_t cell = 0; cell < g->cell_count; cell++) {
        for (size_t i = 0; o->choice->chosen[cell] && i < g->down[cell].count; i++) {
            ++*writers_of_kind(o, cell, g->down[cell].nodes[i]);
        }
    }
}

static void count_waits(struct order *o)
{
    const struct graph *g = o->choice->graph;
    for (uint32_t cell = 0; cell < g->cell_count; cell++) {
        for (size_t i = 0; i < g->up[cell].count; i++) {
            uint32_t name = g->up[cell].nodes[i];
            o->waits[cell] +=
                o->outside[name] != 0 || (o->inside[name] != 0 && !is_inside(o, cell, name));
        }
        if (o->choice->chosen[cell] && o->waits[cell] == 0) {
            push(o, cell);
        }
    }
}

/* The chosen readers of `name` inside or outside its component have nobody left to wait for. */
static void release(struct order *o, uint32_t name, bool inside)
{
    const struct graph_links *readers = &o->choice->graph->down[name];
    for (size_t i = 0; i < readers->count; i++) {
        uint32_t cell = readers->nodes[i];
        if (is_inside(o, cell, name) == inside && --o->waits[cell] == 0 &&
            o->choice->chosen[cell]) {
            push(o, cell);
        }
    }
}

static void finish(struct order *o, uint32_t cell)
{
    const struct graph_links *names = &o->choice->graph->down[cell];
    for (size_t i = 0; i < names->count; i++) {
        uint32_t name = names->nodes[i];
        bool inside = is_inside(o, cell, name);
        --*writers_of_kind(o, cell, name);
        if (!inside && o->outside[name] == 0) {
            release(o, name, true);
        }
        if (o->outside[name] == 0 && o->inside[name] == 0) {
            release(o, name, false);
        }
    }
}

static struct plan put_in_order(const struct choice *c)
{
    struct arena *a = c->arena;
    const struct graph *g = c->graph;
    struct order o = {
        .choice = c,
        .inside = arena_alloc_array(a, g->node_count, sizeof(uint32_t)),
        .outside = arena_alloc_array(a, g->node_count, sizeof(uint32_t)),
        .waits = arena_alloc_array(a, g->cell_count, sizeof(uint32_t)),
        .ready = arena_alloc_array(a, g->cell_count, sizeof(uint32_t)),
    };
    struct plan plan = {.steps = arena_alloc_array(a, c->count, sizeof *plan.steps)};
    count_writers(&o);
    count_waits(&o);
    while (o.ready_count != 0) {
        uint32_t cell = pop(&o);
        plan.steps[plan.count++].position = cell;
        finish(&o, cell);
    }
    assert(plan.count == c->count); /* components are acyclic among each other */
    return plan;
}

/* --- what cannot run --- */
static bool is_flawed(const struct choice *c, size_t cell)
{
    return c->notebook->cells[cell]->flaw != NULL || graph_knot(c->graph, cell) != NOTEBOOK_NOWHERE;
}

/* Cells below which nothing runs. What failed before but runs again now may succeed. */
static bool is_to_blame(const struct choice *c, size_t cell)
{
    enum cell_status status = c->notebook->cells[cell]->status;
    bool failed = status == CELL_ERROR || status == CELL_BLOCKED;
    return is_flawed(c, cell) || (failed && !c->chosen[cell]);
}

static void mark(const struct choice *c, struct plan *plan)
{
    size_t *culprits = arena_alloc_array(c->arena, c->graph->cell_count, sizeof *culprits);
    size_t count = 0;
    for (size_t i = 0; i < c->graph->cell_count; i++) {
        if (is_to_blame(c, i)) {
            culprits[count++] = i;
        }
    }
    const size_t *nearest = graph_nearest(c->graph, c->graph->down, c->arena, culprits, count);
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];
        step->reason = c->reason[step->position];
        step->flawed = is_flawed(c, step->position);
        step->blocked = !step->flawed && nearest[step->position] != NOTEBOOK_NOWHERE;
        step->cause = step->blocked ? nearest[step->position] : 0;
    }
}

struct plan plan_run(struct arena *a, const struct notebook *n, const struct graph *g,
                     const struct plan_request *request)
{
    assert(g->cell_count == n->cell_count);
    struct choice c = {.notebook = n, .graph = g, .arena = a};
    choice_make(&c, request);
    struct plan plan = put_in_order(&c);
    mark(&c, &plan);
    plan.disabled = c.disabled;
    plan.disabled_count = c.disabled_count;
    return plan;
}

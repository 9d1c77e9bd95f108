/* Which cells lie on cycles, and by which way. */
#include <assert.h>

#include "notebook/graph.h"

/* Cells named in a message; a cycle of thousands is cut in its middle. */
enum { SHOWN_FIRST = 16, SHOWN_LAST = 4 };

/* Tarjan's algorithm with its stack on the heap: a chain of 10,000 cells is 20,000 nodes deep. */
struct search {
    struct graph *graph;
    uint32_t *index;   /* per node: order of discovery from 1; 0: not seen */
    uint32_t *low;     /* per node: the oldest open node that it leads to */
    size_t *next_link; /* per node: the link to follow next */
    uint32_t *path;    /* nodes being visited */
    uint32_t *open;    /* nodes seen whose component is not known yet */
    size_t path_count, open_count;
    uint32_t seen, components;
};

#define UNKNOWN UINT32_MAX

static void enter(struct search *s, uint32_t node)
{
    s->index[node] = s->low[node] = ++s->seen;
    s->path[s->path_count++] = node;
    s->open[s->open_count++] = node;
}

static void lower(struct search *s, uint32_t node, uint32_t to)
{
    if (to < s->low[node]) {
        s->low[node] = to;
    }
}

/* `node` is the oldest of its component: the open nodes from it on are the component. Its first
 * cell is kept when there are two cells or more; one cell and its own names are no cycle. */
static void close_component(struct search *s, uint32_t node)
{
    struct graph *g = s->graph;
    uint32_t first = GRAPH_NO_KNOT;
    size_t cells = 0;
    uint32_t member = 0;
    do {
        member = s->open[--s->open_count];
        g->component[member] = s->components;
        if (member < g->cell_count) {
            cells++;
            first = member < first ? member : first;
        }
    } while (member != node);
    g->knots[s->components++] = cells > 1 ? first : GRAPH_NO_KNOT;
}

static void leave(struct search *s, uint32_t node)
{
    s->path_count--;
    if (s->path_count != 0) {
        lower(s, s->path[s->path_count - 1], s->low[node]);
    }
    if (s->low[node] == s->index[node]) {
        close_component(s, node);
    }
}

/* One link further, or back. */
static void step(struct search *s)
{
    uint32_t node = s->path[s->path_count - 1];
    const struct graph_links *links = &s->graph->down[node];
    if (s->next_link[node] == links->count) {
        leave(s, node);
        return;
    }
    uint32_t next = links->nodes[s->next_link[node]++];
    if (s->index[next] == 0) {
        enter(s, next);
    } else if (s->graph->component[next] == UNKNOWN) {
        lower(s, node, s->index[next]);
    }
}

void graph_find_knots(struct graph *g, struct arena *a)
{
    size_t n = g->node_count;
    g->component = arena_alloc_array(a, n, sizeof *g->component);
    g->knots = arena_alloc_array(a, n, sizeof *g->knots);
    memset(g->component, 0xFF, n * sizeof *g->component); /* UNKNOWN */
    CLEANUP(mem_free_ptr) uint32_t *room = mem_alloc_array(n, 4 * sizeof *room);
    CLEANUP(mem_free_ptr) size_t *next_link = mem_alloc_array(n, sizeof *next_link);
    struct search s = {.graph = g,
                       .index = room,
                       .low = room + n,
                       .path = room + 2 * n,
                       .open = room + 3 * n,
                       .next_link = next_link};
    for (uint32_t node = 0; node < n; node++) {
        if (s.index[node] == 0) {
            enter(&s, node);
        }
        while (s.path_count != 0) {
            step(&s);
        }
    }
}

size_t graph_knot(const struct graph *g, size_t at)
{
    assert(at < g->cell_count);
    uint32_t first = g->knots[g->component[at]];
    return first == GRAPH_NO_KNOT ? NOTEBOOK_NOWHERE : first;
}

/* --- a way round --- */

/* Breadth first inside one component. A name that leads back to the start closes the cycle, unless
 * it was the start that wrote it; so names are taken twice: once from the start, once from others.
 */
struct tour {
    const struct graph *graph;
    uint32_t start;
    uint32_t *parent; /* per cell: the cell before it; UNKNOWN while unseen */
    bool *spread;     /* per node: the readers of this name are all seen */
    uint32_t *queue;
    size_t tail;
};

/* True when `name` leads from `cell` back to the start. */
static bool spread(struct tour *t, uint32_t cell, uint32_t name)
{
    const struct graph *g = t->graph;
    bool back = false;
    for (size_t i = 0; i < g->down[name].count; i++) {
        uint32_t reader = g->down[name].nodes[i];
        back = back || (reader == t->start && cell != t->start);
        if (reader != t->start && t->parent[reader] == UNKNOWN &&
            g->component[reader] == g->component[t->start]) {
            t->parent[reader] = cell;
            t->queue[t->tail++] = reader;
        }
    }
    return back;
}

/* True when a name of `cell` leads back to the start. */
static bool visit(struct tour *t, uint32_t cell)
{
    const struct graph_links *names = &t->graph->down[cell];
    bool back = false;
    for (size_t i = 0; i < names->count && !back; i++) {
        uint32_t name = names->nodes[i];
        if (!t->spread[name]) {
            back = spread(t, cell, name);
            t->spread[name] = cell != t->start;
        }
    }
    return back;
}

/* The last cell of a shortest way from the start back to it. */
static uint32_t last_before_start(struct tour *t)
{
    size_t head = 0;
    t->queue[t->tail++] = t->start;
    while (!visit(t, t->queue[head])) {
        head++;
        assert(head < t->tail); /* in a knot there is a way */
    }
    return t->queue[head];
}

void graph_cycle(const struct graph *g, size_t at, struct arena *a, size_t **path, size_t *count)
{
    *path = NULL;
    *count = 0;
    if (graph_knot(g, at) == NOTEBOOK_NOWHERE) {
        return;
    }
    CLEANUP(mem_free_ptr) uint32_t *room = mem_alloc_array(g->cell_count, 2 * sizeof *room);
    CLEANUP(mem_free_ptr) bool *names = mem_alloc_array(g->node_count, sizeof *names);
    struct tour t = {.graph = g,
                     .start = (uint32_t)at,
                     .parent = room,
                     .queue = room + g->cell_count,
                     .spread = names};
    memset(t.parent, 0xFF, g->cell_count * sizeof *t.parent); /* UNKNOWN */
    uint32_t last = last_before_start(&t);
    size_t length = 1;
    for (uint32_t cell = last; cell != t.start; cell = t.parent[cell]) {
        length++;
    }
    *count = length + 1;
    *path = arena_alloc_array(a, *count, sizeof **path);
    (*path)[0] = (*path)[length] = at;
    for (uint32_t cell = last; cell != t.start; cell = t.parent[cell]) {
        (*path)[--length] = cell;
    }
}

struct span graph_cycle_text(const struct notebook *n, const size_t *path, size_t count,
                             struct arena *a)
{
    if (count == 0) {
        return SPAN_NULL;
    }
    size_t cells = count - 1; /* the last is the first again */
    struct text t = TEXT(4096);
    text_add(&t, SPAN("Circular dependency detected: "));
    for (size_t i = 0; i < cells; i++) {
        if (i == SHOWN_FIRST && cells > SHOWN_FIRST + SHOWN_LAST) {
            i = cells - SHOWN_LAST;
            text_addf(&t, " -> (%zu more)", i - SHOWN_FIRST);
        }
        text_add(&t, i == 0 ? SPAN("") : SPAN(" -> "));
        text_add(&t, id_span(&n->cells[path[i]]->id));
    }
    struct span copy = arena_copy(a, text_span(&t));
    text_free(&t);
    return copy;
}

#include "notebook/graph.h"

#include <assert.h>

#include "base/map.h"

struct builder {
    struct arena *arena;
    const struct notebook *notebook;
    struct graph *graph;
    struct map names; /* to the name's element of graph->up */
};

static struct graph_links new_links(struct arena *a, size_t room)
{
    return (struct graph_links){.nodes = arena_alloc_array(a, room, sizeof(uint32_t))};
}

static void add_link(struct graph_links *links, size_t node)
{
    links->nodes[links->count++] = (uint32_t)node;
}

/* Only names that some cell writes become nodes: reading any other leads nowhere. */
static struct graph_links *written(struct builder *b, struct span name)
{
    struct graph_links *links = map_get(&b->names, name);
    if (links == NULL) {
        links = &b->graph->up[b->graph->node_count++];
        (void)map_put(&b->names, name, links);
    }
    return links;
}

/* Links of a cell; how many links each name will have is counted meanwhile. */
static struct graph_links link_written(struct builder *b, const struct names *writes)
{
    struct graph_links links = new_links(b->arena, writes->count);
    for (size_t i = 0; i < writes->count; i++) {
        struct graph_links *writers = written(b, span_str(writes->items[i]));
        add_link(&links, (size_t)(writers - b->graph->up));
        writers->count++;
    }
    return links;
}

static struct graph_links link_read(struct builder *b, const struct names *reads)
{
    struct graph *g = b->graph;
    struct graph_links links = new_links(b->arena, reads->count);
    for (size_t i = 0; i < reads->count; i++) {
        const struct graph_links *writers = map_get(&b->names, span_str(reads->items[i]));
        if (writers != NULL) {
            add_link(&links, (size_t)(writers - g->up));
            g->down[writers - g->up].count++;
        }
    }
    return links;
}

/* All names have their nodes before the first cell looks for what it reads. */
static void link_cells(struct builder *b)
{
    struct graph *g = b->graph;
    for (size_t i = 0; i < g->cell_count; i++) {
        g->down[i] = link_written(b, &b->notebook->cells[i]->writes);
    }
    for (size_t i = 0; i < g->cell_count; i++) {
        g->up[i] = link_read(b, &b->notebook->cells[i]->reads);
    }
}

/* Cells are visited in page order, so every name's cells lie in page order too. */
static void link_names(struct builder *b)
{
    struct graph *g = b->graph;
    for (size_t name = g->cell_count; name < g->node_count; name++) {
        g->up[name] = new_links(b->arena, g->up[name].count);
        g->down[name] = new_links(b->arena, g->down[name].count);
    }
    for (size_t i = 0; i < g->cell_count; i++) {
        for (size_t k = 0; k < g->down[i].count; k++) {
            add_link(&g->up[g->down[i].nodes[k]], i);
        }
        for (size_t k = 0; k < g->up[i].count; k++) {
            add_link(&g->down[g->up[i].nodes[k]], i);
        }
    }
}

/* Cells, and as many names as are written at most. */
static size_t most_nodes(const struct notebook *n)
{
    size_t nodes = n->cell_count;
    for (size_t i = 0; i < n->cell_count; i++) {
        nodes += n->cells[i]->writes.count;
    }
    assert(nodes < UINT32_MAX);
    return nodes;
}

struct graph *graph_build(struct arena *a, const struct notebook *n)
{
    struct graph *g = arena_alloc(a, sizeof *g);
    struct builder b = {.arena = a, .notebook = n, .graph = g};
    g->cell_count = g->node_count = n->cell_count;
    g->down = arena_alloc_array(a, most_nodes(n), sizeof *g->down);
    g->up = arena_alloc_array(a, most_nodes(n), sizeof *g->up);
    link_cells(&b);
    link_names(&b);
    map_free(&b.names);
    graph_find_knots(g, a);
    return g;
}

static bool has(const struct graph_links *links, size_t node)
{
    for (size_t i = 0; i < links->count; i++) {
        if (links->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

bool graph_edge(const struct graph *g, size_t from, size_t to)
{
    assert(from < g->cell_count && to < g->cell_count);
    const struct graph_links *writes = &g->down[from];
    for (size_t i = 0; i < writes->count && from != to; i++) {
        if (has(&g->up[to], writes->nodes[i])) {
            return true;
        }
    }
    return false;
}

/* Breadth first, from all seeds at once. */
struct walk {
    size_t *nearest;
    uint32_t *queue;
    size_t tail;
};

static void reach(struct walk *w, size_t node, size_t seed)
{
    if (w->nearest[node] == NOTEBOOK_NOWHERE) {
        w->nearest[node] = seed;
        w->queue[w->tail++] = (uint32_t)node;
    }
}

size_t *graph_nearest(const struct graph *g, const struct graph_links *links, struct arena *a,
                      const size_t *seeds, size_t count)
{
    struct walk w = {.nearest = arena_alloc_array(a, g->node_count, sizeof *w.nearest),
                     .queue = arena_alloc_array(a, g->node_count, sizeof *w.queue)};
    for (size_t i = 0; i < g->node_count; i++) {
        w.nearest[i] = NOTEBOOK_NOWHERE;
    }
    for (size_t i = 0; i < count; i++) {
        assert(seeds[i] < g->cell_count);
        reach(&w, seeds[i], seeds[i]);
    }
    for (size_t head = 0; head < w.tail; head++) {
        const struct graph_links *next = &links[w.queue[head]];
        for (size_t i = 0; i < next->count; i++) {
            reach(&w, next->nodes[i], w.nearest[w.queue[head]]);
        }
    }
    return w.nearest;
}

void graph_descendants(const struct graph *g, size_t from, struct arena *a, size_t **out,
                       size_t *count)
{
    const size_t *nearest = graph_nearest(g, g->down, a, &from, 1);
    *out = arena_alloc_array(a, g->cell_count, sizeof **out);
    *count = 0;
    for (size_t i = 0; i < g->cell_count; i++) {
        if (i != from && nearest[i] != NOTEBOOK_NOWHERE) {
            (*out)[(*count)++] = i;
        }
    }
}

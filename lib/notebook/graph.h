/* graph: the dependencies of a notebook as cells and names, never as pairs of cells: a name written
 * by thousands and read by thousands stays thousands of links. Private to lib/notebook.
 *
 * A node is a cell (its position) or a name (cell_count + its number); links go from a cell to the
 * names it writes and from a name to the cells that read it. A cell that reads what it writes
 * itself does not depend on itself, so whoever walks the links ignores a way back to the cell it
 * comes from. */
#pragma once

#include "notebook/notebook.h"

struct graph_links {
    uint32_t *nodes;
    size_t count;
};

struct graph {
    size_t cell_count, node_count;
    struct graph_links *down; /* per node */
    struct graph_links *up;   /* per node */
    uint32_t *component;      /* per node: strongly connected component */
    uint32_t *knots;          /* per component: its first cell, or GRAPH_NO_KNOT below two cells */
};

#define GRAPH_NO_KNOT UINT32_MAX

/* Fills `component` and `knots`. */
void graph_find_knots(struct graph *g, struct arena *a);
/* For every cell the nearest of `seeds` that leads to it (ties: the first of them), a seed itself
 * included, else NOTEBOOK_NOWHERE. `links` is g->down or g->up. */
size_t *graph_nearest(const struct graph *g, const struct graph_links *links, struct arena *a,
                      const size_t *seeds, size_t count);

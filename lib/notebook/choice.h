/* choice: which cells a plan has, and why. Private to lib/notebook. */
#pragma once

#include "notebook/graph.h"

struct choice {
    const struct notebook *notebook;
    const struct graph *graph;
    struct arena *arena;
    bool *chosen;             /* per cell */
    enum plan_reason *reason; /* per chosen cell */
    size_t count;             /* chosen */
    size_t *disabled;         /* as in the plan */
    size_t disabled_count;
};

/* `c` has its notebook, graph and arena; the rest is filled in. */
void choice_make(struct choice *c, const struct plan_request *request);

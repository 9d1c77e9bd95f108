/* The graph and the plan against a slow reading of the same rules: distances between all pairs of
 * cells (Floyd and Warshall), and an order made by looking for the first cell that may go. */
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

enum { CELLS = 12, NAMES = 7, ROUNDS = 30000, FAR = 1000 };

struct world {
    struct notebook *notebook;
    size_t n;
    int distance[CELLS]
                [CELLS]; /* steps from one cell to another, 0 to itself, FAR when there is no way */
    bool fresh[CELLS];
    size_t wanted[3];
    size_t wanted_count;
};

/* xorshift: the same worlds every time */
static uint64_t state;

static size_t draw(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void draw_names(struct names *names, size_t most)
{
    for (size_t i = draw(most + 1); i > 0; i--) {
        names_add(names, span_of(&"abcdefg"[draw(NAMES)], 1));
    }
}

static bool depends(const struct notebook *n, size_t to, size_t from)
{
    for (size_t i = 0; i < n->cells[from]->writes.count; i++) {
        if (names_has(&n->cells[to]->reads, span_str(n->cells[from]->writes.items[i]))) {
            return to != from;
        }
    }
    return false;
}

static void measure(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (size_t j = 0; j < w->n; j++) {
            int direct = depends(w->notebook, j, i) ? 1 : FAR;
            w->distance[i][j] = i == j ? 0 : direct;
        }
    }
    for (size_t k = 0; k < w->n; k++) {
        for (size_t i = 0; i < w->n * w->n; i++) {
            int way = w->distance[i / w->n][k] + w->distance[k][i % w->n];
            int *known = &w->distance[i / w->n][i % w->n];
            *known = way < *known ? way : *known;
        }
    }
}

static struct world draw_world(void)
{
    struct world w = {.notebook = notebook_new(SPAN("n"), SPAN("u")), .n = 1 + draw(CELLS)};
    size_t most = 1 + draw(3);
    for (size_t i = 0; i < w.n; i++) {
        struct id id = page_id(i);
        struct cell *c = notebook_insert(w.notebook, i, id_span(&id), CELL_PYTHON, SPAN("code"));
        draw_names(&c->writes, most);
        draw_names(&c->reads, most);
        c->status = (enum cell_status)draw(CELL_BLOCKED + 1);
        if (draw(12) == 0) {
            cell_set_flaw(c, SPAN("flaw"));
        }
        c->disabled = draw(12) == 0;
        w.fresh[i] = draw(3) != 0;
    }
    w.wanted_count = draw(4);
    for (size_t i = 0; i < w.wanted_count; i++) {
        w.wanted[i] = draw(w.n);
    }
    measure(&w);
    return w;
}

static bool leads(const struct world *w, size_t from, size_t to)
{
    return w->distance[from][to] < FAR;
}

static bool same_knot(const struct world *w, size_t a, size_t b)
{
    return leads(w, a, b) && leads(w, b, a);
}

static bool on_cycle(const struct world *w, size_t cell)
{
    for (size_t i = 0; i < w->n; i++) {
        if (i != cell && same_knot(w, i, cell)) {
            return true;
        }
    }
    return false;
}

/* --- the slow plan --- */
static bool is_asked(const struct world *w, size_t cell)
{
    bool asked = false;
    for (size_t i = 0; i < w->wanted_count; i++) {
        asked |= w->wanted[i] == cell;
    }
    return asked;
}

static bool is_below_asked(const struct world *w, size_t cell)
{
    bool below = false;
    for (size_t i = 0; i < w->wanted_count; i++) {
        below |= leads(w, w->wanted[i], cell);
    }
    return below;
}

static bool is_off(const struct world *w, size_t cell)
{
    bool off = false;
    for (size_t i = 0; i < w->n; i++) {
        off |= w->notebook->cells[i]->disabled && leads(w, i, cell);
    }
    return off;
}

static void choose(const struct world *w, bool *chosen)
{
    bool below[CELLS] = {false};
    for (size_t i = 0; i < w->n; i++) {
        below[i] = is_below_asked(w, i) && !is_off(w, i);
    }
    memcpy(chosen, below, sizeof below);
    for (size_t stale = 0; stale < w->n; stale++) {
        for (size_t i = 0; i < w->n * w->n && !w->fresh[stale]; i++) {
            size_t between = i / w->n;
            size_t end = i % w->n;
            chosen[between] |= leads(w, stale, between) && leads(w, between, end) && below[end];
        }
    }
}

static bool may_go(const struct world *w, const bool *left, size_t cell)
{
    for (size_t i = 0; i < w->n; i++) {
        if (left[i] && depends(w->notebook, cell, i) && !same_knot(w, cell, i)) {
            return false;
        }
    }
    return left[cell];
}

static size_t first_that_may_go(const struct world *w, const bool *left)
{
    for (size_t i = 0; i < w->n; i++) {
        if (may_go(w, left, i)) {
            return i;
        }
    }
    return NOTEBOOK_NOWHERE;
}

static bool is_flawed(const struct world *w, size_t cell)
{
    return w->notebook->cells[cell]->flaw != NULL || on_cycle(w, cell);
}

/* The nearest culprit above `cell`, the first on the page of those equally near; or nowhere. */
static size_t culprit(const struct world *w, const bool *chosen, size_t cell)
{
    size_t best = NOTEBOOK_NOWHERE;
    for (size_t i = 0; i < w->n; i++) {
        enum cell_status s = w->notebook->cells[i]->status;
        bool failed = !chosen[i] && (s == CELL_ERROR || s == CELL_BLOCKED);
        bool blamed = i != cell && leads(w, i, cell) && (failed || is_flawed(w, i));
        if (blamed &&
            (best == NOTEBOOK_NOWHERE || w->distance[i][cell] < w->distance[best][cell])) {
            best = i;
        }
    }
    return best;
}

static enum plan_reason reason(const struct world *w, size_t cell)
{
    if (is_asked(w, cell)) {
        return PLAN_ASKED;
    }
    return is_below_asked(w, cell) ? PLAN_DESCENDANT : PLAN_ANCESTOR;
}

static void check_disabled(const struct world *w, const struct plan *plan)
{
    size_t next = 0;
    for (size_t i = 0; i < w->n; i++) {
        bool expected = is_off(w, i) && is_below_asked(w, i);
        CHECK(!expected || (next < plan->disabled_count && plan->disabled[next] == i));
        next += expected;
    }
    CHECK(next == plan->disabled_count);
}

static void check_plan(const struct world *w, const struct plan *plan)
{
    bool chosen[CELLS] = {false};
    bool left[CELLS];
    choose(w, chosen);
    memcpy(left, chosen, sizeof left);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *s = &plan->steps[i];
        CHECK(s->position == first_that_may_go(w, left));
        left[s->position] = false;
        CHECK(s->reason == reason(w, s->position));
        CHECK(s->flawed == is_flawed(w, s->position));
        size_t blame = culprit(w, chosen, s->position);
        CHECK(s->blocked == (!s->flawed && blame != NOTEBOOK_NOWHERE));
        CHECK(!s->blocked || s->cause == blame);
    }
    for (size_t i = 0; i < w->n; i++) {
        CHECK(!left[i]);
    }
    check_disabled(w, plan);
}

/* --- the graph --- */
static void check_edges(const struct world *w, const struct graph *g)
{
    for (size_t i = 0; i < w->n * w->n; i++) {
        CHECK(graph_edge(g, i / w->n, i % w->n) == depends(w->notebook, i % w->n, i / w->n));
    }
}

static void check_descendants(const struct world *w, const struct graph *g, struct arena *a)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t *below = NULL;
        size_t count = 0;
        size_t next = 0;
        graph_descendants(g, i, a, &below, &count);
        for (size_t to = 0; to < w->n; to++) {
            bool expected = to != i && leads(w, i, to);
            CHECK(!expected || (next < count && below[next] == to));
            next += expected;
        }
        CHECK(next == count);
    }
}

static size_t shortest_cycle(const struct world *w, size_t at)
{
    int best = FAR;
    for (size_t i = 0; i < w->n; i++) {
        int way = w->distance[at][i] + w->distance[i][at];
        best = i != at && way < best ? way : best;
    }
    return best == FAR ? 0 : (size_t)best + 1;
}

static size_t first_of_knot(const struct world *w, size_t at)
{
    size_t first = 0;
    while (!same_knot(w, first, at)) {
        first++;
    }
    return first;
}

static void check_cycles(const struct world *w, const struct graph *g, struct arena *a)
{
    for (size_t at = 0; at < w->n; at++) {
        size_t *path = NULL;
        size_t count = 0;
        graph_cycle(g, at, a, &path, &count);
        CHECK(count == shortest_cycle(w, at));
        CHECK(graph_knot(g, at) == (count == 0 ? NOTEBOOK_NOWHERE : first_of_knot(w, at)));
        for (size_t i = 0; i + 1 < count; i++) {
            CHECK(depends(w->notebook, path[i + 1], path[i]));
        }
        CHECK(count == 0 || (path[0] == at && path[count - 1] == at));
    }
}

static void random_notebooks_agree_with_the_slow_reading(void)
{
    size_t cyclic = 0;
    size_t blocked = 0;
    size_t disabled = 0;
    state = 0x9E3779B97F4A7C15U;
    for (size_t round = 0; round < ROUNDS; round++) {
        char name[32];
        (void)snprintf(name, sizeof name, "round %zu", round);
        check_case(name);
        struct arena *a = arena_new();
        struct world w = draw_world();
        const struct graph *g = graph_build(a, w.notebook);
        check_edges(&w, g);
        check_descendants(&w, g, a);
        check_cycles(&w, g, a);
        struct plan plan = plan_run(
            a, w.notebook, g,
            &(struct plan_request){.wanted = w.wanted, .count = w.wanted_count, .fresh = w.fresh});
        check_plan(&w, &plan);
        disabled += plan.disabled_count;
        for (size_t i = 0; i < plan.count; i++) {
            cyclic += graph_knot(g, plan.steps[i].position) != NOTEBOOK_NOWHERE;
            blocked += plan.steps[i].blocked;
        }
        arena_free(a);
        notebook_free(w.notebook);
    }
    CHECK(cyclic > ROUNDS / 10 && blocked > ROUNDS / 10); /* the worlds are not dull */
    CHECK(disabled > ROUNDS / 10);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(random_notebooks_agree_with_the_slow_reading),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

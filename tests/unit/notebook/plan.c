/* Plans of runs, and the graph below them. */
#include <string.h>
#include <time.h>

#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

/* --- plans --- */

/* PAGE | [stale LABELS] run LABELS -> STEPS [off LABELS], where a step is `a` (runs), `a*` (flawed)
 * or `b(a)` (blocked by a), and `off` are the disabled. Cells are fresh unless they are named
 * stale.
 */
static const char *const scenarios[] = {
    /* what runs */
    "a=1; b=a; c=b | run a -> a b c",
    "a=1; b=a; c=b | run b -> b c",
    "a=1; b=a; c=b | run c -> c",
    "a=1; b=1; c=1 | run b -> b",
    "a=1 | run a -> a",
    "a=1; p:=a; q:=a | run a -> a p q",
    "p:=a; a=1 | run a -> a p",
    "c=b; b=a; a=1 | run a -> a b c",
    "a=1; b=2; c=a b; d=c | run b -> b c d",
    "a=zzz; b=a | run a -> a b",
    /* several wanted, in any order, repeated, one below the other */
    "a=1; b=1; c=a b | run b,a -> a b c",
    "a=1; b=a; c=b | run c,a -> a b c",
    "a=1; b=a | run a,a,a -> a b",
    "a=1; b=1; c=1 | run c,a -> a c",
    /* diamonds and ties by page position */
    "a=1; b=a; c=a; d=b c | run a -> a b c d",
    "a=1; c=a; b=a; d=b c | run a -> a c b d",
    "d=b c; c=a; b=a; a=1 | run a -> a c b d",
    "d=a; a=1; c=d; b=a | run a -> a d c b",
    "z=a; y=a; x=a; a=1 | run a -> a z y x",
    "r=q; a=1; q=a; p=a | run a -> a q r p",
    /* one cell, many names */
    "a b=1; c=a; d=b; e=c d | run a -> a c d e",
    "a b=1; c=a b | run a -> a c",
    /* several writers of a name: every reader depends on all of them */
    "p:x=1; q:x=2; r:=x | run p -> p r",
    "p:x=1; q:x=2; r:=x | run q -> q r",
    "r:=x; q:x=2; p:x=1 | run p,q -> q p r",
    "p:x=1; q:x=p0; s:p0=1; r:=x | run s -> s q r",
    /* reading its own name is no cycle */
    "x=x | run x -> x",
    "p:x=1; q:x=x; r:=x | run p -> p q r",
    "p:x=1; q:x=x; r:=x | run q -> q r",
    "r:=x; q:x=x; p:x=1 | run p -> p q r",
    "a=a b; b=1; c=a | run b -> b a c",
    /* flaws block what is below them, however far */
    "a=1!flaw; b=a; c=b | run a -> a* b(a) c(a)",
    "a=1; b=a!flaw; c=b; d=a | run a -> a b* c(b) d",
    "a=1!flaw; b=a; c=b | run b -> b(a) c(a)",
    "a=1!flaw; b=a!flaw; c=b | run a -> a* b* c(b)",
    "a=1!flaw; b=1!flaw; c=a b | run a,b -> a* b* c(a)",
    "a=1!flaw; x=a; b=1!flaw; c=x b; d=1 | run a,b,d -> a* x(a) b* c(b) d",
    /* what failed before and does not run again blocks */
    "a=1!error; b=a; c=b | run b -> b(a) c(a)",
    "a=1!error; b=a; c=b | run c -> c(a)",
    "a=1!error; b=a; c=b | run a -> a b c",
    "a=1!error; b=a!blocked; c=b!blocked | run c -> c(b)",
    "a=1!error; b=a!blocked; c=b!blocked | run a -> a b c",
    "a=1!error; b=a!blocked; c=b!blocked | run b -> b(a) c(a)",
    "a=1!error; b=1; c=a b; d=c | run b -> b c(a) d(a)",
    "a=1!error; b=1!success; c=b | run c -> c",
    "a=1!success; b=a!success; c=b | run c -> c",
    "a=1!error; x=a; b=1!error; c=x b | run c -> c(b)",
    "b=1!error; a=1!error; c=a b | run c -> c(b)",
    /* cycles that nobody has marked */
    "a=b; b=a | run a -> a* b*",
    "b=a; a=b | run a -> b* a*",
    "a=c; b=a; c=b; d=c; e=d | run b -> a* b* c* d(c) e(c)",
    "s=1; a=b s; b=a; c=b | run s -> s a* b* c(b)",
    "a=b; b=a; c=a; d=1; e=d | run d -> d e",
    "a=b; b=a; c=a | run c -> c(a)",
    "a=b; b=a c; c=b d; d=c; e=a d | run e -> e(a)",
    "a=b; b=a; c=d; d=c; e=b c | run a,c -> a* b* c* d* e(b)",
    "a=b; b=a c; c=d; d=c; e=b | run c -> a* c* b* d* e(b)",
    "p:x=x; q:x=x; r:=x | run p -> p* q* r(p)",
    "p:x=x y; q:x y=1; r:y=x; s:=y | run q -> q p* r* s(r)",
    "e=a; a=b; b=a | run b -> a* e(a) b*",
    "a=b!flaw; b=a!flaw; c=b | run a -> a* b* c(b)",
    /* ancestors that are not fresh run first, and what lies between */
    "a=1; b=a; c=b | stale a run c -> a b c",
    "a=1; b=a; c=b | stale b run c -> b c",
    "a=1; b=a; c=b | stale a,b,c run c -> a b c",
    "a=1; b=a; c=a | stale a,b,c run b -> a b",
    "a=1; b=1; c=a; d=b c | stale b run a -> a b c d",
    "a=1; b=a; c=b; x=a | stale a run c -> a b c",
    "a=1!error; b=a | stale a run b -> a b",
    "a=1!flaw; b=a | stale a run b -> a* b(a)",
    "a=1!error; b=a; c=b | stale b run c -> b(a) c(a)",
    "a=b; b=a; c=b; d=c | stale a,b,c,d run d -> a* b* c(b) d(b)",
    "a=1; b=a | stale b run a -> a b",
    /* disabled cells, and what depends on them, do not run */
    "a=1!disabled; b=a; c=1 | run a -> off a b",
    "a=1; b=a!disabled; c=b; d=a | run a -> a d off b c",
    "a=1!disabled; b=a; c=b | run c -> off c",
    "a=1!disabled; b=1; c=a b; d=b | run b -> b d off c",
    "a=1!disabled; b=1 | run b -> b",
    "a=1; b=1!disabled | run b,a,b -> a off b",
    "p:x=1!disabled; q:x=1; r:=x | run q -> q off r",
    "x=x!disabled; b=x | run x -> off x b",
    "a=1!disabled!flaw; b=a | run a -> off a b",
    "a=1!disabled!error; b=a | run b -> off b",
    "a=b!disabled; b=a; c=b; d=1 | run d,b -> d off a b c",
    "a=1!flaw; b=a!disabled; c=a | run a -> a* c(a) off b",
    "c=a; b=a!disabled; a=1 | run a -> a c off b",
    /* nobody runs for their sake */
    "a=1; b=a!disabled; c=b | stale a run b -> off b c",
    "a=1; b=a!disabled; c=b | stale a run c -> off c",
    "a=1; b=a!disabled; c=a | stale a run b,c -> a c off b",
    "a=1!disabled; b=a; c=b | stale a,b run c -> off c",
    "a=1; b=1!disabled; c=a | stale a,b run c -> a c",
};

/* The same, where a step is `a:why`. */
static const char *const reasons[] = {
    "a=1; b=a; c=b | run a -> a:asked b:descendant c:descendant",
    "a=1; b=a; c=b | run a,b -> a:asked b:asked c:descendant",
    "a=1; b=a; c=b | stale a run c -> a:ancestor b:ancestor c:asked",
    "a=1; b=a; c=b | stale b run c -> b:ancestor c:asked",
    "a=1; b=a; c=b; d=c | stale a run c -> a:ancestor b:ancestor c:asked d:descendant",
    "a=1; b=a; c=b | stale b run a,c -> a:asked b:descendant c:asked",
    "a=1; b=1; c=a b | stale b run a -> a:asked b:ancestor c:descendant",
    "a=1; x=a; b=1; c=x b | stale a,b run b -> a:ancestor x:ancestor b:asked c:descendant",
    "a=1; b=a | stale a,b run b -> a:ancestor b:asked",
    "a=1; b=a | stale a,b run a,b -> a:asked b:asked",
    "a=b; b=a; c=b | run a -> a:asked b:descendant c:descendant",
    "a=1!flaw; b=a | stale a run b -> a:ancestor b:asked",
    "a=1; b=a!disabled; c=a | stale a run c,b -> a:ancestor c:asked off b",
};

struct request {
    size_t wanted[64];
    size_t count;
    bool fresh[64];
};

static size_t parse_labels(const struct page *p, struct span labels, size_t *out)
{
    size_t count = 0;
    while (!span_is_null(labels)) {
        out[count++] = page_find(p, span_trim(span_cut(&labels, ',')));
    }
    return count;
}

/* "stale b,c run a" */
static struct request parse_request(const struct page *p, struct span words)
{
    struct request r = {.count = 0};
    memset(r.fresh, true, sizeof r.fresh);
    if (span_starts(words, SPAN("stale "))) {
        (void)span_cut(&words, ' ');
        size_t stale[64];
        size_t count = parse_labels(p, span_cut(&words, ' '), stale);
        for (size_t i = 0; i < count; i++) {
            r.fresh[stale[i]] = false;
        }
    }
    CHECK(span_eq(span_cut(&words, ' '), SPAN("run")));
    r.count = parse_labels(p, words, r.wanted);
    return r;
}

typedef void (*write_fn)(const struct page *p, const struct plan_step *s, struct text *out);

static void write_outcome(const struct page *p, const struct plan_step *s, struct text *out)
{
    text_addf(out, "%.*s%s", SPAN_ARGS(p->labels[s->position]), s->flawed ? "*" : "");
    if (s->blocked) {
        text_addf(out, "(%.*s)", SPAN_ARGS(p->labels[s->cause]));
    }
    text_add_char(out, ' ');
}

static void write_reason(const struct page *p, const struct plan_step *s, struct text *out)
{
    text_addf(out, "%.*s:%.*s ", SPAN_ARGS(p->labels[s->position]),
              SPAN_ARGS(plan_reason_name(s->reason)));
}

static void write_plan(const struct page *p, const struct plan *plan, write_fn write,
                       struct text *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        write(p, &plan->steps[i], out);
    }
    for (size_t i = 0; i < plan->disabled_count; i++) {
        text_addf(out, "%s%.*s ", i == 0 ? "off " : "", SPAN_ARGS(p->labels[plan->disabled[i]]));
    }
}

static void check_scenario(const char *scenario, write_fn write)
{
    struct text said = TEXT(4096);
    const char *bar = strchr(scenario, '|');
    const char *arrow = strstr(scenario, "->");
    CHECK(bar != NULL && arrow != NULL);
    CLEANUP(mem_free_ptr) char *source = mem_copy(span_of(scenario, (size_t)(bar - scenario)));
    struct page p = page_new(source);
    struct request r = parse_request(&p, span_trim(span_of(bar + 1, (size_t)(arrow - bar - 1))));
    struct arena *a = arena_new();
    struct plan plan =
        plan_run(a, p.notebook, graph_build(a, p.notebook),
                 &(struct plan_request){.wanted = r.wanted, .count = r.count, .fresh = r.fresh});
    write_plan(&p, &plan, write, &said);
    bool same = span_eq(span_trim(text_span(&said)), span_trim(span_str(arrow + 2)));
    if (!same) {
        fprintf(stderr, "# got: %s\n", said.p);
    }
    CHECK(same);
    text_free(&said);
    arena_free(a);
    page_free(&p);
}

static void plans_are_as_written(void)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        check_case(scenarios[i]);
        check_scenario(scenarios[i], write_outcome);
    }
}

static void every_step_says_why_it_runs(void)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        check_case(reasons[i]);
        check_scenario(reasons[i], write_reason);
    }
}

static void an_empty_request_on_an_empty_page_is_an_empty_plan(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("n"), SPAN("u"));
    struct plan plan = plan_run(a, n, graph_build(a, n), &(struct plan_request){.count = 0});
    CHECK(plan.count == 0);
    arena_free(a);
    notebook_free(n);
}

/* --- the graph itself --- */
static void a_self_loop_is_no_edge_and_no_cycle(void)
{
    struct arena *a = arena_new();
    struct page p = page_new("x=x");
    const struct graph *g = graph_build(a, p.notebook);
    size_t *path = NULL;
    size_t count = 1;
    graph_cycle(g, 0, a, &path, &count);
    CHECK(!graph_edge(g, 0, 0));
    CHECK(count == 0);
    CHECK(graph_knot(g, 0) == NOTEBOOK_NOWHERE);
    CHECK(span_is_null(graph_cycle_text(p.notebook, path, count, a)));
    arena_free(a);
    page_free(&p);
}

static void a_cycle_of_two_is_told_with_the_ids_of_both(void)
{
    struct arena *a = arena_new();
    struct page p = page_new("a=b; b=a; c=b");
    const struct graph *g = graph_build(a, p.notebook);
    size_t *path = NULL;
    size_t count = 0;
    graph_cycle(g, 1, a, &path, &count);
    CHECK(count == 3 && path[0] == 1 && path[1] == 0 && path[2] == 1);
    CHECK(span_eq(graph_cycle_text(p.notebook, path, count, a),
                  SPAN("Circular dependency detected: 00000000-0000-4000-8000-000000000001 -> "
                       "00000000-0000-4000-8000-000000000000")));
    graph_cycle(g, 2, a, &path, &count);
    CHECK(count == 0);
    arena_free(a);
    page_free(&p);
}

/* p and q both write and read x, so each depends on the other. */
static void two_cells_that_change_one_name_are_a_cycle(void)
{
    struct arena *a = arena_new();
    struct page p = page_new("p:x=x; q:x=x");
    const struct graph *g = graph_build(a, p.notebook);
    size_t *path = NULL;
    size_t count = 0;
    graph_cycle(g, 0, a, &path, &count);
    CHECK(count == 3 && path[0] == 0 && path[1] == 1 && path[2] == 0);
    CHECK(graph_knot(g, 1) == 0);
    arena_free(a);
    page_free(&p);
}

/* The way back uses a name that the start writes as well. */
static void a_way_back_through_ones_own_name_is_found(void)
{
    struct arena *a = arena_new();
    struct page p = page_new("p:x m=x; q:x=m");
    size_t *path = NULL;
    size_t count = 0;
    graph_cycle(graph_build(a, p.notebook), 0, a, &path, &count);
    CHECK(count == 3 && path[1] == 1);
    arena_free(a);
    page_free(&p);
}

static void nested_cycles_are_one_knot_with_shortest_ways(void)
{
    struct arena *a = arena_new();
    struct page p = page_new("s=1; a=d s; b=a c; c=b; d=c; e=d");
    const struct graph *g = graph_build(a, p.notebook);
    size_t *path = NULL;
    size_t count = 0;
    graph_cycle(g, 2, a, &path, &count);
    CHECK(count == 3 && path[1] == 3);
    graph_cycle(g, 1, a, &path, &count);
    CHECK(count == 5);
    CHECK(graph_knot(g, 4) == 1);
    CHECK(graph_knot(g, 0) == NOTEBOOK_NOWHERE && graph_knot(g, 5) == NOTEBOOK_NOWHERE);
    arena_free(a);
    page_free(&p);
}

/* --- size --- */
enum { MANY = NOTEBOOK_CELLS_MAX };

static struct span numbered(size_t i)
{
    static char name[32];
    return span_of(name, (size_t)snprintf(name, sizeof name, "n%zu", i));
}

static struct cell *add_cell(struct notebook *n)
{
    struct id id = page_id(n->cell_count);
    return notebook_insert(n, NOTEBOOK_NOWHERE, id_span(&id), CELL_PYTHON, SPAN_NULL);
}

/* Each cell needs the one before it; the last one closes the circle when asked to. */
static struct notebook *chain(bool closed)
{
    struct notebook *n = notebook_new(SPAN("chain"), SPAN("u"));
    for (size_t i = 0; i < MANY; i++) {
        struct cell *c = add_cell(n);
        names_add(&c->writes, numbered(i));
        if (i != 0 || closed) {
            names_add(&c->reads, numbered((i + MANY - 1) % MANY));
        }
    }
    return n;
}

/* Of this process: other work on the machine does not count. */
static double cpu_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static struct plan timed_plan(struct arena *a, const struct notebook *n, const char *what)
{
    double start = cpu_ms();
    struct graph *g = graph_build(a, n);
    double built = cpu_ms();
    CLEANUP(mem_free_ptr) bool *fresh = mem_alloc_array(n->cell_count, sizeof *fresh);
    const struct plan_request request = {.wanted = (size_t[]){0}, .count = 1, .fresh = fresh};
    struct plan plan = plan_run(a, n, g, &request);
    printf("# %s of %zu cells: graph %.1f ms, plan %.1f ms\n", what, n->cell_count, built - start,
           cpu_ms() - built);
    return plan;
}

static void a_chain_of_ten_thousand_runs_in_order(void)
{
    struct arena *a = arena_new();
    struct notebook *n = chain(false);
    struct plan plan = timed_plan(a, n, "chain");
    CHECK(plan.count == MANY);
    for (size_t i = 0; i < MANY; i++) {
        CHECK(plan.steps[i].position == i && !plan.steps[i].blocked && !plan.steps[i].flawed);
    }
    arena_free(a);
    notebook_free(n);
}

static void a_cycle_of_ten_thousand_is_found_and_cut_in_the_message(void)
{
    struct arena *a = arena_new();
    struct notebook *n = chain(true);
    struct plan plan = timed_plan(a, n, "cycle");
    size_t *path = NULL;
    size_t count = 0;
    graph_cycle(graph_build(a, n), 5, a, &path, &count);
    CHECK(plan.count == MANY && plan.steps[77].flawed && plan.steps[77].position == 77);
    CHECK(count == MANY + 1 && path[0] == 5 && path[MANY] == 5 && path[1] == 6);
    struct span text = graph_cycle_text(n, path, count, a);
    CHECK(text.n < 1024);
    CHECK(span_has(text, SPAN(" -> (9980 more) -> 00000000-0000-4000-8000-000000000001 -> ")));
    CHECK(span_ends(text, SPAN("000000000004")));
    arena_free(a);
    notebook_free(n);
}

static void a_star_of_ten_thousand_runs_from_its_middle(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("star"), SPAN("u"));
    names_add(&add_cell(n)->writes, SPAN("middle"));
    for (size_t i = 1; i < MANY; i++) {
        names_add(&add_cell(n)->reads, SPAN("middle"));
    }
    struct plan plan = timed_plan(a, n, "star");
    CHECK(plan.count == MANY);
    CHECK(plan.steps[0].position == 0 && plan.steps[MANY - 1].position == MANY - 1);
    arena_free(a);
    notebook_free(n);
}

/* 25 million pairs of cells, 10,000 links. */
static void many_writers_and_many_readers_of_one_name_stay_linear(void)
{
    struct arena *a = arena_new();
    struct notebook *n = notebook_new(SPAN("bundle"), SPAN("u"));
    for (size_t i = 0; i < MANY; i++) {
        struct cell *c = add_cell(n);
        names_add(i < MANY / 2 ? &c->writes : &c->reads, SPAN("x"));
    }
    struct plan plan = timed_plan(a, n, "bundle");
    CHECK(plan.count == MANY); /* the readers need the writers that have not run */
    CHECK(arena_used(a) < (size_t)8 * 1024 * 1024);
    arena_free(a);
    notebook_free(n);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(plans_are_as_written),
        TEST(every_step_says_why_it_runs),
        TEST(an_empty_request_on_an_empty_page_is_an_empty_plan),
        TEST(a_self_loop_is_no_edge_and_no_cycle),
        TEST(a_cycle_of_two_is_told_with_the_ids_of_both),
        TEST(two_cells_that_change_one_name_are_a_cycle),
        TEST(a_way_back_through_ones_own_name_is_found),
        TEST(nested_cycles_are_one_knot_with_shortest_ways),
        TEST(a_chain_of_ten_thousand_runs_in_order),
        TEST(a_cycle_of_ten_thousand_is_found_and_cut_in_the_message),
        TEST(a_star_of_ten_thousand_runs_from_its_middle),
        TEST(many_writers_and_many_readers_of_one_name_stay_linear),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

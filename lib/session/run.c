/* run: which cell runs next. A batch is planned from the cells that were asked for and everything
 * that depends on them; its steps run one after another in the kernel; what is asked for meanwhile
 * becomes the next batch (REACTIVE B.3).
 *
 *   idle --want--> planned --> [ waiting for the kernel --> executing ]* --> idle, or the next
 * batch
 */
#include <assert.h>

#include "base/log.h"
#include "session/internal.h"

struct cell *session_cell(const struct session *s, struct span id)
{
    size_t at = notebook_find(s->notebook, id);
    return at == NOTEBOOK_NOWHERE ? NULL : s->notebook->cells[at];
}

static struct ran *ran_of(const struct session *s, struct span cell_id)
{
    return map_get(&s->ran, cell_id);
}

static struct ran *ran_new(struct session *s, struct span cell_id)
{
    struct ran *r = ran_of(s, cell_id);
    if (r == NULL) {
        r = mem_alloc(sizeof *r);
        (void)map_put(&s->ran, cell_id, r);
    }
    return r;
}

struct cell *run_cell_of(struct session *s, uint64_t run)
{
    size_t i = 0;
    struct span id;
    void *value;
    while (map_next(&s->ran, &i, &id, &value)) {
        if (((struct ran *)value)->run == run) {
            return session_cell(s, id);
        }
    }
    return NULL;
}

static void drop_names(struct session *s, const struct names *names)
{
    if (s->kernel == NULL || names->count == 0) {
        return;
    }
    struct text request = TEXT(MESSAGE_MAX);
    request_drop(names, &request);
    kernel_drop(s->kernel, text_span(&request));
    text_free(&request);
}

/* A cell may have bound names that its newest code does not write any more. */
static void drop_cell(struct session *s, struct ran *r)
{
    drop_names(s, &r->bound);
    names_free(&r->bound);
    r->fresh = false;
}

void run_forget(struct session *s, struct span cell_id)
{
    struct ran *r = map_remove(&s->ran, cell_id);
    if (r != NULL) {
        drop_cell(s, r);
        mem_free(r);
    }
}

/* The kernel is gone, and everything it knew. */
static void forget_all(struct session *s)
{
    size_t i = 0;
    struct span id;
    void *value;
    while (map_next(&s->ran, &i, &id, &value)) {
        names_free(&((struct ran *)value)->bound);
        mem_free(value);
    }
    map_free(&s->ran);
}

/* --- what a cell shows --- */
static void show_running(struct session *s, struct cell *c)
{
    c->status = CELL_RUNNING;
    cell_set_error(c, SPAN_NULL);
    cell_clear_outputs(c);
    store_clear_outputs(batch_write(s), id_span(&c->id));
    store_update_cell(batch_write(s), c);
    publish_status(s, c);
}

static void show_end(struct session *s, struct cell *c, enum cell_status status)
{
    c->status = status;
    store_update_cell(batch_write(s), c);
    publish_status(s, c);
    if (status == CELL_ERROR) {
        publish_error(s, c);
    }
}

/* Clients drop old outputs only on `running` (CONTRACT 0.3), so that comes first. */
static void show_blocked(struct session *s, struct cell *c)
{
    show_running(s, c);
    show_end(s, c, CELL_BLOCKED);
}

static void show_flaw(struct session *s, struct cell *c, struct span flaw)
{
    show_running(s, c);
    cell_set_error(c, flaw);
    show_end(s, c, CELL_ERROR);
}

/* --- one step --- */
static void reset_streams(struct run *r)
{
    r->streamed = r->dropped = 0;
    r->clear_pending = false;
    text_clear(&r->tail);
}

static void execute(struct session *s)
{
    struct run *r = &s->run;
    size_t at = notebook_find(s->notebook, id_span(&r->current));
    struct cell *c = s->notebook->cells[at];
    struct ran *ran = ran_new(s, id_span(&c->id));
    ran->run = ++s->last_run;
    ran->fresh = false;
    names_free(&ran->bound);
    for (size_t i = 0; i < c->writes.count; i++) {
        names_add(&ran->bound, span_str(c->writes.items[i]));
    }
    struct text request = TEXT(MESSAGE_MAX);
    request_execute(s, c, at, &request);
    r->executing = true;
    kernel_execute(s->kernel, ran->run, text_span(&request));
    text_free(&request);
}

static void start_step(struct session *s, struct cell *c)
{
    s->run.current = c->id;
    s->run.executing = false;
    s->run.failed = false;
    reset_streams(&s->run);
    show_running(s, c);
    if (!session_start_kernel(s)) {
        run_on_gone(s, SPAN("The kernel cannot be started: its directory cannot be made."));
    } else if (kernel_state(s->kernel) == KERNEL_IDLE) {
        execute(s);
    }
}

/* --- the batch --- */
static void run_end(struct session *s)
{
    for (size_t i = 0; i < s->run.count; i++) {
        mem_free(s->run.steps[i].flaw);
    }
    mem_free(s->run.steps);
    s->run.steps = NULL;
    s->run.count = s->run.next = 0;
    s->run.active = false;
}

/* Shows steps that cannot run; returns the next that can, or NULL at the end. */
static struct cell *next_cell(struct session *s)
{
    struct run *r = &s->run;
    while (r->next < r->count) {
        const struct step *step = &r->steps[r->next++];
        struct cell *c = session_cell(s, id_span(&step->cell));
        if (c == NULL) {
            continue; /* deleted meanwhile */
        }
        if (step->blocked) {
            show_blocked(s, c);
        } else if (c->flaw != NULL || step->flaw != NULL) {
            show_flaw(s, c, span_str(c->flaw != NULL ? c->flaw : step->flaw));
        } else {
            return c;
        }
    }
    return NULL;
}

/* Ancestors that this kernel has not run are run first: their names do not exist yet. */
static struct plan make_plan(struct session *s, struct arena *a, const struct graph *g)
{
    const struct notebook *n = s->notebook;
    size_t *wanted = arena_alloc_array(a, n->cell_count, sizeof *wanted);
    bool *fresh = arena_alloc_array(a, n->cell_count, sizeof *fresh);
    size_t count = 0;
    for (size_t i = 0; i < n->cell_count; i++) {
        const struct ran *r = ran_of(s, id_span(&n->cells[i]->id));
        fresh[i] = r != NULL;
        if (names_has(&s->run.wanted, id_span(&n->cells[i]->id))) {
            wanted[count++] = i;
        }
    }
    return plan_run(a, n, g,
                    &(struct plan_request){.wanted = wanted, .count = count, .fresh = fresh});
}

struct cycle_texts {
    struct arena *arena;
    struct span *by_knot; /* null until asked for */
};

/* Why a flawed step cannot run. The words of a cycle are made once for all of its cells: `texts`
 * keeps them by the cycle's first cell. */
static char *flaw_of(const struct notebook *n, const struct graph *g, size_t position,
                     struct cycle_texts *texts)
{
    if (n->cells[position]->flaw != NULL) {
        return mem_copy(span_str(n->cells[position]->flaw));
    }
    size_t knot = graph_knot(g, position);
    struct span *text = &texts->by_knot[knot];
    if (span_is_null(*text)) {
        size_t *path;
        size_t count;
        graph_cycle(g, position, texts->arena, &path, &count);
        *text = graph_cycle_text(n, path, count, texts->arena);
    }
    return mem_copy(*text);
}

static void start_batch(struct session *s)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct notebook *n = s->notebook;
    struct graph *g = graph_build(a, n);
    struct plan plan = make_plan(s, a, g);
    struct cycle_texts texts = {
        .arena = a, .by_knot = arena_alloc_array(a, n->cell_count, sizeof(struct span))};
    names_free(&s->run.wanted);
    s->run.steps = mem_alloc_array(plan.count, sizeof *s->run.steps);
    s->run.count = plan.count;
    s->run.next = 0;
    s->run.active = true;
    for (size_t i = 0; i < plan.count; i++) {
        const struct plan_step *step = &plan.steps[i];
        struct span id = id_span(&n->cells[step->position]->id);
        s->run.steps[i] =
            (struct step){.cell = n->cells[step->position]->id, .blocked = step->blocked};
        if (step->flawed) {
            s->run.steps[i].flaw = flaw_of(n, g, step->position, &texts);
        }
        struct ran *r = ran_of(s, id);
        if (r != NULL) {
            drop_cell(s, r); /* nobody reads a stale value, and its memory is free */
        }
    }
}

static void advance(struct session *s)
{
    for (;;) {
        struct cell *c = next_cell(s);
        if (c != NULL) {
            start_step(s, c);
            return;
        }
        run_end(s);
        if (s->run.wanted.count == 0) {
            return;
        }
        start_batch(s);
    }
}

void run_want(struct session *s, struct span cell_id)
{
    names_add(&s->run.wanted, cell_id);
    if (!s->run.active) {
        start_batch(s);
        advance(s);
    }
}

void run_on_ready(struct session *s)
{
    if (!s->run.active || s->run.executing) {
        return;
    }
    if (session_cell(s, id_span(&s->run.current)) == NULL) {
        advance(s); /* deleted while it waited */
        return;
    }
    execute(s);
}

/* Nothing below a failed cell runs, however far below. */
static void block_descendants(struct session *s, const struct cell *c)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct graph *g = graph_build(a, s->notebook);
    size_t *below;
    size_t count;
    graph_descendants(g, notebook_find(s->notebook, id_span(&c->id)), a, &below, &count);
    struct map set = {0};
    for (size_t i = 0; i < count; i++) {
        struct cell *descendant = s->notebook->cells[below[i]];
        (void)map_put(&set, id_span(&descendant->id), descendant);
    }
    for (size_t i = s->run.next; i < s->run.count; i++) {
        if (map_get(&set, id_span(&s->run.steps[i].cell)) != NULL) {
            s->run.steps[i].blocked = true;
        }
    }
    map_free(&set);
}

static void end_step(struct session *s, struct cell *c, enum cell_status status)
{
    struct ran *r = ran_of(s, id_span(&c->id));
    outputs_close_stream(s, c);
    store_replace_outputs(batch_write(s), c);
    show_end(s, c, status);
    if (status != CELL_SUCCESS) {
        block_descendants(s, c);
    }
    if (r != NULL && status == CELL_SUCCESS) {
        r->fresh = true;
    } else if (r != NULL) {
        drop_cell(s, r); /* half of what it was to bind is worse than nothing */
    }
}

void run_on_done(struct session *s, enum kernel_done status)
{
    struct cell *c = session_cell(s, id_span(&s->run.current));
    s->run.executing = false;
    if (c != NULL) {
        bool good = status == KERNEL_DONE_OK && !s->run.failed;
        if (!good && c->error == NULL) {
            cell_set_error(c, SPAN("KeyboardInterrupt"));
        }
        end_step(s, c, good ? CELL_SUCCESS : CELL_ERROR);
    }
    advance(s);
}

/* Cells of the plan that have not begun are as they were before it. */
void run_abandon(struct session *s)
{
    names_free(&s->run.wanted);
    s->run.executing = false;
    run_end(s);
    forget_all(s);
    text_free(&s->run.tail);
}

/* Shows what can be said of the steps that will not come. */
static void show_rest_blocked(struct session *s)
{
    struct run *r = &s->run;
    for (; r->next < r->count; r->next++) {
        struct cell *c = session_cell(s, id_span(&r->steps[r->next].cell));
        if (c != NULL && r->steps[r->next].blocked) {
            show_blocked(s, c);
        }
    }
}

void run_on_gone(struct session *s, struct span why)
{
    struct cell *c = s->run.active ? session_cell(s, id_span(&s->run.current)) : NULL;
    if (c != NULL && c->status == CELL_RUNNING) {
        cell_set_error(c, why);
        end_step(s, c, CELL_ERROR);
        show_rest_blocked(s);
    }
    run_abandon(s);
}

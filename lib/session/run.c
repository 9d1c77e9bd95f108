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

/* --- one step --- */
static void execute(struct session *s)
{
    struct run *r = &s->run;
    size_t at = notebook_find(s->notebook, id_span(&r->current));
    struct cell *c = s->notebook->cells[at];
    struct ran *ran = known_new(s, id_span(&c->id));
    ran->run = ++s->last_run;
    names_free(&ran->bound);
    for (size_t i = 0; i < c->writes.count; i++) {
        names_add(&ran->bound, span_str(c->writes.items[i]));
    }
    struct text request = TEXT(MESSAGE_MAX);
    request_execute(s, c, at, &request);
    r->executing = true;
    batch_tell_kernel(s);
    kernel_execute(s->kernel, ran->run, text_span(&request));
    text_free(&request);
}

static void start_step(struct session *s, struct cell *c)
{
    s->run.current = c->id;
    s->run.executing = false;
    s->run.failed = false;
    stream_reset(s);
    show_running(s, c);
    if (!session_start_kernel(s)) {
        run_on_gone(s, SPAN("The kernel cannot be started: its directory cannot be made."));
    } else if (kernel_state(s->kernel) == KERNEL_IDLE) {
        execute(s);
    }
}

/* --- the batch --- */
static void free_steps(struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        mem_free(r->steps[i].flaw);
    }
    mem_free(r->steps);
    r->steps = NULL;
    r->count = r->next = 0;
}

static struct span outcome(const struct run *r)
{
    if (r->interrupted) {
        return SPAN("interrupted");
    }
    return r->any_error ? SPAN("error") : r->any_blocked ? SPAN("blocked") : SPAN("success");
}

/* `status` of the plan, and of those who wait for it. */
static void run_end(struct session *s, struct span status, struct span result)
{
    if (s->run.active) {
        s->run.active = false;
        publish_plan_ended(s, status);
        wait_end(s, result);
    }
}

/* Shows steps that cannot run; returns the next that can, or NULL at the end. */
static struct cell *next_cell(struct session *s)
{
    struct run *r = &s->run;
    while (r->next < r->count) {
        wait_progress(s);
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

/* Ancestors that this kernel has not run, or not since they changed, are run first: their names do
 * not exist yet, or are not what the page says. */
static struct plan make_plan(struct session *s, struct arena *a, const struct graph *g)
{
    const struct notebook *n = s->notebook;
    size_t *wanted = arena_alloc_array(a, n->cell_count, sizeof *wanted);
    bool *fresh = arena_alloc_array(a, n->cell_count, sizeof *fresh);
    size_t count = 0;
    for (size_t i = 0; i < n->cell_count; i++) {
        const struct ran *r = known_find(s, id_span(&n->cells[i]->id));
        fresh[i] = r != NULL && !n->cells[i]->stale;
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

/* Owned names of what will run go first: nobody reads a stale value, and its memory is free. */
static void take_step(struct session *s, const struct graph *g, const struct plan_step *step,
                      struct cycle_texts *texts)
{
    const struct notebook *n = s->notebook;
    const struct cell *c = n->cells[step->position];
    struct step *out = &s->run.steps[s->run.count++];
    *out = (struct step){.cell = c->id, .reason = step->reason, .blocked = step->blocked};
    if (step->flawed) {
        out->flaw = flaw_of(n, g, step->position, texts);
    }
    struct ran *r = known_find(s, id_span(&c->id));
    if (r != NULL) {
        known_drop(s, r);
    }
}

static void start_batch(struct session *s)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct notebook *n = s->notebook;
    struct graph *g = graph_build(a, n);
    struct plan plan = make_plan(s, a, g);
    struct cycle_texts texts = {
        .arena = a, .by_knot = arena_alloc_array(a, n->cell_count, sizeof(struct span))};
    struct run *r = &s->run;
    names_free(&r->wanted);
    free_steps(r);
    r->steps = mem_alloc_array(plan.count, sizeof *r->steps);
    r->batch++;
    r->active = true;
    r->interrupted = r->any_error = r->any_blocked = false;
    for (size_t i = 0; i < plan.count; i++) {
        take_step(s, g, &plan.steps[i], &texts);
    }
    publish_plan(s, plan.disabled, plan.disabled_count);
    stale_mark(s, plan.disabled, plan.disabled_count);
}

static void end_batch(struct session *s)
{
    bool interrupted = s->run.interrupted;
    run_end(s, interrupted ? SPAN("interrupted") : SPAN("finished"), outcome(&s->run));
    batch_tell_kernel(s);
}

static void advance(struct session *s)
{
    for (;;) {
        struct cell *c = next_cell(s);
        if (c != NULL) {
            start_step(s, c);
            return;
        }
        end_batch(s);
        if (s->run.wanted.count == 0) {
            return;
        }
        start_batch(s);
    }
}

static void add_wanted(struct run *r, const struct span *cell_ids, size_t count)
{
    struct span *all = mem_alloc_array(r->wanted.count + count, sizeof *all);
    size_t n = 0;
    for (; n < r->wanted.count; n++) {
        all[n] = span_str(r->wanted.items[n]);
    }
    for (size_t i = 0; i < count; i++) {
        all[n++] = cell_ids[i];
    }
    struct names merged = {0};
    names_set(&merged, all, n);
    names_free(&r->wanted);
    r->wanted = merged;
    mem_free(all);
}

void run_want(struct session *s, const struct span *cell_ids, size_t count)
{
    add_wanted(&s->run, cell_ids, count);
    if (s->run.active) {
        publish_queued(s);
        return;
    }
    start_batch(s);
    advance(s);
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
    struct ran *r = known_find(s, id_span(&c->id));
    outputs_close_stream(s, c);
    if (s->run.chunks > 1) {
        store_replace_outputs(batch_write(s), c); /* one row per stream again */
    }
    show_end(s, c, status);
    if (status != CELL_SUCCESS) {
        s->run.any_error = true;
        block_descendants(s, c);
    }
    if (r != NULL && status != CELL_SUCCESS) {
        known_drop(s, r); /* half of what it was to bind is worse than nothing */
    }
}

void run_on_done(struct session *s, enum kernel_done status)
{
    struct cell *c = session_cell(s, id_span(&s->run.current));
    s->run.executing = false;
    s->asks_input = false;
    if (c != NULL) {
        bool good = status == KERNEL_DONE_OK && !s->run.failed;
        if (!good && c->error == NULL) {
            cell_set_error(c, SPAN("KeyboardInterrupt"));
        }
        end_step(s, c, good ? CELL_SUCCESS : CELL_ERROR);
    }
    advance(s);
}

/* The rest of the plan is taken back; what runs gets a KeyboardInterrupt. */
void run_take_back(struct session *s)
{
    struct run *r = &s->run;
    if (!r->active) {
        return;
    }
    r->interrupted = true;
    names_free(&r->wanted);
    wait_join(s);
    stale_rest(s);
    r->next = r->count;
    if (r->executing) {
        kernel_interrupt(s->kernel);
        return;
    }
    struct cell *c = session_cell(s, id_span(&r->current));
    if (c != NULL && c->status == CELL_RUNNING) {
        cell_set_error(c, SPAN("KeyboardInterrupt"));
        end_step(s, c, CELL_ERROR);
    }
    end_batch(s);
}

/* Cells of the plan that have not begun are as they were before it. */
void run_abandon(struct session *s)
{
    names_free(&s->run.wanted);
    s->run.executing = s->run.active = false;
    s->asks_input = false;
    free_steps(&s->run);
    known_forget_all(s);
    text_free(&s->run.tail);
}

/* Shows what can be said of the steps that will not come. */
static void show_rest_blocked(struct session *s)
{
    struct run *r = &s->run;
    for (size_t i = r->next; i < r->count; i++) {
        struct cell *c = session_cell(s, id_span(&r->steps[i].cell));
        if (c != NULL && r->steps[i].blocked) {
            show_blocked(s, c);
        }
    }
}

void run_on_gone(struct session *s, struct span why)
{
    struct run *r = &s->run;
    struct cell *c = r->active ? session_cell(s, id_span(&r->current)) : NULL;
    if (c != NULL && c->status == CELL_RUNNING) {
        cell_set_error(c, why);
        end_step(s, c, CELL_ERROR);
        show_rest_blocked(s);
    }
    if (r->active) {
        wait_join(s);
        run_end(s, SPAN("died"), SPAN("died"));
    }
    run_abandon(s);
    stale_all(s);
    batch_tell_kernel(s);
}

#include "kernel/kernel.h"

#include <assert.h>
#include <signal.h>

#include "base/log.h"
#include "kernel/child.h"
#include "kernel/flow.h"
#include "kernel/launcher.h"
#include "kernel/message.h"
#include "kernel/questions.h"

enum {
    AGAIN_MS = 2000, /* from an interrupt to its repetition (design KERNEL.md 4) */
    LOST_MS =
        2000, /* from the end of a socket to the report of the exit; then it has closed it itself */
};

struct kernel {
    struct child child;
    enum kernel_state state;
    bool closing;
    bool is_shut;     /* descriptors are closed, or closing */
    unsigned pending; /* what must end before it is freed */
    struct conn ctl;
    struct flow flow;
    struct questions questions;
    uv_timer_t again; /* the second interrupt */
    uv_timer_t timer;
    const char *timer_words;  /* static sentence: why the kernel is gone when the timer fires */
    const char *killed_words; /* the same, once it fired while paused */
    char *why;                /* owned; the process has ended, what it left comes first */
    bool paused;              /* flow is, or would be */
    uint64_t run;             /* the latest; 0 before the first */
    kernel_event_cb on_event;
    void *data;
    kernel_closed_cb closed;
    void *closed_data;
};

/* STARTING -> IDLE <-> BUSY, and any of them -> GONE (exit, broken protocol, close) */
static const unsigned allowed[] = {
    [KERNEL_STARTING] = 1U << KERNEL_IDLE | 1U << KERNEL_GONE,
    [KERNEL_IDLE] = 1U << KERNEL_BUSY | 1U << KERNEL_GONE,
    [KERNEL_BUSY] = 1U << KERNEL_IDLE | 1U << KERNEL_GONE,
    [KERNEL_GONE] = 0,
};

static void move(struct kernel *k, enum kernel_state next)
{
    assert((allowed[k->state] >> next & 1U) != 0);
    k->state = next;
}

/* --- the end --- */

static void finish_one(struct kernel *k)
{
    assert(k->pending > 0);
    if (--k->pending > 0) {
        return;
    }
    assert(k->closing);
    kernel_closed_cb closed = k->closed;
    void *data = k->closed_data;
    mem_free(k->why);
    mem_free(k);
    if (closed != NULL) {
        closed(data);
    }
}

static void on_conn_closed(struct conn *c)
{
    finish_one(c->data);
}

static void on_flow_closed(struct flow *f)
{
    finish_one(f->data);
}

static void on_questions_closed(struct questions *q)
{
    finish_one(q->data);
}

static void on_timer_closed(uv_handle_t *h)
{
    finish_one(h->data);
}

/* Gives back the descriptors. The timers stay open until kernel_close, so that there is always
 * something that ends later. */
static void shut(struct kernel *k)
{
    (void)uv_timer_stop(&k->timer);
    (void)uv_timer_stop(&k->again);
    if (k->is_shut) {
        return;
    }
    k->is_shut = true;
    conn_close(&k->ctl);
    flow_close(&k->flow);
}

/* After a callback `k` may be closing, but is never freed: its handles close later. */
static bool is_live(const struct kernel *k)
{
    return k->state != KERNEL_GONE;
}

static void emit(struct kernel *k, const struct kernel_event *e)
{
    if (is_live(k)) {
        k->on_event(k->data, e);
    }
}

/* The last event. */
static void go(struct kernel *k, struct span why)
{
    if (!is_live(k)) {
        return;
    }
    move(k, KERNEL_GONE);
    shut(k);
    questions_end(&k->questions, ERR_UNAVAILABLE);
    struct kernel_event e = {.kind = KERNEL_EVENT_GONE, .run = k->run, .text = why};
    k->on_event(k->data, &e);
}

static void kill_and_go(struct kernel *k, struct span why)
{
    child_kill(&k->child);
    go(k, why);
}

/* While paused the end waits like everything else, and comes with the report of the exit. */
static void on_timer(uv_timer_t *t)
{
    struct kernel *k = t->data;
    if (k->paused && k->child.state != CHILD_ENDED) {
        k->killed_words = k->timer_words;
        child_kill(&k->child);
    } else {
        kill_and_go(k, span_str(k->timer_words));
    }
}

static void set_timer(struct kernel *k, uint64_t ms, const char *words)
{
    k->timer_words = words;
    (void)uv_timer_start(&k->timer, on_timer, ms, 0); /* fails only when closing */
}

/* --- frames --- */

static void break_off(struct kernel *k, const char *problem)
{
    CLEANUP(text_free) struct text why = TEXT(256);
    text_addf(&why, "The kernel broke the protocol: it sent %s.", problem);
    log_event(LOG_WARN, "kernel broke the protocol", LOG_STR("problem", problem));
    kill_and_go(k, text_span(&why));
}

/* Words for a frame that may not come now, or NULL. */
static const char *out_of_place(const struct kernel *k, const struct frame *f)
{
    if (k->state == KERNEL_STARTING && f->kind != FRAME_READY) {
        return "something before it was ready";
    }
    if (k->state != KERNEL_STARTING && f->kind == FRAME_READY) {
        return "that it is ready more than once";
    }
    return f->run > k->run ? "output of a run that was never started" : NULL;
}

/* Only the run that is under way can be done. */
static void finish_run(struct kernel *k, const struct kernel_event *e)
{
    if (k->state != KERNEL_BUSY || e->run != k->run) {
        return;
    }
    (void)uv_timer_stop(&k->again);
    flow_flush(&k->flow);
    if (is_live(k)) {
        move(k, KERNEL_IDLE);
        emit(k, e);
    }
}

static void become_ready(struct kernel *k, const struct kernel_event *e)
{
    (void)uv_timer_stop(&k->timer);
    move(k, KERNEL_IDLE);
    emit(k, e);
}

static void emit_text(struct kernel *k, bool is_stderr, uint64_t run, struct span text)
{
    struct kernel_event e = {
        .kind = is_stderr ? KERNEL_EVENT_STDERR : KERNEL_EVENT_STDOUT, .run = run, .text = text};
    emit(k, &e);
}

static void leave_out(struct kernel *k, uint64_t run)
{
    emit_text(k, true, run,
              SPAN("An output was left out: it has too many values, or is nested too deeply.\n"));
}

static void deliver(struct kernel *k, const struct kernel_event *e)
{
    if (e->kind == KERNEL_EVENT_READY) {
        become_ready(k, e);
    } else if (e->kind == KERNEL_EVENT_DONE) {
        finish_run(k, e);
    } else if (e->body != NULL || e->text.n > 0) {
        emit(k, e);
    }
}

static void on_frame(struct flow *flow, const struct frame *f)
{
    struct kernel *k = flow->data;
    CLEANUP(arena_free_ptr) struct arena *arena = frame_is_stream(f) ? NULL : arena_new();
    CLEANUP(text_free) struct text repaired = TEXT(3 * FRAME_STREAM_MAX);
    struct message_space space = {.arena = arena, .repaired = &repaired};
    struct kernel_event event;
    const char *problem = out_of_place(k, f);
    enum err e = problem != NULL ? ERR_INVALID : message_check(f, &space, &event, &problem);
    if (e == OK) {
        deliver(k, &event);
    } else if (e == ERR_TOO_LARGE) {
        leave_out(k, f->run);
    } else {
        break_off(k, problem);
    }
}

static void on_broken(struct flow *f, const char *problem)
{
    break_off(f->data, problem);
}

/* --- reading --- */

/* A socket that ends is no proof of death, nor does death end it: the launcher's report counts. But
 * without its sockets a kernel is of no use. */
static void lose(struct kernel *k)
{
    if (k->why == NULL) {
        set_timer(k, LOST_MS, "The kernel closed its connection.");
    }
}

static void on_lost(struct flow *f)
{
    lose(f->data);
}

static void take_answers(struct kernel *k)
{
    struct frame f;
    const char *problem = k->ctl.in.problem;
    enum err e = OK;
    enum frame_step step = FRAME_MORE;
    while (is_live(k) && e == OK && (step = frame_next(&k->ctl.in, &f)) == FRAME_COMPLETE) {
        e = questions_answer(&k->questions, &f, &problem);
    }
    if (is_live(k) && (e != OK || step == FRAME_BROKEN)) {
        break_off(k, e != OK ? problem : k->ctl.in.problem);
    }
}

/* Once per turn of the loop: at most FRAME_CHUNK bytes, unless a large answer is coming. */
static void on_ctl_readable(struct conn *c)
{
    struct kernel *k = c->data;
    size_t n = 0;
    enum conn_result result = conn_read(c, &n);
    if (result == CONN_DATA) {
        take_answers(k);
    } else if (result == CONN_ENDED) {
        conn_stop_reading(c);
        lose(k);
    }
    if (is_live(k)) {
        frame_rest(&c->in);
    }
}

/* After the server itself was held up, the answer may be there, unread. */
static void on_overdue(struct questions *q)
{
    struct kernel *k = q->data;
    if (is_live(k) && k->ctl.reading) {
        on_ctl_readable(&k->ctl);
    }
}

static void on_text(struct flow *f, bool is_stderr, struct span text)
{
    struct kernel *k = f->data;
    emit_text(k, is_stderr, k->run, text);
}

/* --- the process --- */

/* While paused `ready` cannot come, so nobody waits for it. */
static void wait_for_ready(struct kernel *k)
{
    if (k->paused) {
        (void)uv_timer_stop(&k->timer);
    } else {
        set_timer(k, k->child.launcher->limits.start_ms, "The kernel did not get ready in time.");
    }
}

static void on_running(struct child *c)
{
    wait_for_ready(c->data);
}

/* What it wrote before it ended is still there, and comes first. */
static void on_ended(struct child *c, struct span why)
{
    struct kernel *k = c->data;
    if (is_live(k)) {
        (void)uv_timer_stop(&k->timer);
        k->why = mem_copy(k->killed_words == NULL ? why : span_str(k->killed_words));
        flow_finish(&k->flow);
    }
    finish_one(k);
}

static void on_finished(struct flow *f)
{
    struct kernel *k = f->data;
    go(k, span_str(k->why));
}

static void open_all(struct kernel *k, uv_loop_t *loop, struct ends *ours)
{
    k->ctl = (struct conn){.on_readable = on_ctl_readable, .on_closed = on_conn_closed, .data = k};
    conn_open(&k->ctl, loop, ours->fd[ENDS_CTL], FRAME_FROM_CTL);
    k->flow = (struct flow){
        .on_frame = on_frame,
        .on_text = on_text,
        .on_broken = on_broken,
        .on_lost = on_lost,
        .on_finished = on_finished,
        .on_closed = on_flow_closed,
        .data = k,
    };
    flow_open(&k->flow, loop, ours->fd[ENDS_OUT], &ours->fd[ENDS_STDOUT]);
    k->is_shut = false;
    k->pending += 2;
}

static void open_timers(struct kernel *k, uv_loop_t *loop)
{
    k->timer.data = k->again.data = k;
    (void)uv_timer_init(loop, &k->timer); /* these never fail */
    (void)uv_timer_init(loop, &k->again);
    k->questions =
        (struct questions){.on_overdue = on_overdue, .on_closed = on_questions_closed, .data = k};
    questions_open(&k->questions, loop);
    k->pending += 3;
}

struct kernel *kernel_open(struct launcher *l, const struct kernel_options *options)
{
    struct kernel *k = mem_alloc(sizeof *k);
    k->on_event = options->on_event;
    k->data = options->data;
    k->is_shut = true;
    open_timers(k, l->loop);
    struct ends ours;
    struct ends theirs;
    if (ends_open(&ours, &theirs, ENDS_OF_KERNEL) != OK) {
        set_timer(k, 0, "The kernel could not be started: the server has too many open files.");
        return k;
    }
    open_all(k, l->loop, &ours);
    k->child = (struct child){.on_running = on_running, .on_ended = on_ended, .data = k};
    k->pending++;
    child_start(&k->child, l, CHILD_KERNEL, options->cwd, &theirs);
    return k;
}

/* --- what it is told --- */

enum kernel_state kernel_state(const struct kernel *k)
{
    return k->state;
}

static void tell(struct kernel *k, unsigned kind, struct span payload)
{
    if (is_live(k) && conn_send(&k->ctl, kind, k->run, payload) != OK) {
        set_timer(k, 0, "The kernel does not read what it is sent.");
    }
}

void kernel_execute(struct kernel *k, uint64_t run, struct span request)
{
    assert(run > k->run);
    move(k, KERNEL_BUSY);
    k->run = run;
    tell(k, FRAME_EXECUTE, request);
}

void kernel_drop(struct kernel *k, struct span request)
{
    tell(k, FRAME_DROP, request);
}

void kernel_input(struct kernel *k, struct span value)
{
    if (k->state == KERNEL_STARTING) {
        return;
    }
    CLEANUP(text_free) struct text payload = TEXT(FRAME_PAYLOAD_MAX);
    struct json_writer w = JSON_WRITER(&payload);
    json_open_object(&w);
    json_member_string(&w, SPAN("value"), value);
    json_close_object(&w);
    assert(!payload.overflowed);
    tell(k, FRAME_INPUT_REPLY, text_span(&payload));
}

static void on_again(uv_timer_t *t)
{
    struct kernel *k = t->data;
    child_signal(&k->child, SIGINT);
}

void kernel_interrupt(struct kernel *k)
{
    if (k->state == KERNEL_BUSY) {
        child_signal(&k->child, SIGINT);
        (void)uv_timer_start(&k->again, on_again, AGAIN_MS, 0); /* fails only when closing */
    }
}

void kernel_pause(struct kernel *k, bool paused)
{
    if (!is_live(k) || k->paused == paused) {
        return;
    }
    k->paused = paused;
    flow_pause(&k->flow, paused);
    if (k->state == KERNEL_STARTING && k->child.state == CHILD_RUNNING) {
        wait_for_ready(k);
    }
}

/* Unread questions must not pile up, while C code holds the interpreter, until the kernel seems not
 * to read at all. */
static bool can_ask(const struct kernel *k, struct span request)
{
    bool is_up = k->state == KERNEL_IDLE || k->state == KERNEL_BUSY;
    return is_up && conn_waiting(&k->ctl) + request.n <= QUESTIONS_BYTES_MAX;
}

void kernel_ask(struct kernel *k, enum kernel_question what, struct span request,
                kernel_answer_cb done, void *data)
{
    static const unsigned frames[] = {
        [KERNEL_COMPLETE] = FRAME_COMPLETE_CODE,
        [KERNEL_INSPECT] = FRAME_INSPECT,
        [KERNEL_VARIABLES] = FRAME_VARIABLES,
    };
    assert(!k->closing);
    struct asked asked = {.what = what, .done = done, .data = data};
    enum err refused = can_ask(k, request) ? OK : ERR_UNAVAILABLE;
    uint64_t number = questions_ask(&k->questions, &asked, refused);
    if (number > 0 && conn_send(&k->ctl, frames[what], number, request) != OK) {
        set_timer(k, 0, "The kernel does not read what it is sent.");
    }
}

void kernel_close(struct kernel *k, kernel_closed_cb closed, void *data)
{
    assert(!k->closing);
    k->closing = true;
    k->closed = closed;
    k->closed_data = data;
    if (is_live(k)) {
        move(k, KERNEL_GONE);
    }
    shut(k);
    questions_close(&k->questions);
    uv_close((uv_handle_t *)&k->timer, on_timer_closed);
    uv_close((uv_handle_t *)&k->again, on_timer_closed);
    child_kill(&k->child);
}

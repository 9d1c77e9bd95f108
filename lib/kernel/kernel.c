#include "kernel/kernel.h"

#include <assert.h>
#include <signal.h>

#include "base/log.h"
#include "kernel/child.h"
#include "kernel/conn.h"
#include "kernel/launcher.h"
#include "kernel/message.h"
#include "kernel/raw.h"

enum {
    TURN_MAX =
        1024 * 1024, /* bytes handled in one turn of the loop: other kernels have their turn */
    SOCKET_MAX = 256 * 1024,     /* bytes that may wait in a socket (net.core.wmem_default) */
    DRAIN_MAX = 8 * 1024 * 1024, /* of what a dead kernel left in its sockets (they hold less) */
    LOST_MS =
        2000, /* from the end of a socket to the report of the exit; then it has closed it itself */
};

struct kernel {
    struct child child;
    enum kernel_state state;
    bool closing;
    bool is_shut;     /* conns and raws are closed, or closing */
    unsigned pending; /* open handles, and one for the process */
    struct conn ctl, out;
    struct raw raws[2]; /* descriptors 1 and 2 */
    uv_timer_t timer;
    const char *timer_words; /* static sentence: why the kernel is gone when the timer fires */
    uint64_t run;            /* the latest; 0 before the first */
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
    mem_free(k);
    if (closed != NULL) {
        closed(data);
    }
}

static void on_conn_closed(struct conn *c)
{
    finish_one(c->data);
}

static void on_raw_closed(struct raw *r)
{
    finish_one(r->data);
}

static void on_timer_closed(uv_handle_t *h)
{
    finish_one(h->data);
}

/* Gives back the descriptors. The timer stays open until kernel_close, so that there is always
 * something that ends later. */
static void shut(struct kernel *k)
{
    (void)uv_timer_stop(&k->timer);
    if (k->is_shut) {
        return;
    }
    k->is_shut = true;
    conn_close(&k->ctl);
    conn_close(&k->out);
    raw_close(&k->raws[0]);
    raw_close(&k->raws[1]);
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
    struct kernel_event e = {.kind = KERNEL_EVENT_GONE, .run = k->run, .text = why};
    k->on_event(k->data, &e);
}

static void kill_and_go(struct kernel *k, struct span why)
{
    child_kill(&k->child);
    go(k, why);
}

static void on_timer(uv_timer_t *t)
{
    struct kernel *k = t->data;
    kill_and_go(k, span_str(k->timer_words));
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

static void flush_raws(struct kernel *k)
{
    raw_flush(&k->raws[0]);
    raw_flush(&k->raws[1]);
}

/* Only the run that is under way can be done. */
static void finish_run(struct kernel *k, const struct kernel_event *e)
{
    if (k->state != KERNEL_BUSY || e->run != k->run) {
        return;
    }
    flush_raws(k);
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

static void leave_out(struct kernel *k, uint64_t run)
{
    struct kernel_event e = {
        .kind = KERNEL_EVENT_STDERR,
        .run = run,
        .text = SPAN("An output was left out: it has too many values, or is nested too deeply.\n"),
    };
    emit(k, &e);
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

static bool is_stream(const struct frame *f)
{
    return f->kind == FRAME_STDOUT || f->kind == FRAME_STDERR;
}

static void take_frame(struct kernel *k, const struct frame *f)
{
    CLEANUP(arena_free_ptr) struct arena *arena = is_stream(f) ? NULL : arena_new();
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

static void drain_raws(struct kernel *k)
{
    (void)raw_drain(&k->raws[0]);
    (void)raw_drain(&k->raws[1]);
}

/* What C code and child processes printed before a frame was made goes first, so that it stands in
 * order and belongs to the right run; the frame says whether there was anything. What they printed
 * after it must wait for it. Once is enough: all frames here are older than what is in the pipes
 * afterwards. */
static void take_frames(struct kernel *k)
{
    struct frame f;
    bool drained = false;
    enum frame_step step = FRAME_MORE;
    while (is_live(k) && (step = frame_next(&k->out.in, &f)) == FRAME_COMPLETE) {
        if (f.after_raw && !drained) {
            drain_raws(k);
            drained = true;
        }
        if (is_live(k)) {
            take_frame(k, &f);
        }
    }
    if (is_live(k) && step == FRAME_BROKEN) {
        break_off(k, k->out.in.problem);
    }
}

/* --- reading --- */

/* A socket that ends is no proof of death, nor does death end it: the launcher's report counts. But
 * without its sockets a kernel is of no use. */
static void lose(struct kernel *k, struct conn *c)
{
    conn_stop_reading(c);
    set_timer(k, LOST_MS, "The kernel closed its connection.");
}

static void read_out(struct kernel *k, size_t budget)
{
    enum conn_result result = CONN_DATA;
    for (size_t n = 0, total = 0; is_live(k) && result == CONN_DATA && total < budget; total += n) {
        result = conn_read(&k->out, &n);
        if (result == CONN_DATA) {
            take_frames(k);
        }
    }
    if (is_live(k)) {
        frame_rest(&k->out.in);
        if (result == CONN_ENDED) {
            lose(k, &k->out);
        }
    }
}

static void on_out_readable(struct conn *c)
{
    read_out(c->data, TURN_MAX);
}

/* Nothing is asked on ctl that would be answered there. */
static void on_ctl_readable(struct conn *c)
{
    struct kernel *k = c->data;
    size_t n = 0;
    enum conn_result result = conn_read(c, &n);
    if (result == CONN_DATA) {
        break_off(k, "an answer to nothing");
    } else if (result == CONN_ENDED) {
        lose(k, c);
    }
}

static void on_raw_text(struct raw *r, struct span text)
{
    struct kernel *k = r->data;
    struct kernel_event e = {
        .kind = r == &k->raws[0] ? KERNEL_EVENT_STDOUT : KERNEL_EVENT_STDERR,
        .run = k->run,
        .text = text,
    };
    emit(k, &e);
}

/* Frames first: those that came after this text say so. Between the two pipes nobody knows which
 * came first: standard output goes first. */
static void on_raw_readable(struct raw *r)
{
    struct kernel *k = r->data;
    if (k->out.reading) {
        read_out(k, SOCKET_MAX);
    }
    if (!is_live(k)) {
        return;
    }
    if (r == &k->raws[1]) {
        (void)raw_drain(&k->raws[0]);
    }
    raw_read(r);
}

/* --- the process --- */

static void on_running(struct child *c)
{
    struct kernel *k = c->data;
    set_timer(k, c->launcher->limits.start_ms, "The kernel did not get ready in time.");
}

/* What it wrote before it ended is still there, and comes first. */
static void on_ended(struct child *c, struct span why)
{
    struct kernel *k = c->data;
    if (is_live(k)) {
        read_out(k, DRAIN_MAX);
    }
    if (is_live(k)) {
        drain_raws(k);
        flush_raws(k);
    }
    go(k, why);
    finish_one(k);
}

static void open_all(struct kernel *k, uv_loop_t *loop, struct ends *ours)
{
    k->ctl = (struct conn){.on_readable = on_ctl_readable, .on_closed = on_conn_closed, .data = k};
    k->out = (struct conn){.on_readable = on_out_readable, .on_closed = on_conn_closed, .data = k};
    conn_open(&k->ctl, loop, ours->fd[ENDS_CTL], FRAME_FROM_CTL);
    conn_open(&k->out, loop, ours->fd[ENDS_OUT], FRAME_FROM_OUT);
    for (int i = 0; i < 2; i++) {
        k->raws[i] = (struct raw){.on_text = on_raw_text,
                                  .on_readable = on_raw_readable,
                                  .on_closed = on_raw_closed,
                                  .data = k};
        raw_open(&k->raws[i], loop, ours->fd[ENDS_STDOUT + i]);
    }
    k->is_shut = false;
    k->pending += 4;
}

struct kernel *kernel_open(struct launcher *l, const struct kernel_options *options)
{
    struct kernel *k = mem_alloc(sizeof *k);
    k->on_event = options->on_event;
    k->data = options->data;
    k->is_shut = true;
    k->timer.data = k;
    (void)uv_timer_init(l->loop, &k->timer); /* never fails */
    k->pending = 1;
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
    CLEANUP(text_free) struct text payload = TEXT(FRAME_PAYLOAD_MAX);
    struct json_writer w = JSON_WRITER(&payload);
    json_open_object(&w);
    json_member_string(&w, SPAN("value"), value);
    json_close_object(&w);
    assert(!payload.overflowed);
    tell(k, FRAME_INPUT_REPLY, text_span(&payload));
}

void kernel_interrupt(struct kernel *k)
{
    if (k->state == KERNEL_BUSY) {
        child_signal(&k->child, SIGINT);
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
    uv_close((uv_handle_t *)&k->timer, on_timer_closed);
    child_kill(&k->child);
}

#include "kernel/flow.h"

#include <assert.h>

/* After a callback `f` may be paused or closed, but is never gone: its handles close later. */
static bool is_flowing(const struct flow *f)
{
    return f->is_open && !f->paused;
}

static void spend(struct flow *f, size_t n)
{
    f->left -= n < f->left ? n : f->left;
}

/* --- pipes --- */

/* Whether all that is owed was taken. */
static bool take_owed(struct flow *f)
{
    for (int i = 0; i < 2; i++) {
        while (f->owed[i] > 0 && f->left > 0 && is_flowing(f)) {
            size_t most = f->owed[i] < f->left ? f->owed[i] : f->left;
            size_t n = raw_read(&f->raws[i], most);
            f->owed[i] = n == 0 ? 0 : f->owed[i] - n; /* somebody else may read the pipe */
            spend(f, n);
        }
    }
    return f->owed[0] == 0 && f->owed[1] == 0;
}

static void owe_all(struct flow *f)
{
    f->owed[0] = raw_waiting(&f->raws[0]);
    f->owed[1] = raw_waiting(&f->raws[1]);
}

void flow_flush(struct flow *f)
{
    raw_flush(&f->raws[0]);
    raw_flush(&f->raws[1]);
}

/* --- frames; each step returns whether there may be another --- */

static bool give_frame(struct flow *f, const struct frame *frame)
{
    spend(f, FLOW_FRAME_COST);
    f->on_frame(f, frame);
    return true;
}

static bool take_held(struct flow *f)
{
    if (!take_owed(f)) {
        return f->left > 0;
    }
    if (is_flowing(f)) {
        f->has_held = false;
        f->drained = true;
        (void)give_frame(f, &f->held);
    }
    return true;
}

/* What C code and child processes printed before a frame was made goes first, so that it stands in
 * order and belongs to the right run; the frame says whether there was anything. What they printed
 * after it must wait for it. Once per read is enough: all frames here are older than what is in the
 * pipes afterwards. */
static bool take_frame(struct flow *f, const struct frame *frame)
{
    if (!frame->after_raw || f->drained) {
        return give_frame(f, frame);
    }
    f->held = *frame;
    f->has_held = true;
    owe_all(f);
    return true;
}

/* A dead kernel's last words may be held back only by what its children go on writing. */
static void spend_rest(struct flow *f, size_t n)
{
    if (f->finishing) {
        f->rest -= n < f->rest ? n : f->rest;
    }
}

static bool read_more(struct flow *f)
{
    if (!f->out.reading || (f->finishing && f->rest == 0)) {
        return false;
    }
    size_t n = 0;
    enum conn_result result = conn_read(&f->out, &n);
    if (result == CONN_ENDED) {
        conn_stop_reading(&f->out);
        f->on_lost(f);
    }
    f->drained = false;
    spend(f, n);
    spend_rest(f, n);
    return result == CONN_DATA;
}

static bool step(struct flow *f)
{
    struct frame frame;
    if (f->has_held) {
        return take_held(f);
    }
    switch (frame_next(&f->out.in, &frame)) {
    case FRAME_COMPLETE:
        return take_frame(f, &frame);
    case FRAME_MORE:
        return read_more(f);
    case FRAME_BROKEN:
        f->on_broken(f, f->out.in.problem);
        return false;
    }
    return false;
}

/* --- turns --- */

static void finish(struct flow *f)
{
    if (!f->finishing_raws) {
        f->finishing_raws = true;
        owe_all(f);
    }
    if (!take_owed(f) || !is_flowing(f)) {
        return;
    }
    flow_flush(f);
    if (is_flowing(f)) {
        f->finishing = false;
        f->on_finished(f);
    }
}

static void on_more(uv_idle_t *handle);

/* A descriptor that is ready tells so again; frames that were read already, and the end, do not. */
static void want_more(struct flow *f, bool more)
{
    int result = more ? uv_idle_start(&f->more, on_more) : uv_idle_stop(&f->more);
    assert(result == 0); /* never fails */
}

/* Whether everything that is there was taken. */
static bool take_turn(struct flow *f)
{
    f->left = FLOW_TURN_MAX;
    while (is_flowing(f) && f->left > 0 && step(f)) {
    }
    if (is_flowing(f) && f->finishing && f->left > 0) {
        finish(f);
    }
    if (!is_flowing(f)) {
        return false;
    }
    bool done = f->left > 0;
    want_more(f, !done);
    if (done) {
        frame_rest(&f->out.in);
    }
    return done;
}

static void on_more(uv_idle_t *handle)
{
    (void)take_turn(handle->data);
}

static void on_out_readable(struct conn *c)
{
    struct flow *f = c->data;
    if (!uv_is_active((uv_handle_t *)&f->more)) { /* else this turn was taken already */
        (void)take_turn(f);
    }
}

/* Frames first: those that came after this text say so. Between the two pipes nobody knows which
 * came first: standard output goes first. */
static void on_raw_readable(struct raw *r)
{
    struct flow *f = r->data;
    if (uv_is_active((uv_handle_t *)&f->more) || !take_turn(f)) {
        return;
    }
    if (r == &f->raws[1]) {
        f->owed[0] = raw_waiting(&f->raws[0]);
        (void)take_owed(f);
    }
    if (is_flowing(f) && f->left > 0) {
        (void)raw_read(r, f->left);
    }
}

static void on_raw_text(struct raw *r, struct span text)
{
    struct flow *f = r->data;
    f->on_text(f, r == &f->raws[1], text);
}

/* --- opening and closing --- */

static void finish_one(struct flow *f)
{
    if (--f->handles == 0) {
        f->on_closed(f);
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

static void on_more_closed(uv_handle_t *h)
{
    finish_one(h->data);
}

void flow_open(struct flow *f, uv_loop_t *loop, int out, const int raws[2])
{
    f->out = (struct conn){.on_readable = on_out_readable, .on_closed = on_conn_closed, .data = f};
    conn_open(&f->out, loop, out, FRAME_FROM_OUT);
    for (int i = 0; i < 2; i++) {
        f->raws[i] = (struct raw){.on_text = on_raw_text,
                                  .on_readable = on_raw_readable,
                                  .on_closed = on_raw_closed,
                                  .data = f};
        raw_open(&f->raws[i], loop, raws[i]);
    }
    f->more.data = f;
    (void)uv_idle_init(loop, &f->more); /* never fails */
    f->handles = 4;
    f->is_open = true;
}

void flow_pause(struct flow *f, bool paused)
{
    if (!f->is_open || f->paused == paused) {
        return;
    }
    f->paused = paused;
    conn_pause(&f->out, paused);
    raw_pause(&f->raws[0], paused);
    raw_pause(&f->raws[1], paused);
    want_more(f, !paused);
}

void flow_finish(struct flow *f)
{
    if (f->is_open) {
        f->finishing = true;
        f->rest = FLOW_REST_MAX;
        want_more(f, !f->paused);
    }
}

void flow_close(struct flow *f)
{
    if (f->is_open) {
        f->is_open = false;
        conn_close(&f->out);
        raw_close(&f->raws[0]);
        raw_close(&f->raws[1]);
        uv_close((uv_handle_t *)&f->more, on_more_closed);
    }
}

/* handlers: running. With ?wait=1 the answer comes with the end of what runs, or after RUN_WAIT_MS
 * as "running": a load balancer cuts what takes longer. */
#include "base/clock.h"
#include "request.h"

/* --- without waiting --- */
/* {"status":"ok", ...document..., "seq"} */
static struct reply show_plan(struct request *r, const struct session_result *result)
{
    struct span document = result->document;
    struct span members = span_sub(document, 1, document.n - 2); /* without its braces */
    return (struct reply){
        .status = 200,
        .body = arena_printf(r->arena, "{\"status\":\"ok\",%.*s,\"seq\":%lld}", SPAN_ARGS(members),
                             (long long)result->seq),
    };
}

static struct reply refuse_run(struct request *r, enum err e)
{
    if (e == ERR_NOT_FOUND) {
        return reply_no_cell(r);
    }
    if (e == ERR_INVALID) {
        return reply_detail(r, 409, "Cell '%.*s' is disabled.", SPAN_ARGS(r->params[1]));
    }
    return reply_err(r, e);
}

static void on_planned(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    request_answer(r, e == OK ? show_plan(r, result) : refuse_run(r, e));
}

/* --- waiting: for the session or the timer, whichever comes first --- */
struct vigil {
    struct list link; /* app's */
    uv_timer_t timer;
    struct request *request; /* NULL once it is answered */
    unsigned holds;          /* the timer, and the session's callback */
};

static void release(struct vigil *v)
{
    if (--v->holds == 0) {
        mem_free(v);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void answer(struct vigil *v, struct reply reply)
{
    struct request *r = v->request;
    v->request = NULL;
    list_remove(&v->link);
    uv_close((uv_handle_t *)&v->timer, on_timer_closed);
    request_answer(r, reply);
}

/* The session stands: it still owes its answer. */
static void answer_running(struct vigil *v)
{
    struct request *r = v->request;
    answer(v,
           (struct reply){
               .status = 200,
               .body = arena_printf(r->arena, "{\"status\":\"running\",\"cells\":[],\"seq\":%lld}",
                                    (long long)session_seq(r->session)),
           });
}

static void on_waited_enough(uv_timer_t *timer)
{
    answer_running(timer->data);
}

/* The cells may be many megabytes: joined without a format. */
static struct reply show_end(struct request *r, const struct session_result *result)
{
    struct span document = result->document;
    struct text out = TEXT(document.n + 64);
    text_add(&out, span_sub(document, 0, document.n - 1));
    text_addf(&out, ",\"seq\":%lld}", (long long)result->seq);
    return reply_text(r, &out);
}

/* Who has only closed the sending half looks the same, and still reads this (T2). */
static void on_client_gone(struct call *c)
{
    answer_running(c->data);
}

static void on_ended(void *data, enum err e, const struct session_result *result)
{
    struct vigil *v = data;
    if (v->request != NULL) {
        answer(v, e == OK ? show_end(v->request, result) : refuse_run(v->request, e));
    }
    release(v);
}

void run_stop_waiting(struct app *app)
{
    LIST_EACH (it, &app->vigils) {
        answer_running(LIST_ENTRY(it, struct vigil, link));
    }
}

static struct vigil *wait_for(struct request *r)
{
    struct vigil *v = mem_alloc(sizeof *v);
    v->request = r;
    v->holds = 2;
    v->timer.data = v;
    r->call->on_gone = on_client_gone;
    r->call->data = v;
    list_add_last(&r->app->vigils, &v->link);
    (void)uv_timer_init(&r->app->loop, &v->timer);
    (void)uv_timer_start(&v->timer, on_waited_enough, (uint64_t)r->app->config.run_wait_ms, 0);
    return v;
}

static struct reply run(struct request *r, enum session_scope scope)
{
    unsigned retry = rates_take(r->app->rates, RATE_RUNS, r->who.user_id, clock_mono_us());
    if (retry > 0) {
        return reply_too_fast(r, retry);
    }
    struct session_run_request wanted = {
        .scope = scope, .cell_id = r->params[1], .wait = r->query.wait};
    if (r->query.wait) {
        session_run(r->session, &wanted, on_ended, wait_for(r));
    } else {
        session_run(r->session, &wanted, on_planned, r);
    }
    return reply_later();
}

struct reply run_cell(struct request *r)
{
    return run(r, SESSION_RUN_CELL);
}

struct reply run_all(struct request *r)
{
    bool stale = span_eq(r->body.scope, SPAN("stale"));
    return run(r, stale ? SESSION_RUN_STALE : SESSION_RUN_ALL);
}

/* --- of what runs --- */
static void on_done(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == ERR_CONFLICT) {
        request_answer(r, reply_detail(r, 409, "Nothing asks for input now."));
        return;
    }
    request_answer(r, reply_err(r, e));
}

static struct reply act(struct request *r, action_fn action)
{
    action(r->session, &r->body, on_done, r);
    return reply_later();
}

struct reply run_interrupt(struct request *r)
{
    return act(r, action_interrupt);
}

struct reply run_restart(struct request *r)
{
    return act(r, action_restart);
}

struct reply run_input(struct request *r)
{
    return act(r, action_input);
}

/* dispatch: the way of a request, stage by stage:
 *   route -> guard (may wait for signing keys, once) -> rate -> query and body -> notebook (may
 *   wait for the disk) -> handler
 * The order of the refusals is the contract's: 404 route, 401, 429, 422, 404 notebook, 403. */
#include "base/clock.h"
#include "request.h"
#include "static.h"

static void handle(struct request *r)
{
    struct app *app = r->app; /* the request may be over before the handler returns */
    trail_begin(r);
    struct reply reply = r->route->handle(r);
    trail_end(app);
    if (!reply.later) {
        http_answer(r->call, reply);
    }
}

void request_answer(struct request *r, struct reply reply)
{
    http_answer(r->call, reply);
}

/* --- the notebook --- */
struct span request_notebook_id(struct arena *a, struct span user, struct span id)
{
    if (span_eq(id, SPAN("demo")) || span_eq(id, SPAN("blank"))) {
        return arena_printf(a, "%.*s-%.*s", SPAN_ARGS(id), SPAN_ARGS(user));
    }
    return id;
}

static struct reply refuse_owner(struct request *r)
{
    trail_refused(r, 403, SPAN_NULL);
    if (r->route->foreign != NULL) {
        return reply_detail(r, 403, "%s", r->route->foreign);
    }
    return reply_detail(r, 403, "Access denied: You don't have permission to %s notebook '%.*s'",
                        r->route->verb, SPAN_ARGS(r->notebook_id));
}

/* An id that names its owner is refused to others whether or not it exists (ARCHITECTURE 6.6). */
bool request_names_other(struct span user, struct span id)
{
    static const struct span prefixes[] = {SPAN("demo-"), SPAN("blank-")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (span_starts(id, prefixes[i])) {
            return !span_eq(span_sub(id, prefixes[i].n, id.n), user);
        }
    }
    return false;
}

static struct reply refuse_open(struct request *r, enum err e)
{
    if (e == ERR_NOT_FOUND && r->route->unknown != NULL) {
        return reply_detail(r, 404, "%s", r->route->unknown);
    }
    return reply_err(r, e);
}

static void on_loaded(void *data, enum err e, struct session *s)
{
    struct request *r = data;
    if (e != OK) {
        http_answer(r->call, refuse_open(r, e));
        return;
    }
    r->session = s;
    handle(r);
}

static void stage_notebook(struct request *r);

/* An alias of a user who has never listed: the samples are made now. */
static void on_seeded(void *data, enum err e, const struct store_list *list)
{
    struct request *r = data;
    if (e != OK) {
        http_answer(r->call, reply_err(r, e));
        return;
    }
    r->seeded = true;
    stage_notebook(r);
}

static void load_notebook(struct request *r)
{
    struct store_head head;
    enum err e = store_find(r->app->store, r->arena, r->notebook_id, &head);
    if (e == ERR_NOT_FOUND && !r->seeded && r->route->aliases &&
        !span_eq(r->notebook_id, r->params[0])) {
        sessions_list(r->app->sessions, r->who.user_id, on_seeded, r);
    } else if (e != OK) {
        http_answer(r->call, refuse_open(r, e));
    } else if (!span_eq(head.owner, r->who.user_id)) {
        http_answer(r->call, refuse_owner(r));
    } else {
        sessions_load(r->app->sessions, r->who.user_id, r->notebook_id, on_loaded, r);
    }
}

static void stage_notebook(struct request *r)
{
    r->notebook_id = r->route->aliases ? request_notebook_id(r->arena, r->who.user_id, r->params[0])
                                       : r->params[0];
    if (request_names_other(r->who.user_id, r->notebook_id)) {
        http_answer(r->call, refuse_owner(r));
        return;
    }
    struct session *open = sessions_find(r->app->sessions, r->notebook_id);
    if (open == NULL) {
        load_notebook(r);
    } else if (!span_eq(session_owner(open), r->who.user_id)) {
        http_answer(r->call, refuse_owner(r));
    } else {
        r->session = open;
        handle(r);
    }
}

/* --- who, and what --- */
static void stage_body(struct request *r)
{
    struct reply refusal;
    if (body_read(r, &refusal) != OK) {
        http_answer(r->call, refusal);
    } else if (r->route->need == NEED_NOTEBOOK) {
        stage_notebook(r);
    } else {
        handle(r);
    }
}

/* A token that was shown is shown for the user's sockets too (CLERK G f). */
static void stage_rate(struct request *r)
{
    channels_renew(r->app, &r->who);
    unsigned retry = rates_take(r->app->rates, RATE_REQUESTS, r->who.user_id, clock_mono_us());
    if (retry > 0) {
        http_answer(r->call, reply_too_fast(r, retry));
        return;
    }
    stage_body(r);
}

static void stage_guard(struct request *r);

static void on_keys(void *data, enum err e)
{
    struct request *r = data;
    if (e == ERR_CANCELED) {
        http_answer(r->call, reply_err(r, e));
        return;
    }
    r->waited = true;
    stage_guard(r);
}

static void stage_guard(struct request *r)
{
    struct reply refusal;
    switch (guard_check(r, &refusal)) {
    case GUARD_PASS:
        stage_rate(r);
        return;
    case GUARD_REFUSED:
        http_answer(r->call, refusal);
        return;
    case GUARD_WAIT:
        clerk_wait(r->app->clerk, on_keys, r);
        return;
    }
}

void dispatch(struct call *c)
{
    struct request *r = arena_alloc(c->arena, sizeof *r);
    struct reply refusal;
    r->call = c;
    r->app = c->app;
    r->arena = c->arena;
    if (route_find(r, &refusal) != OK) {
        if (refusal.status == 404) {
            (void)static_serve(r->app->site, c, &refusal);
        }
        http_answer(c, refusal);
    } else if (r->route->need == NEED_NOTHING || r->route->need == NEED_SOCKET) {
        handle(r);
    } else {
        stage_guard(r);
    }
}

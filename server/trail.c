#include "trail.h"

#include "base/clock.h"
#include "base/log.h"
#include "channel.h"
#include "request.h"

#define MINUTE_MS 60000

static void on_written(void *data, enum err e)
{
    if (e != OK) {
        log_event(LOG_ERROR, "audit_row_lost", LOG_STR("why", err_name(e)));
    }
}

static void append(struct app *app, const struct store_audit *row)
{
    struct store_write *w = store_write_new(app->store, SPAN_NULL, SPAN_NULL);
    store_append_audit(w, row);
    store_commit(w, on_written, NULL);
}

/* The end of one minute is the beginning of the next. */
static void turn(struct app *app, int64_t now_ms)
{
    struct trail *t = &app->people.trail;
    int64_t more = t->more;
    if (now_ms / MINUTE_MS == t->minute) {
        return;
    }
    *t = (struct trail){.minute = now_ms / MINUTE_MS};
    if (more > 0) {
        append(app, &(struct store_audit){.action = SPAN("further requests"),
                                          .result = SPAN("refused"),
                                          .times = more});
    }
}

static bool may_write(struct app *app)
{
    struct trail *t = &app->people.trail;
    turn(app, clock_unix_ms());
    if (t->written >= TRAIL_REFUSALS_MAX) {
        t->more++;
        return false;
    }
    t->written++;
    return true;
}

static struct store_actor actor_of(const struct request *r)
{
    return (struct store_actor){
        .user_id = r->who.user_id,
        .session_id = r->who.session_id,
        .impersonator_id = r->who.actor_id,
        .address = r->call->client,
        .request_id = r->call->request_id,
    };
}

static struct store_actor actor_of_channel(const struct channel *ch)
{
    return (struct store_actor){
        .user_id = span_str(ch->user),
        .session_id = span_str(ch->session_id),
        .impersonator_id = span_str(ch->impersonator_id),
        .address = span_str(ch->address),
        .request_id = span_str(ch->request_id),
    };
}

void trail_refused(const struct request *r, int status, struct span reason)
{
    if (!may_write(r->app)) {
        return;
    }
    struct store_audit row = {
        .actor = actor_of(r),
        .action = arena_printf(r->arena, "%s %s", r->route->method, r->route->path),
        .object = r->notebook_id,
        .result =
            arena_printf(r->arena, "%d%s%.*s", status, reason.n > 0 ? " " : "", SPAN_ARGS(reason)),
        .times = 1,
    };
    append(r->app, &row);
}

void trail_refused_socket(const struct channel *ch, struct span reason)
{
    if (!may_write(ch->app)) {
        return;
    }
    append(ch->app, &(struct store_audit){.actor = actor_of_channel(ch),
                                          .action = SPAN("socket"),
                                          .object = span_str(ch->wanted),
                                          .result = reason,
                                          .times = 1});
}

/* --- what is done --- */
/* Reading leaves no trail. */
static bool changes(const struct request *r)
{
    return r->route->need != NEED_NOTHING && r->route->need != NEED_SOCKET &&
           strcmp(r->route->method, "GET") != 0;
}

static struct span object_of(struct arena *a, struct span notebook_id, struct span cell_id)
{
    return cell_id.n == 0
               ? notebook_id
               : arena_printf(a, "%.*s/%.*s", SPAN_ARGS(notebook_id), SPAN_ARGS(cell_id));
}

void trail_begin(const struct request *r)
{
    if (!changes(r)) {
        return;
    }
    struct store_audit *row = arena_alloc(r->arena, sizeof *row);
    *row = (struct store_audit){
        .actor = actor_of(r),
        .action = arena_printf(r->arena, "%s %s", r->route->method, r->route->path),
        .object = object_of(r->arena, r->notebook_id, r->params[1]),
        .result = SPAN("ok"),
        .times = 1,
    };
    sessions_act_as(r->app->sessions, row);
}

void trail_begin_message(const struct channel *ch, struct arena *a, struct span type,
                         struct span cell_id)
{
    struct store_audit *row = arena_alloc(a, sizeof *row);
    *row = (struct store_audit){
        .actor = actor_of_channel(ch),
        .action = arena_printf(a, "message %.*s", SPAN_ARGS(type)),
        .object = object_of(a, span_str(ch->notebook_id), cell_id),
        .result = SPAN("ok"),
        .times = 1,
    };
    sessions_act_as(ch->app->sessions, row);
}

void trail_end(struct app *app)
{
    sessions_act_as(app->sessions, NULL);
}

void trail_sweep(struct app *app, int64_t now_ms)
{
    turn(app, now_ms);
}

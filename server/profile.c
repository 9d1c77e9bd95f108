#include "profile.h"

#include "base/clock.h"
#include "base/log.h"
#include "people.h"
#include "request.h"

struct flight {
    struct app *app;
    char *user_id;
    struct list waiting;
    struct store_effect effect;
};

/* In the request's arena. */
struct waiting {
    struct list link;
    struct request *request;
    profile_done_fn done;
};

struct failure {
    int64_t until_ms;
};

/* --- failures --- */
static void forget_failures(struct profiles *p)
{
    size_t i = 0;
    struct span id;
    void *value = NULL;
    while (map_next(&p->failures, &i, &id, &value)) {
        mem_free(value);
    }
    map_free(&p->failures);
}

static void remember_failure(struct profiles *p, struct span user_id)
{
    if (p->failures.count >= PROFILE_FAILURES_MAX) {
        forget_failures(p);
    }
    struct failure *f = mem_alloc(sizeof *f);
    f->until_ms = clock_unix_ms() + PROFILE_FAILURE_MS;
    mem_free(map_put(&p->failures, user_id, f));
}

static bool has_failed(struct profiles *p, struct span user_id)
{
    const struct failure *f = map_get(&p->failures, user_id);
    return f != NULL && clock_unix_ms() < f->until_ms;
}

/* --- flights --- */
static void land(struct flight *f)
{
    struct list *it = NULL;
    (void)map_remove(&f->app->people.profiles.flights, span_str(f->user_id));
    while ((it = list_take_first(&f->waiting)) != NULL) {
        struct waiting *w = LIST_ENTRY(it, struct waiting, link);
        w->done(w->request);
    }
    mem_free(f->user_id);
    mem_free(f);
}

static void on_stored(void *data, enum err e)
{
    struct flight *f = data;
    if (e == OK && f->effect.outcome == STORE_APPLIED) {
        people_refuse(f->app, true, span_str(f->user_id), &f->effect);
    } else {
        remember_failure(&f->app->people.profiles, span_str(f->user_id));
    }
    land(f);
}

static void keep(struct flight *f, const struct clerk_user_record *user)
{
    struct store_profile profile = people_profile(user);
    struct store_write *w = store_write_new(f->app->store, span_str(f->user_id), SPAN_NULL);
    store_put_profile(w, &profile, &f->effect);
    store_commit(w, on_stored, f);
}

static void on_answer(void *data, const struct clerk_backend_answer *answer)
{
    struct flight *f = data;
    if (answer->err == OK && span_eq(answer->user->id, span_str(f->user_id))) {
        keep(f, answer->user);
        return;
    }
    log_event(LOG_WARN, "profile_not_had", LOG_STR("user", f->user_id),
              LOG_STR("why", err_name(answer->err)), LOG_INT("status", answer->status),
              LOG_SPAN("code", answer->code), LOG_SPAN("trace", answer->trace));
    remember_failure(&f->app->people.profiles, span_str(f->user_id));
    land(f);
}

static struct flight *start(struct app *app, struct span user_id)
{
    struct flight *f = mem_alloc(sizeof *f);
    f->app = app;
    f->user_id = mem_copy(user_id);
    list_init(&f->waiting);
    if (clerk_user_get(app->clerk, user_id, on_answer, f) != OK) {
        remember_failure(&app->people.profiles, user_id);
        mem_free(f->user_id);
        mem_free(f);
        return NULL;
    }
    (void)map_put(&app->people.profiles.flights, user_id, f);
    return f;
}

bool profile_ask(struct request *r, profile_done_fn done)
{
    struct profiles *p = &r->app->people.profiles;
    if (!clerk_has_backend(r->app->clerk) || has_failed(p, r->who.user_id)) {
        return false;
    }
    struct flight *f = map_get(&p->flights, r->who.user_id);
    if (f == NULL) {
        f = start(r->app, r->who.user_id);
    }
    if (f == NULL) {
        return false;
    }
    struct waiting *w = arena_alloc(r->arena, sizeof *w);
    w->request = r;
    w->done = done;
    list_add_last(&f->waiting, &w->link);
    return true;
}

void profile_free(struct profiles *p)
{
    forget_failures(p);
    map_free(&p->flights);
}

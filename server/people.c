#include "people.h"

#include "app.h"
#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS 10000
#define SWEEP_US (UINT64_C(3600) * 1000000)
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define DELIVERIES_DAYS 30 /* replays by hand come late; CLERK.md C asks for 7 */

/* --- who is refused --- */
static enum err load_revoked(struct app *app)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_revocations all;
    enum err e = store_revocations(app->store, a, clock_unix_ms(), &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct store_revocation *r = &all.items[i];
        revoked_set(&app->people.revoked, r->of_user, r->subject, r->until_ms);
    }
    return e;
}

void people_refuse(struct app *app, bool of_user, struct span id, const struct store_effect *effect)
{
    revoked_set(&app->people.revoked, of_user, id, effect->refused_until_ms);
    if (effect->refused_until_ms == 0) {
        return;
    }
    size_t closed =
        of_user ? channels_revoke(app, id, SPAN_NULL) : channels_revoke(app, SPAN_NULL, id);
    log_event(LOG_INFO, "revoked", LOG_STR("kind", of_user ? "user" : "session"),
              LOG_SPAN("id", id), LOG_INT("sockets", (int64_t)closed));
}

struct store_profile people_profile(const struct clerk_user_record *user)
{
    return (struct store_profile){
        .id = user->id,
        .email = user->email,
        .first_name = user->first_name,
        .last_name = user->last_name,
        .username = user->username,
        .image_url = user->image_url,
        .banned = user->banned,
        .locked = user->locked,
        .updated_ms = user->updated_ms > 0 ? user->updated_ms : 1, /* 0 says: none */
        .told_ms = clock_unix_ms(),
    };
}

/* --- once an hour: the new part of the chain is verified, then what is old goes --- */
static void on_swept(void *data, enum err e);

static void sweep(struct app *app)
{
    const struct config *c = &app->config;
    int64_t now_ms = clock_unix_ms();
    struct store_sweep ends = {
        .now_ms = now_ms,
        .deliveries_before_ms = now_ms - DELIVERIES_DAYS * DAY_MS,
        .audit_before_ms = now_ms - c->audit_days * DAY_MS,
        .deleted_before_ms = now_ms - c->retention_days * DAY_MS,
    };
    struct store_write *w = store_write_new(app->store, SPAN_NULL, SPAN_NULL);
    store_sweep(w, &ends, &app->people.purged);
    store_commit(w, on_swept, app);
}

static void on_swept(void *data, enum err e)
{
    struct app *app = data;
    if (e != OK) {
        log_event(LOG_WARN, "sweep_failed", LOG_STR("why", err_name(e)));
    } else if (app->people.purged > 0) {
        log_event(LOG_INFO, "notebooks_purged", LOG_INT("count", (int64_t)app->people.purged));
    }
    if (e == OK && app->people.purged == STORE_SWEEP_NOTEBOOKS && !app->draining) {
        sweep(app); /* there are more */
        return;
    }
    app->people.busy = false;
}

/* The head of the chain goes where the log goes, out of reach of who can write the file. */
static void log_chain(const struct store_chain *chain)
{
    struct text head = TEXT((size_t)2 * STORE_AUDIT_HASH);
    for (size_t i = 0; i < STORE_AUDIT_HASH; i++) {
        text_addf(&head, "%02x", (unsigned)chain->head[i]);
    }
    log_event(LOG_INFO, "audit_chain", LOG_INT("rows", chain->last),
              LOG_SPAN("head", text_span(&head)));
    text_free(&head);
}

static void on_verified(void *data, enum err e, const struct store_chain *chain);

static void verify(struct app *app)
{
    app->people.chain.ended = false;
    store_audit_verify(app->store, &app->people.chain, on_verified, app);
}

static void on_verified(void *data, enum err e, const struct store_chain *chain)
{
    struct app *app = data;
    if (e != OK) {
        app->people.busy = false; /* logged; the next hour may do better */
        return;
    }
    app->people.chain = *chain;
    if (chain->broken != 0) {
        log_event(LOG_ERROR, "audit_chain_broken", LOG_INT("row", chain->broken),
                  LOG_STR("do", "compare with the heads in earlier logs, or with a backup"));
    } else if (!chain->ended && !app->draining) {
        verify(app);
        return;
    } else if (chain->last > 0) {
        log_chain(chain);
    }
    sweep(app);
}

static void begin_upkeep(struct app *app, uint64_t now_us)
{
    struct people *p = &app->people;
    p->swept_us = now_us;
    p->busy = true;
    revoked_sweep(&p->revoked, clock_unix_ms());
    if (p->chain.broken != 0) {
        sweep(app); /* said already */
    } else {
        verify(app);
    }
}

static void on_look(uv_timer_t *timer)
{
    struct app *app = timer->data;
    uint64_t now_us = clock_mono_us();
    trail_sweep(app, clock_unix_ms());
    if (!app->people.busy && now_us - app->people.swept_us >= SWEEP_US) {
        begin_upkeep(app, now_us);
    }
}

/* --- beginning and end --- */
enum err people_open(struct app *app)
{
    struct people *p = &app->people;
    enum err e = load_revoked(app);
    if (e != OK) {
        return e;
    }
    p->timer.data = app;
    (void)uv_timer_init(&app->loop, &p->timer);
    (void)uv_timer_start(&p->timer, on_look, LOOK_MS, LOOK_MS);
    begin_upkeep(app, clock_mono_us());
    return OK;
}

void people_close(struct app *app)
{
    uv_close((uv_handle_t *)&app->people.timer, NULL);
    trail_sweep(app, INT64_MAX);
}

void people_free(struct app *app)
{
    revoked_free(&app->people.revoked);
    profile_free(&app->people.profiles);
}

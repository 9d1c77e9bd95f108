#include "channels.h"

#include "base/clock.h"
#include "channel.h"

#define SWEEP_MS 1000
#define SWEEP_US UINT64_C(1000000)
#define RATES_SWEEP_US UINT64_C(60000000)

/* The sockets of one user's Clerk session. Gone with the last of them. */
struct login {
    struct list channels;
};

/* A token's user holds no line feed that would make two pairs alike: the session comes after its
 * last one. */
static struct span key_of(struct arena *a, struct span user, struct span session_id)
{
    return arena_printf(a, "%.*s\n%.*s", SPAN_ARGS(user), SPAN_ARGS(session_id));
}

/* --- once a second --- */
static void tell_expiring(struct channel *ch, int64_t in_s)
{
    struct text out = TEXT(128);
    text_addf(&out, "{\"type\":\"auth_expiring\",\"in_s\":%lld}", (long long)in_s);
    channel_send(ch, text_span(&out));
    text_free(&out);
}

static void look_at(struct channel *ch, int64_t now_ms)
{
    int64_t in_s = 0;
    if (ch->state != CHANNEL_LIVE) {
        return; /* it will be live, or closed, before long */
    }
    switch (lease_look(&ch->lease, now_ms, &in_s)) {
    case LEASE_NO_NEWS:
        return;
    case LEASE_EXPIRING:
        tell_expiring(ch, in_s);
        return;
    case LEASE_OVER:
        channel_refuse(ch, 4401, SPAN_NULL, SPAN("Please sign in again"));
        return;
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct app *app = timer->data;
    int64_t now_ms = clock_unix_ms();
    LIST_EACH (it, &app->channels.all) {
        look_at(LIST_ENTRY(it, struct channel, link), now_ms);
    }
    uint64_t now_us = clock_mono_us();
    if (now_us / RATES_SWEEP_US != (now_us - SWEEP_US) / RATES_SWEEP_US) {
        rates_sweep(app->rates, now_us);
    }
}

void channels_open(struct app *app)
{
    struct channels *all = &app->channels;
    list_init(&all->all);
    all->sweep.data = app;
    (void)uv_timer_init(&app->loop, &all->sweep);
    (void)uv_timer_start(&all->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

void channels_close(struct app *app)
{
    uv_close((uv_handle_t *)&app->channels.sweep, NULL);
    map_free(&app->channels.logins);
}

/* --- who is there --- */
void channels_add(struct channel *ch)
{
    list_add_last(&ch->app->channels.all, &ch->link);
}

/* Out of its login; `ch->login` is the key it was put there with. */
static void leave_login(struct channel *ch)
{
    struct login *login =
        ch->login_key == NULL ? NULL : map_get(&ch->app->channels.logins, span_str(ch->login_key));
    list_remove(&ch->login_link);
    if (login != NULL && list_is_empty(&login->channels)) {
        (void)map_remove(&ch->app->channels.logins, span_str(ch->login_key));
        mem_free(login);
    }
    mem_replace(&ch->login_key, SPAN_NULL);
}

void channels_remove(struct channel *ch)
{
    leave_login(ch);
    list_remove(&ch->link);
}

void channels_sign_in(struct channel *ch)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span key = key_of(a, span_str(ch->user), span_str(ch->session_id));
    leave_login(ch);
    struct login *login = map_get(&ch->app->channels.logins, key);
    if (login == NULL) {
        login = mem_alloc(sizeof *login);
        list_init(&login->channels);
        (void)map_put(&ch->app->channels.logins, key, login);
    }
    list_add_last(&login->channels, &ch->login_link);
    ch->login_key = mem_copy(key);
}

void channels_renew(struct app *app, const struct clerk_identity *who)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct login *login =
        app->channels.logins.count == 0
            ? NULL
            : map_get(&app->channels.logins, key_of(a, who->user_id, who->session_id));
    if (login == NULL) {
        return;
    }
    LIST_EACH (it, &login->channels) {
        lease_renew(&LIST_ENTRY(it, struct channel, login_link)->lease, who->expires_at_s * 1000);
    }
}

static bool is_of(const struct channel *ch, struct span user, struct span session_id)
{
    return ch->user != NULL && (span_is_null(user) || span_eq(span_str(ch->user), user)) &&
           (span_is_null(session_id) ||
            (ch->session_id != NULL && span_eq(span_str(ch->session_id), session_id)));
}

size_t channels_revoke(struct app *app, struct span user, struct span session_id)
{
    size_t count = 0;
    LIST_EACH (it, &app->channels.all) {
        struct channel *ch = LIST_ENTRY(it, struct channel, link);
        if (is_of(ch, user, session_id)) {
            channel_refuse(ch, 4403, SPAN_NULL, SPAN("Signed out"));
            count++;
        }
    }
    return count;
}

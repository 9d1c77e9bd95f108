#include "channel.h"

#include <assert.h>

#include "base/clock.h"
#include "credentials.h"

/* Bytes of messages that may come before the notebook is open. */
#define WAITING_MAX ((size_t)1024 * 1024)

static const unsigned allowed[] = {
    [CHANNEL_OPENED] = 1U << CHANNEL_SIGNING_IN | 1U << CHANNEL_CLOSED,
    [CHANNEL_SIGNING_IN] = 1U << CHANNEL_OPENING | 1U << CHANNEL_CLOSED,
    [CHANNEL_OPENING] = 1U << CHANNEL_LIVE | 1U << CHANNEL_CLOSED,
    [CHANNEL_LIVE] = 1U << CHANNEL_CLOSED,
    [CHANNEL_CLOSED] = 0,
};

void channel_move(struct channel *ch, enum channel_state to)
{
    assert((allowed[ch->state] & 1U << to) != 0);
    ch->state = to;
}

/* --- its end --- */
void channel_release(struct channel *ch)
{
    if (--ch->holds > 0) {
        return;
    }
    mem_free(ch->hello.epoch);
    mem_free(ch->wanted);
    mem_free(ch->token);
    mem_free(ch->user);
    mem_free(ch->session_id);
    mem_free(ch->notebook_id);
    mem_free(ch->impersonator_id);
    mem_free(ch->address);
    mem_free(ch->request_id);
    text_free(&ch->waiting);
    mem_free(ch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    channel_release(handle->data);
}

/* No more commands, no more events; the socket itself may live until its close frame has left. */
static void stop(struct channel *ch)
{
    if (ch->state == CHANNEL_CLOSED) {
        return;
    }
    channel_move(ch, CHANNEL_CLOSED);
    session_unwatch(&ch->watcher);
    ch->session = NULL;
    channels_remove(ch);
    uv_close((uv_handle_t *)&ch->timer, on_timer_closed);
}

static void on_ws_closed(void *data)
{
    struct channel *ch = data;
    ch->ws = NULL;
    stop(ch);
    channel_release(ch);
}

void channel_refuse(struct channel *ch, unsigned code, struct span message, struct span reason)
{
    bool greeted = ch->hello.version == 2 && ch->state == CHANNEL_LIVE;
    if (ch->state == CHANNEL_CLOSED) {
        return;
    }
    if (!span_is_null(message) && !greeted) {
        channel_error(ch, message);
    }
    if (ch->ws != NULL) {
        ws_close(ch->ws, code, reason);
    }
    stop(ch);
}

/* --- signing in --- */
/* Version 1: the notebook is looked for after this. */
static void welcome(struct channel *ch)
{
    struct text out = TEXT(4096);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("authenticated"));
    json_member_string(&w, SPAN("user_id"), span_str(ch->user));
    json_close_object(&w);
    channel_send(ch, text_span(&out));
    text_free(&out);
}

/* Version 2 is bound to the token; version 1 to a life of its own (ARCHITECTURE 6.8). */
void channel_lend(struct channel *ch, const struct clerk_identity *who)
{
    const struct config *c = &ch->app->config;
    mem_replace(&ch->session_id, who->session_id);
    mem_replace(&ch->impersonator_id, who->actor_id);
    if (ch->hello.version == 1) {
        ch->lease.quiet = true;
        lease_renew(&ch->lease, clock_unix_ms() + c->socket_life_s * 1000);
        return;
    }
    ch->lease.grace_ms = c->socket_grace_s * 1000;
    lease_renew(&ch->lease, who->expires_at_s * 1000);
    channels_sign_in(ch);
}

static void signed_in(struct channel *ch, const struct clerk_identity *who)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    unsigned retry = rates_take(ch->app->rates, RATE_REQUESTS, who->user_id, clock_mono_us());
    if (retry > 0) {
        channel_refuse(ch, 1013, SPAN("Too many requests"), SPAN("Too many requests"));
        return;
    }
    channel_move(ch, CHANNEL_OPENING);
    (void)uv_timer_stop(&ch->timer);
    ch->user = mem_copy(who->user_id);
    ch->notebook_id = mem_copy(request_notebook_id(a, span_str(ch->user), span_str(ch->wanted)));
    ch->cumulative = ch->cumulative && ch->hello.version == 1;
    channel_lend(ch, who);
    if (ch->hello.version == 1 && !ch->cumulative) {
        welcome(ch);
    }
    channel_open_notebook(ch);
}

/* Version 1: a later token renews the sign-in; it must be the same user's. */
static void renewed(struct channel *ch, const struct clerk_answer *answer)
{
    if (answer->verdict == CLERK_PASS && span_eq(answer->who.user_id, span_str(ch->user))) {
        channel_lend(ch, &answer->who);
        channel_send(ch, SPAN("{\"type\":\"auth_refreshed\"}"));
        return;
    }
    channel_error(ch, SPAN("Token refresh failed: user mismatch"));
}

static void judged(struct channel *ch, const struct clerk_answer *answer)
{
    if (ch->state == CHANNEL_LIVE) {
        renewed(ch, answer);
    } else if (answer->verdict == CLERK_PASS) {
        signed_in(ch, &answer->who);
    } else if (answer->verdict == CLERK_REFUSED) {
        trail_refused_socket(ch, span_str(clerk_reason_name(answer->reason)));
        channel_refuse(ch, 1008, SPAN("Invalid authentication token"), SPAN("Invalid token"));
    } else {
        channel_refuse(ch, 1013, SPAN("Tokens cannot be checked now."), SPAN("Try again later"));
    }
}

static void on_keys(void *data, enum err e);

static void judge(struct channel *ch, struct span token, bool waited)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_answer answer = guard_verify(ch->app, a, token, waited);
    if (answer.verdict != CLERK_WAIT) {
        judged(ch, &answer);
        return;
    }
    if (ch->token != NULL) {
        channel_error(ch, SPAN("Another token is being checked."));
        return;
    }
    ch->token = mem_copy(token);
    ch->holds++;
    clerk_wait(ch->app->clerk, on_keys, ch);
}

static void on_keys(void *data, enum err e)
{
    struct channel *ch = data;
    CLEANUP(mem_free_ptr) char *token = ch->token;
    ch->token = NULL;
    if (ch->state != CHANNEL_CLOSED && e != ERR_CANCELED) {
        judge(ch, span_str(token), true);
    }
    channel_release(ch);
}

void channel_refresh(struct channel *ch, struct span token)
{
    judge(ch, token, false);
}

static void sign_in(struct channel *ch, struct span token)
{
    channel_move(ch, CHANNEL_SIGNING_IN);
    judge(ch, token, false);
}

static void on_first_message(struct channel *ch, struct span text)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *why;
    const struct json *message = command_parse(a, text, &why);
    if (message == NULL) {
        channel_refuse(ch, 1008, arena_printf(a, "Failed to receive authentication: %s", why),
                       SPAN("Invalid message format"));
    } else if (!span_eq(json_get_string(message, SPAN("type")), SPAN("authenticate"))) {
        channel_refuse(ch, 1008, SPAN("Expected authentication message"),
                       SPAN("Expected authentication message"));
    } else if (json_get_string(message, SPAN("token")).n == 0) {
        channel_refuse(ch, 1008, SPAN("Missing authentication token"), SPAN("Missing token"));
    } else if (!command_parse_hello(message, &ch->hello)) {
        channel_refuse(ch, 1008, SPAN("'v' and 'since' are whole numbers, 'epoch' is a string"),
                       SPAN("Invalid message format"));
    } else {
        sign_in(ch, json_get_string(message, SPAN("token")));
    }
}

static void keep_waiting(struct channel *ch, struct span text)
{
    text_add(&ch->waiting, text);
    text_add_char(&ch->waiting, '\0');
    if (ch->waiting.overflowed) {
        channel_refuse(ch, 1008, SPAN("Too many messages before the notebook was open"),
                       SPAN("Too many messages"));
    }
}

static void on_message(void *data, struct span text)
{
    struct channel *ch = data;
    switch (ch->state) {
    case CHANNEL_OPENED:
        on_first_message(ch, text);
        return;
    case CHANNEL_SIGNING_IN:
    case CHANNEL_OPENING:
        keep_waiting(ch, text);
        return;
    case CHANNEL_LIVE:
        command_run(ch, text);
        return;
    case CHANNEL_CLOSED:
        return;
    }
}

static void on_drained(void *data)
{
    struct channel *ch = data;
    if (ch->hello.version == 2) {
        cursor_drained(ch);
    }
}

static void on_sign_in_late(uv_timer_t *timer)
{
    channel_refuse(timer->data, 1008, SPAN("Authentication timeout"),
                   SPAN("Authentication timeout"));
}

/* --- the handshake --- */
static struct channel *new_channel(struct request *r)
{
    struct channel *ch = mem_alloc(sizeof *ch);
    ch->app = r->app;
    ch->hello.version = r->query.version > 1 ? 2 : 1;
    ch->hello.since = r->query.since;
    ch->hello.epoch = mem_copy(r->query.epoch);
    ch->wanted = mem_copy(r->params[0]);
    ch->address = mem_copy(r->call->client);
    ch->request_id = mem_copy(r->call->request_id);
    ch->waiting = TEXT(WAITING_MAX);
    ch->watcher.on_event = channel_on_event;
    ch->watcher.on_closed = channel_on_session_end;
    ch->holds = 1;
    return ch;
}

static struct ws *upgrade(struct channel *ch, struct call *c)
{
    static const struct ws_handler handler = {
        .on_message = on_message, .on_drained = on_drained, .on_closed = on_ws_closed};
    const struct config *config = &ch->app->config;
    return http_upgrade(c, &(struct ws_options){.handler = &handler,
                                                .data = ch,
                                                .message_max = (size_t)config->socket_message_max,
                                                .queue_max = (size_t)config->socket_queue_max,
                                                .low_water = CURSOR_LOW});
}

struct reply channel_open(struct request *r)
{
    struct app *app = r->app;
    struct reply refusal;
    if (!span_is_null(r->call->origin) && !guard_origin_allowed(app, r->call->origin)) {
        return reply_detail(r, 403, "This origin may not open a WebSocket here.");
    }
    if (body_read_query(r, &body_hello_query, &refusal) != OK) {
        return refusal;
    }
    CLEANUP(arena_free_ptr) struct arena *a = arena_new(); /* the request's ends with the upgrade */
    struct channel *ch = new_channel(r);
    struct span token = credentials_early(r, a, &ch->cumulative);
    ch->ws = upgrade(ch, r->call);
    if (ch->ws == NULL) {
        channel_release(ch);
        return reply_later();
    }
    ch->holds++; /* the timer */
    ch->timer.data = ch;
    (void)uv_timer_init(&app->loop, &ch->timer);
    channels_add(ch);
    if (!span_is_null(token)) {
        sign_in(ch, token);
        return reply_later();
    }
    (void)uv_timer_start(&ch->timer, on_sign_in_late, (uint64_t)app->config.socket_auth_ms, 0);
    return reply_later();
}

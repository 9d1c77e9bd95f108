#include "channel.h"

#include <assert.h>

#include "credentials.h"

/* Bytes of messages that may come before the notebook is open. */
#define WAITING_MAX ((size_t)1024 * 1024)
/* Cumulative stdout up to here is sent at every event. */
#define WHOLE_AT_ONCE ((size_t)64 * 1024)

static const unsigned allowed[] = {
    [CHANNEL_OPENED] = 1U << CHANNEL_SIGNING_IN | 1U << CHANNEL_OPENING | 1U << CHANNEL_CLOSED,
    [CHANNEL_SIGNING_IN] = 1U << CHANNEL_OPENING | 1U << CHANNEL_CLOSED,
    [CHANNEL_OPENING] = 1U << CHANNEL_LIVE | 1U << CHANNEL_CLOSED,
    [CHANNEL_LIVE] = 1U << CHANNEL_CLOSED,
    [CHANNEL_CLOSED] = 1U << CHANNEL_CLOSED,
};

static void move(struct channel *ch, enum channel_state to)
{
    assert((allowed[ch->state] & 1U << to) != 0);
    ch->state = to;
}

/* --- its end --- */
static void release(struct channel *ch)
{
    if (--ch->holds > 0) {
        return;
    }
    mem_free(ch->wanted);
    mem_free(ch->token);
    mem_free(ch->user);
    mem_free(ch->notebook_id);
    text_free(&ch->waiting);
    mem_free(ch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

/* No more commands, no more events; the socket itself may live until its close frame has left. */
static void stop(struct channel *ch)
{
    if (ch->state == CHANNEL_CLOSED) {
        return;
    }
    move(ch, CHANNEL_CLOSED);
    session_unwatch(&ch->watcher);
    ch->session = NULL;
    uv_close((uv_handle_t *)&ch->timer, on_timer_closed);
}

static void on_ws_closed(void *data)
{
    struct channel *ch = data;
    ch->ws = NULL;
    stop(ch);
    release(ch);
}

/* --- talking --- */
void channel_send(struct channel *ch, struct span message)
{
    if (ch->ws != NULL) {
        ws_send(ch->ws, message);
    }
}

void channel_error(struct channel *ch, struct span message)
{
    struct text out = TEXT(8192);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("error"));
    json_member_string(&w, SPAN("message"), message);
    json_close_object(&w);
    channel_send(ch, text_span(&out));
    text_free(&out);
}

void channel_refuse(struct channel *ch, unsigned code, struct span message, struct span reason)
{
    if (ch->state == CHANNEL_CLOSED) {
        return;
    }
    if (!span_is_null(message)) {
        channel_error(ch, message);
    }
    if (ch->ws != NULL) {
        ws_close(ch->ws, code, reason);
    }
    stop(ch);
}

/* --- events of the session --- */
/* A long text is not repeated for every line added to it: only when it has grown by a quarter, and
 * before anything else is said. */
static void send_whole(struct channel *ch)
{
    struct whole_stdout *w = &ch->whole;
    w->pending = false;
    struct text out = TEXT(ch->app->config.socket_queue_max);
    if (session_stdout_message(ch->session, id_span(&w->cell), w->end, &out)) {
        channel_send(ch, text_span(&out));
        w->sent = w->end;
    }
    text_free(&out);
}

static void on_whole_stdout(struct channel *ch, const struct event *e)
{
    struct whole_stdout *w = &ch->whole;
    bool same = span_eq(id_span(&w->cell), e->cell_id);
    if (!same || e->end < w->end) {
        memcpy(w->cell.s, e->cell_id.p, ID_LENGTH);
        w->sent = 0;
    }
    w->end = e->end;
    w->pending = true;
    if (w->end <= WHOLE_AT_ONCE || w->end >= w->sent + w->sent / 4) {
        send_whole(ch);
    }
}

static void on_event(struct watcher *watcher, const struct event *e)
{
    struct channel *ch = LIST_ENTRY(watcher, struct channel, watcher);
    if (ch->cumulative && e->kind == EVENT_STDOUT) {
        on_whole_stdout(ch, e);
        return;
    }
    if (ch->whole.pending) {
        send_whole(ch);
    }
    channel_send(ch, e->json);
}

static void on_session_closed(struct watcher *watcher, enum session_end why)
{
    struct channel *ch = LIST_ENTRY(watcher, struct channel, watcher);
    ch->session = NULL;
    switch (why) {
    case SESSION_DELETED:
        channel_refuse(ch, 1008, SPAN("Notebook not found"), SPAN("Notebook not found"));
        return;
    case SESSION_BROKEN:
        channel_refuse(ch, 1011, SPAN("The server could not save this notebook."),
                       SPAN("Storage failed"));
        return;
    case SESSION_DRAINING:
        channel_refuse(ch, 1012, SPAN_NULL, SPAN("Server restart"));
        return;
    }
}

/* --- opening the notebook --- */
static void run_waiting(struct channel *ch)
{
    struct text waiting = ch->waiting;
    ch->waiting = TEXT(WAITING_MAX);
    struct span rest = text_span(&waiting);
    while (rest.n > 0 && ch->state == CHANNEL_LIVE) {
        command_run(ch, span_cut(&rest, '\0'));
    }
    text_free(&waiting);
}

static void on_life_over(uv_timer_t *timer)
{
    channel_refuse(timer->data, 4401, SPAN_NULL, SPAN("Please sign in again"));
}

static void refuse_open(struct channel *ch, enum err e)
{
    if (e == ERR_NOT_FOUND) {
        channel_refuse(ch, 1008, SPAN("Notebook not found"), SPAN("Notebook not found"));
    } else if (e == ERR_FORBIDDEN) {
        channel_refuse(ch, 1008,
                       SPAN("Access denied: You don't have permission to access this notebook"),
                       SPAN("Access denied"));
    } else {
        channel_refuse(ch, 1013, SPAN("The notebook cannot be opened now."),
                       SPAN("Try again later"));
    }
}

/* Called again, it begins anew. */
static void start_life(struct channel *ch)
{
    (void)uv_timer_start(&ch->timer, on_life_over, (uint64_t)ch->app->config.socket_life_s * 1000,
                         0);
}

static void go_live(struct channel *ch, struct session *s)
{
    move(ch, CHANNEL_LIVE);
    ch->session = s;
    session_watch(s, &ch->watcher);
    start_life(ch);
    run_waiting(ch);
}

static void on_opened(void *data, enum err e, struct session *s)
{
    struct channel *ch = data;
    if (ch->state == CHANNEL_OPENING && e == OK) {
        go_live(ch, s);
    } else if (ch->state == CHANNEL_OPENING) {
        refuse_open(ch, e);
    }
    release(ch);
}

static void open_notebook(struct channel *ch);

static void on_seeded(void *data, enum err e, const struct store_list *list)
{
    struct channel *ch = data;
    if (ch->state == CHANNEL_OPENING && e == OK) {
        open_notebook(ch);
    } else if (ch->state == CHANNEL_OPENING) {
        refuse_open(ch, e);
    }
    release(ch);
}

static void load_notebook(struct channel *ch, struct span user, struct span id)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_head head;
    enum err e = store_find(ch->app->store, a, id, &head);
    if (e == ERR_NOT_FOUND && !ch->seeded && !span_eq(id, span_str(ch->wanted))) {
        ch->seeded = true;
        ch->holds++;
        sessions_list(ch->app->sessions, user, on_seeded, ch);
    } else if (e != OK) {
        refuse_open(ch, e);
    } else if (!span_eq(head.owner, user)) {
        refuse_open(ch, ERR_FORBIDDEN);
    } else {
        ch->holds++;
        sessions_load(ch->app->sessions, user, id, on_opened, ch);
    }
}

static void open_notebook(struct channel *ch)
{
    struct span user = span_str(ch->user);
    struct span id = span_str(ch->notebook_id);
    struct session *open = sessions_find(ch->app->sessions, id);
    bool foreign = open != NULL && !span_eq(session_owner(open), user);
    if (foreign || request_names_other(user, id)) {
        refuse_open(ch, ERR_FORBIDDEN);
    } else if (open == NULL) {
        load_notebook(ch, user, id);
    } else {
        go_live(ch, open);
    }
}

/* --- signing in --- */
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

static void signed_in(struct channel *ch, const struct clerk_identity *who)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    move(ch, CHANNEL_OPENING);
    (void)uv_timer_stop(&ch->timer);
    ch->user = mem_copy(who->user_id);
    ch->notebook_id = mem_copy(request_notebook_id(a, span_str(ch->user), span_str(ch->wanted)));
    if (!ch->cumulative) {
        welcome(ch);
    }
    open_notebook(ch);
}

/* A later token renews the sign-in; it must be the same user's. */
static void renewed(struct channel *ch, const struct clerk_answer *answer)
{
    if (answer->verdict == CLERK_PASS && span_eq(answer->who.user_id, span_str(ch->user))) {
        start_life(ch);
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
        channel_refuse(ch, 1008, SPAN("Invalid authentication token"), SPAN("Invalid token"));
    } else {
        channel_refuse(ch, 1013, SPAN("Tokens cannot be checked now."), SPAN("Try again later"));
    }
}

static void on_keys(void *data, enum err e);

static void judge(struct channel *ch, struct span token, bool waited)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_answer answer = clerk_verify(ch->app->clerk, a, token, waited);
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
    release(ch);
}

void channel_refresh(struct channel *ch, struct span token)
{
    judge(ch, token, false);
}

static void sign_in(struct channel *ch, struct span token)
{
    move(ch, CHANNEL_SIGNING_IN);
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

static void on_sign_in_late(uv_timer_t *timer)
{
    channel_refuse(timer->data, 1008, SPAN("Authentication timeout"),
                   SPAN("Authentication timeout"));
}

/* --- the handshake --- */
struct reply channel_open(struct request *r)
{
    static const struct ws_handler handler = {.on_message = on_message, .on_closed = on_ws_closed};
    struct app *app = r->app;
    if (!span_is_null(r->call->origin) && !guard_origin_allowed(app, r->call->origin)) {
        return reply_detail(r, 403, "This origin may not open a WebSocket here.");
    }
    CLEANUP(arena_free_ptr) struct arena *a = arena_new(); /* the request's ends with the upgrade */
    struct channel *ch = mem_alloc(sizeof *ch);
    struct span token = credentials_early(r, a, &ch->cumulative);
    ch->app = app;
    ch->wanted = mem_copy(r->params[0]);
    ch->waiting = TEXT(WAITING_MAX);
    ch->watcher.on_event = on_event;
    ch->watcher.on_closed = on_session_closed;
    ch->holds = 1;
    ch->ws = http_upgrade(
        r->call, &(struct ws_options){.handler = &handler,
                                      .data = ch,
                                      .message_max = (size_t)app->config.socket_message_max,
                                      .queue_max = (size_t)app->config.socket_queue_max});
    if (ch->ws == NULL) {
        release(ch);
        return reply_later();
    }
    ch->holds++; /* the timer */
    ch->timer.data = ch;
    (void)uv_timer_init(&app->loop, &ch->timer);
    if (!span_is_null(token)) {
        sign_in(ch, token);
        return reply_later();
    }
    (void)uv_timer_start(&ch->timer, on_sign_in_late, (uint64_t)app->config.socket_auth_ms, 0);
    return reply_later();
}

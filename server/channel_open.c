/* From a user who has signed in to the session of the notebook, and the greeting. */
#include "base/clock.h"
#include "channel.h"

#define HEARTBEAT_S 25 /* http's ping to a socket: http_timing_default */

/* --- live --- */
/* Messages that came too early. */
static void run_waiting(struct channel *ch)
{
    struct text waiting = ch->waiting;
    ch->waiting = TEXT(waiting.max);
    struct span rest = text_span(&waiting);
    while (rest.n > 0 && ch->state == CHANNEL_LIVE) {
        command_run(ch, span_cut(&rest, '\0'));
    }
    text_free(&waiting);
}

static void put_greeting(const struct channel *ch, struct span resume, struct json_writer *w)
{
    json_open_object(w);
    json_member_string(w, SPAN("type"), SPAN("authenticated"));
    json_member_string(w, SPAN("user_id"), span_str(ch->user));
    json_member_int(w, SPAN("expires_at_ms"), ch->lease.expires_ms);
    json_member_int(w, SPAN("v"), 2);
    json_member_string(w, SPAN("connection"), id_span(&ch->watcher.connection));
    json_member_string(w, SPAN("epoch"), session_epoch(ch->session));
    json_member_int(w, SPAN("seq"), session_seq(ch->session));
    json_member_string(w, SPAN("resume"), resume);
    json_member_int(w, SPAN("heartbeat_s"), HEARTBEAT_S);
    json_close_object(w);
}

void channel_greet(struct channel *ch, struct span resume)
{
    struct text out = TEXT(4096);
    struct json_writer w = JSON_WRITER(&out);
    put_greeting(ch, resume, &w);
    channel_send(ch, text_span(&out));
    text_free(&out);
    channel_move(ch, CHANNEL_LIVE);
    cursor_tell_news(ch);
    run_waiting(ch);
}

/* Who speaks version 2 is shown to the others, and can answer input(). */
static void watch(struct channel *ch, struct session *s)
{
    ch->session = s;
    ch->watcher.connection = id_new();
    ch->watcher.since_ms = clock_unix_ms();
    ch->watcher.user = ch->hello.version == 2 ? ch->user : NULL;
    session_watch(s, &ch->watcher);
    if (ch->hello.version == 2) {
        cursor_start(ch);
        return;
    }
    channel_move(ch, CHANNEL_LIVE);
    run_waiting(ch);
}

/* --- finding and loading it --- */
static void refuse_open(struct channel *ch, enum err e)
{
    if (e == ERR_NOT_FOUND) {
        channel_refuse(ch, 1008, SPAN("Notebook not found"), SPAN("Notebook not found"));
    } else if (e == ERR_FORBIDDEN) {
        trail_refused_socket(ch, SPAN("403"));
        channel_refuse(ch, 1008,
                       SPAN("Access denied: You don't have permission to access this notebook"),
                       SPAN("Access denied"));
    } else {
        channel_refuse(ch, 1013, SPAN("The notebook cannot be opened now."),
                       SPAN("Try again later"));
    }
}

static void on_opened(void *data, enum err e, struct session *s)
{
    struct channel *ch = data;
    if (ch->state == CHANNEL_OPENING && e == OK) {
        watch(ch, s);
    } else if (ch->state == CHANNEL_OPENING) {
        refuse_open(ch, e);
    }
    channel_release(ch);
}

static void on_seeded(void *data, enum err e, const struct store_list *list)
{
    struct channel *ch = data;
    if (ch->state == CHANNEL_OPENING && e == OK) {
        channel_open_notebook(ch);
    } else if (ch->state == CHANNEL_OPENING) {
        refuse_open(ch, e);
    }
    channel_release(ch);
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

void channel_open_notebook(struct channel *ch)
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
        watch(ch, open);
    }
}

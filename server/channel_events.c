/* What a channel is told by its session, and how it is said to each version. */
#include "channel.h"

/* Cumulative stdout up to here is sent at every event. */
#define WHOLE_AT_ONCE ((size_t)64 * 1024)
/* A whole text as a message: more than a session shows of one (its limits), escaped at worst. */
#define WHOLE_MAX ((size_t)16 * 1024 * 1024)

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

/* --- version 1 --- */
/* A long text is not repeated for every line added to it: only when it has grown by a quarter, and
 * before anything else is said. */
static void send_whole(struct channel *ch)
{
    struct whole_stdout *w = &ch->whole;
    w->pending = false;
    struct text out = TEXT(WHOLE_MAX);
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

/* The members that version 1 knows stand in front. */
static void send_known(struct channel *ch, const struct event *e)
{
    const struct span parts[] = {span_sub(e->json, 0, e->known), SPAN("}")};
    if (e->old_only) {
        channel_send(ch, e->json);
    } else if (ch->ws != NULL) {
        ws_send_parts(ch->ws, parts, 2);
    }
}

static void on_old_event(struct channel *ch, const struct event *e)
{
    if (!e->old_only && e->known == 0) {
        return;
    }
    if (ch->cumulative && e->kind == EVENT_STDOUT) {
        on_whole_stdout(ch, e);
        return;
    }
    if (ch->whole.pending) {
        send_whole(ch);
    }
    send_known(ch, e);
}

/* --- version 2: variables, after every plan, for those who want them --- */
static void ask_variables(struct channel *ch);

static void send_variables(struct channel *ch, struct span document)
{
    const struct span parts[] = {SPAN("{\"type\":\"variables\","),
                                 span_sub(document, 1, document.n)};
    ws_send_parts(ch->ws, parts, 2);
}

/* A kernel that cannot answer now says nothing: the next plan asks again. */
static void on_variables(void *data, enum err e, const struct session_result *r)
{
    struct channel *ch = data;
    ch->asks_variables = false;
    if (ch->state == CHANNEL_LIVE && e == OK && ws_queued(ch->ws) <= CURSOR_HIGH) {
        send_variables(ch, r->document);
    }
    if (ch->state == CHANNEL_LIVE && ch->asks_variables_again) {
        ask_variables(ch);
    }
    channel_release(ch);
}

static void ask_variables(struct channel *ch)
{
    ch->asks_variables_again = ch->asks_variables;
    if (ch->asks_variables) {
        return;
    }
    ch->asks_variables = true;
    ch->holds++;
    action_variables(ch->session, NULL, on_variables, ch);
}

/* --- the watcher --- */
void channel_on_event(struct watcher *watcher, const struct event *e)
{
    struct channel *ch = LIST_ENTRY(watcher, struct channel, watcher);
    if (ch->hello.version == 1) {
        on_old_event(ch, e);
        return;
    }
    cursor_event(ch, e);
    if (e->kind == EVENT_PLAN_ENDED && ch->follows_variables && ch->state == CHANNEL_LIVE) {
        ask_variables(ch);
    }
}

void channel_on_session_end(struct watcher *watcher, enum session_end why)
{
    struct channel *ch = LIST_ENTRY(watcher, struct channel, watcher);
    ch->session = NULL;
    switch (why) {
    case SESSION_DELETED:
        if (ch->hello.version == 2 && ch->state == CHANNEL_LIVE) {
            channel_send(ch, SPAN("{\"type\":\"notebook_deleted\"}"));
        }
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

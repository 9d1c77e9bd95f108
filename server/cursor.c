#include "cursor.h"

#include <assert.h>

#include "channel.h"
#include "coalesce.h"

#define PAGE_BYTES ((size_t)256 * 1024)

static const unsigned allowed[] = {
    [CURSOR_OFF] = 1U << CURSOR_READING | 1U << CURSOR_SNAPSHOTTING,
    [CURSOR_LIVE] = 1U << CURSOR_FULL | 1U << CURSOR_READING,
    [CURSOR_FULL] = 1U << CURSOR_LIVE | 1U << CURSOR_READING,
    [CURSOR_READING] =
        1U << CURSOR_LIVE | 1U << CURSOR_FULL | 1U << CURSOR_READING | 1U << CURSOR_SNAPSHOTTING,
    [CURSOR_SNAPSHOTTING] = 1U << CURSOR_LIVE | 1U << CURSOR_FULL | 1U << CURSOR_READING,
};

static void move(struct channel *ch, enum cursor_state to)
{
    assert((allowed[ch->cursor.state] & 1U << to) != 0);
    ch->cursor.state = to;
}

static bool is_ended(const struct channel *ch)
{
    return ch->state == CHANNEL_CLOSED || ch->session == NULL;
}

/* --- what is true now --- */
static void send_news(struct channel *ch)
{
    struct cursor *c = &ch->cursor;
    struct text out = TEXT((size_t)16 * 1024 * 1024);
    if (c->kernel_due) {
        session_kernel_message(ch->session, &out);
        channel_send(ch, text_span(&out));
    }
    if (c->presence_due) {
        text_clear(&out);
        session_presence_message(ch->session, &out);
        channel_send(ch, text_span(&out));
    }
    c->kernel_due = c->presence_due = false;
    text_free(&out);
}

/* --- the journal --- */
static void read_page(struct channel *ch);

/* After a page, a snapshot, or a wait: what comes next? */
static void go_on(struct channel *ch)
{
    if (ch->cursor.seq >= session_seq(ch->session)) {
        move(ch, CURSOR_LIVE);
    } else if (ws_queued(ch->ws) > CURSOR_LOW) {
        move(ch, CURSOR_FULL);
    } else {
        read_page(ch);
    }
}

/* {"type":"snapshot","epoch","seq","notebook","run"}: the last two are the session's document. */
static void send_snapshot(struct channel *ch, const struct session_result *r)
{
    struct text head = TEXT(1024);
    struct json_writer w = JSON_WRITER(&head);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("snapshot"));
    json_member_string(&w, SPAN("epoch"), session_epoch(ch->session));
    json_member_int(&w, SPAN("seq"), r->seq);
    text_add_char(&head, ',');
    const struct span parts[] = {text_span(&head), span_sub(r->document, 1, r->document.n)};
    ws_send_parts(ch->ws, parts, 2);
    text_free(&head);
    ch->cursor.seq = r->seq;
}

static void on_snapshot(void *data, enum err e, const struct session_result *r)
{
    struct channel *ch = data;
    if (!is_ended(ch) && e == OK) {
        send_snapshot(ch, r);
        go_on(ch);
    } else if (!is_ended(ch) && e == ERR_TOO_LARGE) {
        channel_refuse(ch, 1011, SPAN_NULL, SPAN("The notebook is too large to send"));
    } else if (!is_ended(ch)) {
        channel_refuse(ch, 1013, SPAN_NULL, SPAN("Try again later"));
    }
    channel_release(ch);
}

static void ask_snapshot(struct channel *ch)
{
    move(ch, CURSOR_SNAPSHOTTING);
    ch->holds++;
    session_snapshot(ch->session, SESSION_STATE, on_snapshot, ch);
}

static void send_page(struct channel *ch, const struct store_events *events)
{
    bool *keep = mem_alloc_array(events->count, sizeof *keep);
    coalesce_page(events->items, events->count, keep);
    for (size_t i = 0; i < events->count; i++) {
        if (keep[i]) {
            channel_send(ch, events->items[i].json);
        }
        ch->cursor.seq = events->items[i].seq;
    }
    mem_free(keep);
}

/* What had been told of when the page was asked for must be there, unless it is no longer kept.
 * What has been told of since may have come to the disk after the page was read. */
static bool is_kept(const struct channel *ch, const struct store_events *events)
{
    const struct cursor *c = &ch->cursor;
    return c->seq + 1 >= events->oldest && c->seq <= events->seq &&
           (events->count > 0 || c->seq >= c->asked);
}

static void on_page(struct channel *ch, const struct store_events *events)
{
    bool kept = is_kept(ch, events);
    if (ch->state == CHANNEL_OPENING) {
        channel_greet(ch, kept ? SPAN("events") : SPAN("snapshot"));
    }
    if (is_ended(ch)) { /* a message that had waited for the greeting was the last one */
        return;
    }
    if (!kept) {
        ask_snapshot(ch);
        return;
    }
    send_page(ch, events);
    go_on(ch);
}

static void on_events(void *data, enum err e, const struct store_events *events)
{
    struct channel *ch = data;
    if (!is_ended(ch) && e == OK) {
        on_page(ch, events);
    } else if (!is_ended(ch) && e != ERR_NOT_FOUND) { /* deleted: the session says so next */
        channel_refuse(ch, 1013, SPAN_NULL, SPAN("Try again later"));
    }
    channel_release(ch);
}

static void read_page(struct channel *ch)
{
    move(ch, CURSOR_READING);
    ch->cursor.asked = session_seq(ch->session);
    ch->holds++;
    store_events(ch->app->store,
                 &(struct store_range){.owner = span_str(ch->user),
                                       .notebook_id = span_str(ch->notebook_id),
                                       .since = ch->cursor.seq,
                                       .bytes_max = PAGE_BYTES},
                 on_events, ch);
}

/* --- the calls --- */
void cursor_start(struct channel *ch)
{
    const struct hello *h = &ch->hello;
    bool same = h->epoch == NULL || span_eq(span_str(h->epoch), session_epoch(ch->session));
    if (h->since >= 0 && same) {
        ch->cursor.seq = h->since;
        read_page(ch);
        return;
    }
    channel_greet(ch, SPAN("snapshot"));
    if (!is_ended(ch)) {
        ask_snapshot(ch);
    }
}

static void on_news(struct channel *ch, const struct event *e)
{
    ch->cursor.kernel_due = ch->cursor.kernel_due || e->kind == EVENT_KERNEL;
    ch->cursor.presence_due = ch->cursor.presence_due || e->kind == EVENT_PRESENCE;
    if (ws_queued(ch->ws) <= CURSOR_HIGH) {
        send_news(ch);
    }
}

static void on_next(struct channel *ch, const struct event *e)
{
    if (e->seq != ch->cursor.seq + 1) {
        read_page(ch);
        return;
    }
    channel_send(ch, e->json);
    ch->cursor.seq = e->seq;
    if (ws_queued(ch->ws) > CURSOR_HIGH) {
        move(ch, CURSOR_FULL);
    }
}

void cursor_event(struct channel *ch, const struct event *e)
{
    if (ch->state != CHANNEL_LIVE || e->old_only) {
        return; /* before the greeting: it will tell what is so */
    }
    if (e->seq == 0) {
        on_news(ch, e);
    } else if (ch->cursor.state == CURSOR_LIVE && e->seq > ch->cursor.seq) {
        on_next(ch, e);
    }
}

void cursor_tell_news(struct channel *ch)
{
    ch->cursor.kernel_due = ch->cursor.presence_due = true;
    send_news(ch);
}

void cursor_drained(struct channel *ch)
{
    if (ch->state != CHANNEL_LIVE) {
        return;
    }
    send_news(ch);
    if (ch->cursor.state == CURSOR_FULL) {
        go_on(ch);
    }
}

/* handlers: what a program reads besides the notebook itself: its history, its kernel. */
#include "request.h"

#define EVENTS_BYTES_MAX ((size_t)1024 * 1024) /* of one answer's events */

/* --- events --- */
/* {"epoch","seq",: what follows decides. */
static struct json_writer begin(struct text *out, struct span epoch, int64_t seq)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("epoch"), epoch);
    json_member_int(&w, SPAN("seq"), seq);
    return w;
}

static void on_snapshot(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(
            r, e == ERR_TOO_LARGE
                   ? reply_detail(r, 507, "The notebook's outputs are too large to send at once.")
                   : reply_err(r, e));
        return;
    }
    struct text out = TEXT(result->document.n + 1024);
    struct json_writer w = begin(&out, session_epoch(r->session), result->seq);
    json_member_raw(&w, SPAN("snapshot"), result->document);
    json_close_object(&w);
    request_answer(r, reply_text(r, &out));
}

static struct reply show_events(struct request *r, const struct store_events *events)
{
    struct text out = TEXT((size_t)256 * 1024 * 1024); /* a single event may be large */
    struct json_writer w = begin(&out, id_span(&events->epoch), events->seq);
    json_member_int(&w, SPAN("oldest"), events->oldest);
    json_put_name(&w, SPAN("events"));
    json_open_array(&w);
    for (size_t i = 0; i < events->count && (int64_t)i < r->query.limit; i++) {
        json_put_raw(&w, events->items[i].json);
    }
    json_close_array(&w);
    json_close_object(&w);
    return reply_text(r, &out);
}

static void on_events(void *data, enum err e, const struct store_events *events)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(r, reply_err(r, e));
        return;
    }
    bool kept = r->query.since + 1 >= events->oldest && r->query.since <= events->seq;
    if (kept) {
        request_answer(r, show_events(r, events));
        return;
    }
    /* The session may have closed while the disk was read. */
    r->session = sessions_find(r->app->sessions, r->notebook_id);
    if (r->session == NULL) {
        request_answer(r, reply_err(r, ERR_UNAVAILABLE));
        return;
    }
    session_snapshot(r->session, SESSION_STATE, on_snapshot, r);
}

struct reply state_events(struct request *r)
{
    struct span epoch = r->query.epoch;
    bool other = !span_is_null(epoch) && !span_eq(epoch, session_epoch(r->session));
    if (r->query.since < 0 || other) {
        session_snapshot(r->session, SESSION_STATE, on_snapshot, r);
        return reply_later();
    }
    store_events(r->app->store,
                 &(struct store_range){.owner = r->who.user_id,
                                       .notebook_id = r->notebook_id,
                                       .since = r->query.since,
                                       .bytes_max = EVENTS_BYTES_MAX},
                 on_events, r);
    return reply_later();
}

/* --- kernel --- */
struct reply state_kernel(struct request *r)
{
    static const struct span type = SPAN("{\"type\":\"kernel_state\",");
    struct text out = TEXT((size_t)1024 * 1024);
    session_kernel_message(r->session, &out);
    struct span message = text_span(&out);
    if (span_starts(message, type)) { /* the message without its type is the answer */
        message = arena_printf(r->arena, "{%.*s", SPAN_ARGS(span_sub(message, type.n, message.n)));
    }
    struct reply reply = {.status = 200, .body = arena_copy(r->arena, message)};
    text_free(&out);
    return reply;
}

static void on_variables(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == ERR_UNAVAILABLE) {
        request_answer(r, reply_detail(r, 503, "The kernel cannot answer now."));
        return;
    }
    request_answer(
        r, e == OK ? (struct reply){.status = 200, .body = arena_copy(r->arena, result->document)}
                   : reply_err(r, e));
}

struct reply state_variables(struct request *r)
{
    action_variables(r->session, &r->body, on_variables, r);
    return reply_later();
}

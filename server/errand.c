#include "errand.h"

#define ANSWER_MAX ((size_t)8 * 1024 * 1024) /* without the session's document */

struct errand *errand_new(struct channel *ch, struct span id)
{
    struct arena *a = arena_new();
    struct errand *e = arena_alloc(a, sizeof *e);
    e->ch = ch;
    e->arena = a;
    e->id = arena_copy(a, id);
    ch->errands++;
    ch->holds++;
    return e;
}

void errand_drop(struct errand *e)
{
    struct channel *ch = e->ch;
    arena_free(e->arena);
    ch->errands--;
    channel_release(ch);
}

static struct json_writer begin(struct text *out, struct span type, const struct errand *e)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), type);
    json_member_raw(&w, SPAN("id"), span_is_null(e->id) ? SPAN("null") : e->id);
    return w;
}

static void send_parts(struct errand *e, const struct span *parts, size_t n)
{
    if (e->ch->ws != NULL) {
        ws_send_parts(e->ch->ws, parts, n);
    }
}

/* The document may be large: it is not copied into the answer but sent between its parts. Both
 * `members` and the document's own stand in one object. */
static void send_reply(struct errand *e, struct span document, struct span members)
{
    struct text head = TEXT(1024);
    struct json_writer w = begin(&head, SPAN("reply"), e);
    json_put_name(&w, SPAN("result"));
    struct span inside = document.n < 2 ? SPAN("") : span_sub(document, 1, document.n - 2);
    bool both = inside.n > 0 && members.n > 0;
    const struct span parts[] = {text_span(&head), SPAN("{"), inside, both ? SPAN(",") : SPAN(""),
                                 members,          SPAN("}}")};
    send_parts(e, parts, sizeof parts / sizeof *parts);
    text_free(&head);
}

void errand_reply_members(struct errand *e, struct span members)
{
    send_reply(e, SPAN_NULL, members);
    errand_drop(e);
}

void errand_reply(struct errand *e, const struct session_result *r)
{
    struct text members = TEXT(4096);
    struct json_writer w = JSON_WRITER(&members);
    if (e->verb->write != NULL) {
        e->verb->write(&w, r);
    }
    send_reply(e, r->document, text_span(&members));
    text_free(&members);
    errand_drop(e);
}

void errand_refuse(struct errand *e, const struct refusal *refusal)
{
    struct text out = TEXT(ANSWER_MAX);
    struct json_writer w = begin(&out, SPAN("refused"), e);
    json_member_string(&w, SPAN("code"), refusal->code);
    json_member_string(&w, SPAN("message"), refusal->message);
    if (refusal->retry_after_s > 0) {
        json_member_int(&w, SPAN("retry_after_s"), refusal->retry_after_s);
    }
    if (refusal->current != NULL) {
        json_member_int(&w, SPAN("revision"), refusal->current->revision);
        json_member_string(&w, SPAN("current"), refusal->current->document);
    }
    json_close_object(&w);
    channel_send(e->ch, text_span(&out));
    text_free(&out);
    errand_drop(e);
}

/* --- the session's outcome in the protocol's words --- */
static struct refusal refusal_of(const struct verb *v, enum err e)
{
    struct refusal none = {SPAN("internal"), SPAN("The server has failed to do this."), 0, NULL};
    switch (e) {
    case ERR_INVALID:
        return (struct refusal){SPAN("invalid"),
                                span_str(v->invalid == NULL
                                             ? "The message holds a value that cannot be stored."
                                             : v->invalid),
                                0, NULL};
    case ERR_NOT_FOUND:
        return (struct refusal){
            SPAN("not_found"),
            span_str(v->not_found == NULL ? "There is no such cell." : v->not_found), 0, NULL};
    case ERR_CONFLICT:
        return (struct refusal){
            SPAN("conflict"),
            span_str(v->conflict == NULL ? "This has changed meanwhile." : v->conflict), 0, NULL};
    case ERR_TOO_LARGE:
        return (struct refusal){SPAN("too_large"), SPAN("This is larger than the server keeps."), 0,
                                NULL};
    case ERR_LIMIT:
        return (struct refusal){SPAN("limit"), SPAN("There are too many of these already."), 0,
                                NULL};
    case ERR_UNAVAILABLE:
    case ERR_CANCELED:
        return (struct refusal){SPAN("unavailable"), SPAN("This cannot be done now."), 0, NULL};
    case ERR_DISK_FULL:
        return (struct refusal){SPAN("disk_full"),
                                SPAN("The server's disk is full: the change was not saved."), 0,
                                NULL};
    case OK:
    case ERR_UNAUTHORIZED:
    case ERR_FORBIDDEN:
    case ERR_INTERNAL:
        break;
    }
    return none;
}

void errand_done(void *errand, enum err e, const struct session_result *r)
{
    struct errand *run = errand;
    if (e == OK) {
        errand_reply(run, r);
        return;
    }
    struct refusal refusal = refusal_of(run->verb, e);
    if (e == ERR_CONFLICT && r != NULL && !span_is_null(r->document)) {
        refusal.current = r;
    }
    errand_refuse(run, &refusal);
}

void errand_progress(void *errand, size_t done, size_t total)
{
    const struct errand *e = errand;
    if (span_is_null(e->id)) {
        return;
    }
    struct text out = TEXT(1024);
    struct json_writer w = begin(&out, SPAN("progress"), e);
    json_member_int(&w, SPAN("done"), (int64_t)done);
    json_member_int(&w, SPAN("total"), (int64_t)total);
    json_close_object(&w);
    channel_send(e->ch, text_span(&out));
    text_free(&out);
}

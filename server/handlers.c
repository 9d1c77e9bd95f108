/* handlers: from a request to a reply. The words of refusals are the contract's (CONTRACT 2.3). */
#include "request.h"

#define LIST_MAX ((size_t)256 * 1024 * 1024) /* all notebooks of a user, as JSON */

struct reply health(struct request *r)
{
    if (r->app->draining) {
        return reply_detail(r, 503, "The server is stopping.");
    }
    return reply_ok(r);
}

/* --- all notebooks --- */
static void on_created(void *data, enum err e, struct span id)
{
    struct request *r = data;
    if (e == ERR_LIMIT) {
        request_answer(r, reply_detail(r, 429,
                                       "You have as many notebooks as this server keeps per "
                                       "user. Delete some first."));
        return;
    }
    request_answer(r, e == OK ? reply_id(r, SPAN("notebook_id"), id) : reply_err(r, e));
}

struct reply notebooks_create(struct request *r)
{
    sessions_create(r->app->sessions, r->who.user_id, on_created, r);
    return reply_later();
}

static void on_listed(void *data, enum err e, const struct store_list *list)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(r, reply_err(r, e));
        return;
    }
    struct text out = TEXT(LIST_MAX);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_put_name(&w, SPAN("notebooks"));
    json_open_array(&w);
    for (size_t i = 0; i < list->count; i++) {
        const struct store_head *head = &list->items[i];
        json_open_object(&w);
        json_member_string(&w, SPAN("id"), head->id);
        json_member_string(&w, SPAN("name"), span_is_null(head->name) ? head->id : head->name);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    request_answer(r, reply_text(r, &out));
}

struct reply notebooks_list(struct request *r)
{
    sessions_list(r->app->sessions, r->who.user_id, on_listed, r);
    return reply_later();
}

/* --- one notebook --- */
static struct reply show_document(struct request *r, struct span document)
{
    if (span_is_null(document)) {
        return reply_detail(r, 507, "The notebook's outputs are too large to send at once.");
    }
    return (struct reply){.status = 200, .body = arena_copy(r->arena, document)};
}

static void on_snapshot(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == OK) {
        request_answer(r, show_document(r, result->document));
    } else {
        request_answer(r, e == ERR_TOO_LARGE ? show_document(r, SPAN_NULL) : reply_err(r, e));
    }
}

/* What is not on disk yet is not shown to anybody. */
struct reply notebook_get(struct request *r)
{
    if (session_is_settled(r->session)) {
        return show_document(r, session_document(r->session));
    }
    session_snapshot(r->session, SESSION_CONTRACT, on_snapshot, r);
    return reply_later();
}

static void on_renamed(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(r, reply_err(r, e));
        return;
    }
    struct text out = TEXT((size_t)6 * NOTEBOOK_NAME_MAX + 64);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("status"), SPAN("ok"));
    json_member_string(&w, SPAN("name"), r->body.name);
    json_close_object(&w);
    request_answer(r, reply_text(r, &out));
}

struct reply notebook_rename(struct request *r)
{
    struct span name = span_trim(r->body.name);
    r->body.name = name.n == 0 ? SPAN_NULL : name;
    session_rename(r->session, r->body.name, on_renamed, r);
    return reply_later();
}

static void on_done(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    request_answer(r, reply_err(r, e));
}

struct reply notebook_set_connection(struct request *r)
{
    struct span value = r->body.connection_string;
    session_set_connection(r->session, value.n == 0 ? SPAN_NULL : value, on_done, r);
    return reply_later();
}

struct reply notebook_delete(struct request *r)
{
    session_delete(r->session, on_done, r);
    return reply_later();
}

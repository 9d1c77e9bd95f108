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
static struct reply show_id(struct request *r, struct span member, struct span id)
{
    struct text out = TEXT(1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, member, id);
    json_close_object(&w);
    return reply_text(r, &out);
}

static void on_created(void *data, enum err e, struct span id)
{
    struct request *r = data;
    if (e == ERR_LIMIT) {
        request_answer(r, reply_detail(r, 429,
                                       "You have as many notebooks as this server keeps per "
                                       "user. Delete some first."));
        return;
    }
    request_answer(r, e == OK ? show_id(r, SPAN("notebook_id"), id) : reply_err(r, e));
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
static struct reply show_notebook(struct request *r)
{
    struct span document = session_document(r->session);
    if (span_is_null(document)) {
        return reply_detail(r, 507, "The notebook's outputs are too large to send at once.");
    }
    return (struct reply){.status = 200, .body = arena_copy(r->arena, document)};
}

/* Whether a session still stands after a wait is for its own callbacks to say. */
static void on_settled(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    request_answer(r, e == OK ? show_notebook(r) : reply_err(r, e));
}

struct reply notebook_get(struct request *r)
{
    if (session_is_settled(r->session)) {
        return show_notebook(r);
    }
    session_settle(r->session, on_settled, r);
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

/* --- cells --- */
static void on_cell_created(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == ERR_NOT_FOUND) {
        request_answer(
            r, reply_detail(r, 404, "Cell '%.*s' not found", SPAN_ARGS(r->body.after_cell_id)));
        return;
    }
    request_answer(r, e == OK ? show_id(r, SPAN("cell_id"), result->cell_id) : reply_err(r, e));
}

struct reply cell_create(struct request *r)
{
    enum cell_type type = CELL_PYTHON;
    if (cell_type_parse(r->body.type, &type) != OK) {
        return reply_err(r, ERR_INVALID); /* the field table lets only cell types pass */
    }
    struct span after = r->body.after_cell_id;
    session_create_cell(r->session, type, after.n == 0 ? SPAN_NULL : after, on_cell_created, r);
    return reply_later();
}

static void on_cell_changed(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == ERR_NOT_FOUND) {
        request_answer(r, reply_detail(r, 400, "Cell %.*s not found", SPAN_ARGS(r->params[1])));
        return;
    }
    if (e == ERR_CONFLICT) {
        request_answer(r, reply_detail(r, 409, "Revision conflict: expected %lld, got %lld",
                                       (long long)r->body.expected_revision,
                                       (long long)result->revision));
        return;
    }
    if (e == ERR_INVALID) {
        request_answer(r, body_refuse(r, "code", "Code cannot hold a NUL character"));
        return;
    }
    if (e != OK) {
        request_answer(r, reply_err(r, e));
        return;
    }
    struct text out = TEXT(1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("status"), SPAN("ok"));
    json_member_int(&w, SPAN("revision"), result->revision);
    json_close_object(&w);
    request_answer(r, reply_text(r, &out));
}

struct reply cell_update(struct request *r)
{
    const struct json *given = r->body.revision_given;
    bool checked = given != NULL && given->kind == JSON_NUMBER;
    struct session_code code = {.cell_id = r->params[1],
                                .code = r->body.code,
                                .any_revision = !checked,
                                .expected = r->body.expected_revision};
    session_update_cell(r->session, &code, on_cell_changed, r);
    return reply_later();
}

struct reply cell_delete(struct request *r)
{
    session_delete_cell(r->session, r->params[1], on_cell_changed, r);
    return reply_later();
}

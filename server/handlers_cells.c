/* handlers: cells of a notebook. The words of refusals are the contract's where it has them
 * (CONTRACT 2.3). */
#include "request.h"

static struct reply act(struct request *r, action_fn action, session_done_cb done)
{
    r->body.cell_id = r->params[1];
    action(r->session, &r->body, done, r);
    return reply_later();
}

static void on_created(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == ERR_NOT_FOUND) {
        request_answer(
            r, reply_detail(r, 404, "Cell '%.*s' not found", SPAN_ARGS(r->body.after_cell_id)));
    } else if (e == ERR_INVALID) {
        request_answer(r, body_refuse(r, "code", "Code cannot hold a NUL character"));
    } else {
        request_answer(r,
                       e == OK ? reply_id(r, SPAN("cell_id"), result->cell_id) : reply_err(r, e));
    }
}

struct reply cell_create(struct request *r)
{
    return act(r, action_create_cell, on_created);
}

/* --- changes: {"status":"ok","revision"} --- */
static struct json_writer begin_ok(struct text *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_open_object(&w);
    json_member_string(&w, SPAN("status"), SPAN("ok"));
    return w;
}

static struct reply show_revision(struct request *r, const struct session_result *result)
{
    struct text out = TEXT(1024);
    struct json_writer w = begin_ok(&out);
    json_member_int(&w, SPAN("revision"), result->revision);
    json_close_object(&w);
    return reply_text(r, &out);
}

/* What the cell holds now, so that a client can merge. */
static struct reply refuse_base(struct request *r, const struct session_result *result)
{
    struct text out = TEXT((size_t)6 * NOTEBOOK_CODE_MAX + 1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("detail"), SPAN("The cell has been edited meanwhile."));
    json_member_int(&w, SPAN("revision"), result->revision);
    json_member_string(&w, SPAN("code"), result->document);
    json_close_object(&w);
    struct reply reply = reply_text(r, &out);
    reply.status = 409;
    return reply;
}

static struct reply refuse_conflict(struct request *r, const struct session_result *result)
{
    const struct json *base = r->body.base_given;
    if (base != NULL && base->kind == JSON_NUMBER) {
        return refuse_base(r, result);
    }
    return reply_detail(r, 409, "Revision conflict: expected %lld, got %lld",
                        (long long)r->body.expected_revision, (long long)result->revision);
}

static void on_changed(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == OK) {
        request_answer(r, show_revision(r, result));
    } else if (e == ERR_NOT_FOUND) {
        request_answer(r, reply_no_cell(r));
    } else if (e == ERR_CONFLICT) {
        request_answer(r, refuse_conflict(r, result));
    } else if (e == ERR_INVALID) {
        request_answer(r, body_refuse(r, "code", "Code cannot hold a NUL character"));
    } else {
        request_answer(r, reply_err(r, e));
    }
}

struct reply cell_update(struct request *r)
{
    return act(r, action_update_cell, on_changed);
}

struct reply cell_delete(struct request *r)
{
    return act(r, action_delete_cell, on_changed);
}

/* --- settings and places --- */
static void on_set(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e == OK) {
        request_answer(r, show_revision(r, result));
    } else if (e == ERR_NOT_FOUND) {
        request_answer(r, reply_no_cell(r));
    } else if (e == ERR_INVALID) {
        request_answer(r, body_refuse(r, "name", "A name cannot hold a NUL character"));
    } else {
        request_answer(r, reply_err(r, e));
    }
}

struct reply cell_set(struct request *r)
{
    return act(r, action_set_cell, on_set);
}

/* One of the two; without the other it is the cell itself. */
static struct reply refuse_move(struct request *r, enum err e)
{
    if (e == ERR_NOT_FOUND && r->body.after_cell_id.n > 0) {
        return reply_detail(r, 404, "Cell '%.*s' not found", SPAN_ARGS(r->body.after_cell_id));
    }
    return e == ERR_NOT_FOUND ? reply_no_cell(r) : reply_err(r, e);
}

static void on_moved(void *data, enum err e, const struct session_result *result)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(r, refuse_move(r, e));
        return;
    }
    struct text out = TEXT(1024);
    struct json_writer w = begin_ok(&out);
    json_member_int(&w, SPAN("revision"), result->revision);
    json_member_int(&w, SPAN("index"), (int64_t)result->position);
    json_close_object(&w);
    request_answer(r, reply_text(r, &out));
}

struct reply cell_move(struct request *r)
{
    return act(r, action_move_cell, on_moved);
}

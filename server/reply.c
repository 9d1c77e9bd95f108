#include "request.h"

struct reply reply_ok(struct request *r)
{
    return (struct reply){.status = 200, .body = SPAN("{\"status\":\"ok\"}")};
}

struct reply reply_text(struct request *r, struct text *out)
{
    struct reply reply = {.status = 200, .body = arena_copy(r->arena, text_span(out))};
    text_free(out);
    return reply;
}

struct reply reply_id(struct request *r, struct span member, struct span id)
{
    struct text out = TEXT(1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, member, id);
    json_close_object(&w);
    return reply_text(r, &out);
}

struct reply reply_words(struct request *r, int status, struct span words)
{
    struct text out = TEXT(words.n * 6 + 64); /* every byte may need an escape */
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("detail"), words);
    json_close_object(&w);
    struct reply reply = reply_text(r, &out);
    reply.status = status;
    if (status == 401) {
        reply_add_header(&reply, SPAN("www-authenticate"), SPAN("Bearer"));
    }
    if (status == 503) {
        reply_add_header(&reply, SPAN("retry-after"), SPAN("2"));
    }
    return reply;
}

struct reply reply_no_cell(struct request *r)
{
    return reply_detail(r, 400, "Cell %.*s not found", SPAN_ARGS(r->params[1]));
}

struct reply reply_err(struct request *r, enum err e)
{
    switch (e) {
    case OK:
        return reply_ok(r);
    case ERR_INVALID:
        return reply_detail(r, 422, "The request holds a value that cannot be stored.");
    case ERR_UNAUTHORIZED:
        return reply_detail(r, 401, "Please sign in.");
    case ERR_FORBIDDEN:
        return reply_detail(r, 403, "Access denied.");
    case ERR_NOT_FOUND:
        return reply_detail(r, 404,
                            "Notebook '%.*s' not found. It may have been deleted or you don't have "
                            "access to it.",
                            SPAN_ARGS(r->notebook_id));
    case ERR_CONFLICT:
        return reply_detail(r, 409, "Somebody else has changed this meanwhile.");
    case ERR_TOO_LARGE:
        return reply_detail(r, 413, "This is larger than the server keeps.");
    case ERR_LIMIT:
        return reply_detail(r, 429, "There are too many of these already. Delete some first.");
    case ERR_UNAVAILABLE:
    case ERR_CANCELED:
        return reply_detail(r, 503,
                            "The server is busy or stopping. Please try again in a moment.");
    case ERR_DISK_FULL:
        return reply_detail(r, 507, "The server's disk is full: the change was not saved.");
    case ERR_INTERNAL:
        break;
    }
    return reply_detail(r, 500, "The server has failed to do this; its log says why.");
}

struct reply reply_too_fast(struct request *r, unsigned retry_after_s)
{
    struct reply reply = reply_detail(r, 429,
                                      "You are asking for more than this server does for one user "
                                      "at a time. Please try again in %u s.",
                                      retry_after_s);
    reply_add_header(&reply, SPAN("retry-after"), arena_printf(r->arena, "%u", retry_after_s));
    return reply;
}

struct reply reply_later(void)
{
    return (struct reply){.later = true};
}

void reply_add_header(struct reply *reply, struct span name, struct span value)
{
    if (reply->header_count < sizeof reply->headers / sizeof *reply->headers) {
        reply->headers[reply->header_count++] = (struct reply_header){name, value};
    }
}

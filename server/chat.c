/* chat: the route of the original's assistant (CONTRACT 2.2 and 4). There is no language model
 * behind this server: the route checks who asks, what and about which notebook as the contract has
 * it, and then says so in the contract's own form, an event stream with one `error`, which the
 * original client shows in its panel. */
#include "request.h"

static bool is_message(const struct json *m)
{
    return !span_is_null(json_get_string(m, SPAN("role"))) &&
           !span_is_null(json_get_string(m, SPAN("content")));
}

static bool are_messages(const struct json *messages)
{
    if (messages->kind != JSON_ARRAY) {
        return false;
    }
    for (size_t i = 0; i < messages->count; i++) {
        if (!is_message(&messages->items[i])) {
            return false;
        }
    }
    return true;
}

struct reply chat(struct request *r)
{
    if (!are_messages(r->body.messages)) {
        return body_refuse(r, "messages", "Input should be a list of {role, content}");
    }
    /* One event in one write: the original client loses an event that is split. */
    struct reply reply = {
        .status = 200,
        .type = SPAN("text/event-stream"),
        .body = SPAN("data: {\"event\":\"error\",\"data\":{\"error\":\"This server has no "
                     "assistant: no language model is connected to it.\"}}\n\n"),
    };
    reply_add_header(&reply, SPAN("cache-control"), SPAN("no-cache"));
    return reply;
}

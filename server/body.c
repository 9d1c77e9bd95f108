/* body: JSON bodies by the route's field table, and the 422 in the words of the original
 * (CONTRACT 2.4). */
#include "request.h"

#define ECHO_MAX 512 /* bytes of a wrong value that are sent back */

static const struct json_limits limits = {
    .bytes = (size_t)16 * 1024 * 1024, .depth = 16, .values = 1000};

/* {"detail":[{"type","loc":["body",...],"msg","input"}]} */
struct complaint {
    const char *type, *message;
    struct span field; /* null: the body itself */
    struct span input; /* JSON; null for none */
};

static struct reply complain(struct request *r, const struct complaint *c)
{
    struct text out = TEXT(8192);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_put_name(&w, SPAN("detail"));
    json_open_array(&w);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), span_str(c->type));
    json_put_name(&w, SPAN("loc"));
    json_open_array(&w);
    json_put_string(&w, SPAN("body"));
    if (!span_is_null(c->field)) {
        json_put_string(&w, c->field);
    }
    json_close_array(&w);
    json_member_string(&w, SPAN("msg"), span_str(c->message));
    bool echo = !span_is_null(c->input) && c->input.n <= ECHO_MAX;
    json_member_raw(&w, SPAN("input"), echo ? c->input : SPAN("null"));
    json_close_object(&w);
    json_close_array(&w);
    json_close_object(&w);
    struct reply reply = reply_text(r, &out);
    reply.status = 422;
    return reply;
}

struct reply body_refuse(struct request *r, const char *field, const char *message)
{
    return complain(r, &(struct complaint){"value_error", message, span_str(field), SPAN_NULL});
}

static struct span one_of_text(struct request *r, const char *const *names)
{
    struct text out = TEXT(1024);
    text_add(&out, SPAN("Input should be "));
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *joint = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        text_addf(&out, "%s'%s'", joint, names[i]);
    }
    struct span words = arena_copy(r->arena, text_span(&out));
    text_free(&out);
    return words;
}

static struct reply complain_field(struct request *r, const struct json_problem *p,
                                   const struct json *body)
{
    static const char *const type_names[] = {[JSON_FIELD_STRING] = "string",
                                             [JSON_FIELD_INT] = "int",
                                             [JSON_FIELD_BOOL] = "bool",
                                             [JSON_FIELD_VALUE] = "value"};
    struct complaint c = {.field = span_str(p->field->name),
                          .input = p->value == NULL ? body->raw : p->value->raw};
    switch (p->kind) {
    case JSON_PROBLEM_MISSING:
        c.type = "missing";
        c.message = "Field required";
        break;
    case JSON_PROBLEM_TOO_LONG:
        return reply_detail(r, 413, "'%s' is longer than %zu bytes.", p->field->name,
                            p->field->max);
    case JSON_PROBLEM_NOT_ONE_OF:
        c.type = "enum";
        c.message = one_of_text(r, p->field->one_of).p;
        break;
    case JSON_PROBLEM_NOT_OBJECT:
    case JSON_PROBLEM_TYPE:
        c.type = arena_printf(r->arena, "%s_type", type_names[p->field->type]).p;
        c.message = p->field->type == JSON_FIELD_INT ? "Input should be a valid integer"
                                                     : "Input should be a valid string";
        break;
    }
    return complain(r, &c);
}

enum err body_read(struct request *r, struct reply *refusal)
{
    const struct route *route = r->route;
    struct span body = r->call->body;
    if (route->fields == NULL) {
        return OK;
    }
    if (body.n > route->body_max) {
        *refusal =
            reply_detail(r, 413, "The request body is larger than %zu bytes.", route->body_max);
        return ERR_TOO_LARGE;
    }
    if (span_trim(body).n == 0) {
        *refusal =
            complain(r, &(struct complaint){"missing", "Field required", SPAN_NULL, SPAN_NULL});
        return ERR_INVALID;
    }
    const struct json *tree;
    struct json_error error;
    if (json_parse(r->arena, body, &limits, &tree, &error) != OK) {
        const char *words =
            arena_printf(r->arena, "JSON decode error at byte %zu: %s", error.at, error.what).p;
        *refusal = complain(r, &(struct complaint){"json_invalid", words, SPAN_NULL, SPAN("{}")});
        return ERR_INVALID;
    }
    struct json_problem problem;
    enum err e = json_decode(tree, route->fields, route->field_count, &r->body, &problem);
    if (e == OK) {
        return OK;
    }
    if (problem.kind == JSON_PROBLEM_NOT_OBJECT) {
        *refusal =
            complain(r, &(struct complaint){
                            "model_attributes_type",
                            "Input should be a valid dictionary or object to extract fields from",
                            SPAN_NULL, tree->raw});
    } else {
        *refusal = complain_field(r, &problem, tree);
    }
    return e;
}

/* body: JSON bodies by the route's field table, and the 422 in the words of the original
 * (CONTRACT 2.4). */
#include "request.h"

#define ECHO_MAX 512 /* bytes of a wrong value that are sent back */

static const struct json_limits limits = {
    .bytes = (size_t)16 * 1024 * 1024, .depth = 16, .values = 1000};

/* {"detail":[{"type","loc":[place,field],"msg","input"}]} */
struct complaint {
    const char *type, *message;
    const char *place; /* "body", "query" */
    struct span field; /* null: the place itself */
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
    json_put_string(&w, span_str(c->place));
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
    return complain(r, &(struct complaint){.type = "value_error",
                                           .message = message,
                                           .place = "body",
                                           .field = span_str(field)});
}

/* --- the query --- */
static const struct query_field hello_fields[] = {
    {"v", QUERY_INT, offsetof(struct query, version), 1, INT32_MAX},
    {"since", QUERY_INT, offsetof(struct query, since), 0, QUERY_SINCE_MAX},
    {"epoch", QUERY_TEXT, offsetof(struct query, epoch), 1, QUERY_EPOCH_MAX},
};
const struct query_table body_hello_query = {hello_fields,
                                             sizeof hello_fields / sizeof *hello_fields};

/* As a JSON string: a query's values are text, whatever they spell. */
static struct span quoted(struct arena *a, struct span value)
{
    struct text out = TEXT(value.n * 6 + 2);
    struct json_writer w = JSON_WRITER(&out);
    json_put_string(&w, value);
    struct span json = arena_copy(a, text_span(&out));
    text_free(&out);
    return json;
}

enum err body_read_query(struct request *r, const struct query_table *table, struct reply *refusal)
{
    static const char *const types[] = {
        [QUERY_FLAG] = "enum", [QUERY_INT] = "int_parsing", [QUERY_TEXT] = "value_error"};
    struct query_problem problem;
    r->query = QUERY_DEFAULTS;
    enum err e = query_read(r->arena, r->call->query, table, &r->query, &problem);
    if (e != OK) {
        *refusal = complain(r, &(struct complaint){.type = types[problem.field->type],
                                                   .message = problem.message,
                                                   .place = "query",
                                                   .field = span_str(problem.field->name),
                                                   .input = quoted(r->arena, problem.value)});
    }
    return e;
}

/* --- the body --- */
static struct span one_of_text(struct arena *a, const char *const *names)
{
    struct text out = TEXT(1024);
    text_add(&out, SPAN("Input should be "));
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *joint = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        text_addf(&out, "%s'%s'", joint, names[i]);
    }
    struct span words = arena_copy(a, text_span(&out));
    text_free(&out);
    return words;
}

struct span body_problem(struct arena *a, const struct json_problem *p, const char **type)
{
    static const struct {
        const char *type, *message;
    } wrong_types[] = {
        [JSON_FIELD_STRING] = {"string_type", "Input should be a valid string"},
        [JSON_FIELD_INT] = {"int_type", "Input should be a valid integer"},
        [JSON_FIELD_BOOL] = {"bool_type", "Input should be a valid boolean"},
        [JSON_FIELD_VALUE] = {"value_type", "Input should be a valid value"},
    };
    switch (p->kind) {
    case JSON_PROBLEM_MISSING:
        *type = "missing";
        return SPAN("Field required");
    case JSON_PROBLEM_TOO_LONG:
        *type = "string_too_long";
        return arena_printf(a, "Longer than %zu bytes", p->field->max);
    case JSON_PROBLEM_NOT_ONE_OF:
        *type = "enum";
        return one_of_text(a, p->field->one_of);
    case JSON_PROBLEM_NOT_OBJECT:
        *type = "model_attributes_type";
        return SPAN("Input should be a valid dictionary or object to extract fields from");
    case JSON_PROBLEM_TYPE:
        break;
    }
    *type = wrong_types[p->field->type].type;
    return span_str(wrong_types[p->field->type].message);
}

static struct reply refuse_problem(struct request *r, const struct json_problem *p,
                                   const struct json *body)
{
    if (p->kind == JSON_PROBLEM_TOO_LONG) {
        return reply_detail(r, 413, "'%s' is longer than %zu bytes.", p->field->name,
                            p->field->max);
    }
    bool whole = p->kind == JSON_PROBLEM_NOT_OBJECT;
    struct complaint c = {.place = "body",
                          .field = whole ? SPAN_NULL : span_str(p->field->name),
                          .input = p->value == NULL ? body->raw : p->value->raw};
    c.message = body_problem(r->arena, p, &c.type).p;
    return complain(r, &c);
}

static enum err read_members(struct request *r, struct span body, struct reply *refusal)
{
    const struct route *route = r->route;
    const struct json *tree;
    struct json_error error;
    if (json_parse(r->arena, body, &limits, &tree, &error) != OK) {
        const char *words =
            arena_printf(r->arena, "JSON decode error at byte %zu: %s", error.at, error.what).p;
        *refusal = complain(
            r, &(struct complaint){
                   .type = "json_invalid", .message = words, .place = "body", .input = SPAN("{}")});
        return ERR_INVALID;
    }
    struct json_problem problem;
    enum err e = json_decode(tree, route->fields, route->field_count, &r->body, &problem);
    if (e != OK) {
        *refusal = refuse_problem(r, &problem, tree);
    }
    return e;
}

enum err body_read(struct request *r, struct reply *refusal)
{
    const struct route *route = r->route;
    struct span body = r->call->body;
    if (route->query != NULL && body_read_query(r, route->query, refusal) != OK) {
        return ERR_INVALID;
    }
    if (route->fields == NULL) {
        return OK;
    }
    if (body.n > route->body_max) {
        *refusal =
            reply_detail(r, 413, "The request body is larger than %zu bytes.", route->body_max);
        return ERR_TOO_LARGE;
    }
    if (span_trim(body).n > 0) {
        return read_members(r, body, refusal);
    }
    if (route->body_optional) {
        return OK;
    }
    *refusal = complain(
        r, &(struct complaint){.type = "missing", .message = "Field required", .place = "body"});
    return ERR_INVALID;
}

#include "kernel/reply.h"

enum { DEPTH_MAX = 6 };

struct members {
    const struct json *matches, *variables, *shape;
    struct span text, type, signature, name, docstring, file, preview, cell;
    int64_t start, end, line, size, run;
    bool found, truncated;
};

#define FIELD(member, field_type, ...)                                                             \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(struct members, member),         \
        __VA_ARGS__                                                                                \
    }
#define NEEDED(member, field_type) FIELD(member, field_type, .required = true)
#define OPTIONAL(member, field_type) FIELD(member, field_type, .nullable = true)

static const struct json_field completion[] = {
    NEEDED(matches, JSON_FIELD_VALUE),
    NEEDED(start, JSON_FIELD_INT),
    NEEDED(end, JSON_FIELD_INT),
};
static const struct json_field match[] = {
    NEEDED(text, JSON_FIELD_STRING),
    NEEDED(type, JSON_FIELD_STRING),
    OPTIONAL(signature, JSON_FIELD_STRING),
};
static const struct json_field inspection[] = {
    NEEDED(found, JSON_FIELD_BOOL),       NEEDED(name, JSON_FIELD_STRING),
    NEEDED(type, JSON_FIELD_STRING),      NEEDED(signature, JSON_FIELD_STRING),
    NEEDED(docstring, JSON_FIELD_STRING), NEEDED(text, JSON_FIELD_STRING),
    OPTIONAL(file, JSON_FIELD_STRING),    OPTIONAL(line, JSON_FIELD_INT),
};
static const struct json_field listing[] = {
    NEEDED(variables, JSON_FIELD_VALUE),
    NEEDED(truncated, JSON_FIELD_BOOL),
};
static const struct json_field variable[] = {
    NEEDED(name, JSON_FIELD_STRING),    NEEDED(type, JSON_FIELD_STRING),
    NEEDED(size, JSON_FIELD_INT),       OPTIONAL(shape, JSON_FIELD_VALUE),
    NEEDED(preview, JSON_FIELD_STRING), OPTIONAL(cell, JSON_FIELD_STRING),
    OPTIONAL(run, JSON_FIELD_INT),
};

#define FIELDS(table) (table), sizeof(table) / sizeof *(table)

static bool decode(const struct json *v, const struct json_field *fields, size_t count,
                   struct members *m)
{
    struct json_problem which;
    *m = (struct members){0};
    return json_decode(v, fields, count, m, &which) == OK;
}

static bool is_list(const struct json *v, bool (*is_item)(const struct json *item))
{
    if (v->kind != JSON_ARRAY) {
        return false;
    }
    for (size_t i = 0; i < v->count; i++) {
        if (!is_item(&v->items[i])) {
            return false;
        }
    }
    return true;
}

static bool is_match(const struct json *v)
{
    struct members m;
    return decode(v, FIELDS(match), &m);
}

static bool is_completion(const struct json *v)
{
    struct members m;
    return decode(v, FIELDS(completion), &m) && m.start >= 0 && m.end >= m.start &&
           is_list(m.matches, is_match);
}

static bool is_inspection(const struct json *v)
{
    struct members m;
    return decode(v, FIELDS(inspection), &m) && m.line >= 0;
}

static bool is_length(const struct json *v)
{
    return v->is_integer && v->integer >= 0;
}

static bool is_variable(const struct json *v)
{
    struct members m;
    return decode(v, FIELDS(variable), &m) && m.name.n > 0 && m.size >= 0 && m.run >= 0 &&
           (m.shape == NULL || is_list(m.shape, is_length));
}

static bool is_listing(const struct json *v)
{
    struct members m;
    return decode(v, FIELDS(listing), &m) && is_list(m.variables, is_variable);
}

static bool (*const checks[])(const struct json *v) = {
    [KERNEL_COMPLETE] = is_completion,
    [KERNEL_INSPECT] = is_inspection,
    [KERNEL_VARIABLES] = is_listing,
};

enum err reply_check(enum kernel_question what, struct span payload, struct arena *a,
                     const struct json **out, const char **problem)
{
    static const struct json_limits limits = {
        .bytes = REPLY_BYTES_MAX, .depth = DEPTH_MAX, .values = REPLY_VALUES_MAX};
    const struct json *answer = NULL;
    struct json_error where;
    *problem = "an answer that is not a JSON object";
    if (json_parse(a, payload, &limits, &answer, &where) != OK || answer->kind != JSON_OBJECT) {
        return ERR_INVALID;
    }
    *problem = "an answer without the members it needs";
    if (!checks[what](answer)) {
        return ERR_INVALID;
    }
    *problem = NULL;
    *out = answer;
    return OK;
}

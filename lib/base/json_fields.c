#include "base/json.h"

struct outcome {
    enum err e;
    enum json_problem_kind kind; /* when e is not OK */
};

static const struct outcome fine = {.e = OK};

static struct outcome refused(enum err e, enum json_problem_kind kind)
{
    return (struct outcome){.e = e, .kind = kind};
}

static bool is_one_of(struct span s, const char *const *allowed)
{
    while (*allowed != NULL && !span_eq(s, span_str(*allowed))) {
        allowed++;
    }
    return *allowed != NULL;
}

static struct outcome decode_string(const struct json_field *f, const struct json *v,
                                    struct span *out)
{
    if (v->kind != JSON_STRING) {
        return refused(ERR_INVALID, JSON_PROBLEM_TYPE);
    }
    if (f->max != 0 && v->string.n > f->max) {
        return refused(ERR_TOO_LARGE, JSON_PROBLEM_TOO_LONG);
    }
    if (f->one_of != NULL && !is_one_of(v->string, f->one_of)) {
        return refused(ERR_INVALID, JSON_PROBLEM_NOT_ONE_OF);
    }
    *out = v->string;
    return fine;
}

static struct outcome decode_int(const struct json *v, int64_t *out)
{
    if (v->kind != JSON_NUMBER || !v->is_integer) {
        return refused(ERR_INVALID, JSON_PROBLEM_TYPE);
    }
    *out = v->integer;
    return fine;
}

static struct outcome decode_bool(const struct json *v, bool *out)
{
    if (v->kind != JSON_BOOL) {
        return refused(ERR_INVALID, JSON_PROBLEM_TYPE);
    }
    *out = v->boolean;
    return fine;
}

static struct outcome decode_field(const struct json_field *f, const struct json *v, void *at)
{
    if (v == NULL) {
        return f->required ? refused(ERR_INVALID, JSON_PROBLEM_MISSING) : fine;
    }
    if (v->kind == JSON_NULL && f->nullable) {
        return fine;
    }
    switch (f->type) {
    case JSON_FIELD_STRING:
        return decode_string(f, v, at);
    case JSON_FIELD_INT:
        return decode_int(v, at);
    case JSON_FIELD_BOOL:
        return decode_bool(v, at);
    case JSON_FIELD_VALUE:
        *(const struct json **)at = v;
        return fine;
    }
    return refused(ERR_INVALID, JSON_PROBLEM_TYPE);
}

enum err json_decode(const struct json *object, const struct json_field *fields, size_t count,
                     void *out, struct json_problem *problem)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        *problem = (struct json_problem){.kind = JSON_PROBLEM_NOT_OBJECT, .value = object};
        return ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json_field *f = &fields[i];
        const struct json *v = json_get(object, span_str(f->name));
        struct outcome o = decode_field(f, v, (char *)out + f->offset);
        if (o.e != OK) {
            *problem = (struct json_problem){.kind = o.kind, .field = f, .value = v};
            return o.e;
        }
    }
    return OK;
}

/* Fuzzes the JSON reader, the writer and the field tables: what is accepted is written again, read
 * again, and must be the same. */
#include "base/json.h"

#include <assert.h>

enum { MAX_INPUT = 1 << 20, MAX_OUTPUT = 1 << 24 };

static const struct json_limits limits = {.bytes = MAX_INPUT, .depth = 64, .values = 100000};
/* What is written may be longer: an escape for a byte, a number's digits for its exponent. */
static const struct json_limits wide = {.bytes = MAX_OUTPUT, .depth = 64, .values = 100000};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The stack that libFuzzer prints says which. */
static void must(bool held)
{
    assert(held);
}

static void check_string(struct span s)
{
    must(!span_is_null(s) && span_is_utf8(s));
    must(s.p[s.n] == '\0');
}

static void write_value(struct json_writer *w, const struct json *v);

static void write_members(struct json_writer *w, const struct json *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->kind == JSON_OBJECT) {
            must(span_is_utf8(v->items[i].name));
            must(json_get(v, v->items[i].name) == &v->items[i]);
            json_put_name(w, v->items[i].name);
        }
        write_value(w, &v->items[i]);
    }
}

static void write_value(struct json_writer *w, const struct json *v)
{
    switch (v->kind) {
    case JSON_NULL:
        json_put_null(w);
        break;
    case JSON_BOOL:
        json_put_bool(w, v->boolean);
        break;
    case JSON_NUMBER:
        if (v->is_integer) {
            json_put_int(w, v->integer);
        } else {
            json_put_double(w, v->number);
        }
        break;
    case JSON_STRING:
        check_string(v->string);
        json_put_string(w, v->string);
        break;
    case JSON_ARRAY:
        json_open_array(w);
        write_members(w, v);
        json_close_array(w);
        break;
    case JSON_OBJECT:
        json_open_object(w);
        write_members(w, v);
        json_close_object(w);
        break;
    }
}

static struct text written(const struct json *root)
{
    struct text t = TEXT(MAX_OUTPUT);
    struct json_writer w = JSON_WRITER(&t);
    write_value(&w, root);
    must(!t.overflowed);
    return t;
}

static void check_same(const struct json *a, const struct json *b)
{
    must(a->kind == b->kind && a->boolean == b->boolean && a->count == b->count);
    must(a->number == b->number);
    must(!a->is_integer || (b->is_integer && a->integer == b->integer)); /* 1.0 comes back as 1 */
    must(span_eq(a->string, b->string) && span_eq(a->name, b->name));
    for (size_t i = 0; i < a->count; i++) {
        check_same(&a->items[i], &b->items[i]);
    }
}

static void check_reads_as(struct arena *a, struct span text, const struct json *expected)
{
    const struct json *again = NULL;
    struct json_error error;
    enum err e = json_parse(a, text, &wide, &again, &error);
    must(e == OK);
    check_same(expected, again);
}

struct fields {
    struct span id, type;
    int64_t position;
    bool disabled;
    const struct json *value;
};

static void check_fields(const struct json *root)
{
    static const char *const types[] = {"python", "sql", NULL};
    static const struct json_field table[] = {
        {.name = "id", .offset = offsetof(struct fields, id), .required = true, .max = 8},
        {.name = "type",
         .offset = offsetof(struct fields, type),
         .nullable = true,
         .one_of = types},
        {.name = "position", .type = JSON_FIELD_INT, .offset = offsetof(struct fields, position)},
        {.name = "disabled", .type = JSON_FIELD_BOOL, .offset = offsetof(struct fields, disabled)},
        {.name = "value", .type = JSON_FIELD_VALUE, .offset = offsetof(struct fields, value)},
    };
    struct fields f = {0};
    struct json_problem problem = {0};
    enum err e = json_decode(root, table, sizeof table / sizeof *table, &f, &problem);
    if (e == OK) {
        must(f.id.n <= 8 && !span_is_null(f.id));
        must(span_is_null(f.type) || f.type.n == 6 || f.type.n == 3);
        must(f.value == json_get(root, SPAN("value")));
    } else {
        must((problem.field == NULL) == (problem.kind == JSON_PROBLEM_NOT_OBJECT));
        must((e == ERR_TOO_LARGE) == (problem.kind == JSON_PROBLEM_TOO_LONG));
    }
}

/* The bytes as a string: whatever they are, the result is JSON. */
static void check_any_string(struct arena *a, struct span input)
{
    struct text t = TEXT(MAX_OUTPUT);
    struct json_writer w = JSON_WRITER(&t);
    const struct json *root = NULL;
    struct json_error error;
    json_put_string(&w, input);
    enum err e = json_parse(a, text_span(&t), &wide, &root, &error);
    must(e == OK && root->kind == JSON_STRING);
    must(span_eq(root->string, input) == span_is_utf8(input));
    text_free(&t);
}

static void check_accepted(struct arena *a, struct span input, const struct json *root)
{
    must(span_is_utf8(input));
    check_reads_as(a, root->raw, root);
    struct text once = written(root);
    check_reads_as(a, text_span(&once), root);
    text_free(&once);
    check_fields(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span input = span_of(size == 0 ? "" : (const char *)data, size);
    const struct json *root = NULL;
    struct json_error error = {0};
    enum err e = json_parse(a, input, &limits, &root, &error);
    if (e == OK) {
        check_accepted(a, input, root);
    } else {
        must(e == ERR_INVALID || e == ERR_TOO_LARGE);
        must(root == NULL && error.what != NULL && error.at <= size);
    }
    check_any_string(a, input);
    return 0;
}

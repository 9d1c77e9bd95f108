#include <assert.h>

#include "base/json_names.h"
#include "base/json_reader.h"

enum { FIRST_STACK = 64 };

bool json_reader_refuse(struct json_reader *r, enum err e, const char *what)
{
    r->result = e;
    r->error = (struct json_error){.at = (size_t)(r->at - r->start), .what = what};
    return false;
}

static void skip_blanks(struct json_reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) {
        r->at++;
    }
}

/* Blanks before it are skipped in any case, blanks after it never: a value's text ends with the
 * value. */
static bool skip(struct json_reader *r, char c)
{
    skip_blanks(r);
    bool found = json_reader_peek(r) == (unsigned char)c;
    r->at += found;
    return found;
}

/* Moves with every push: hold no pointer to a value across one. */
static size_t push(struct json_reader *r, struct span name)
{
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? FIRST_STACK : r->cap * 2;
        r->stack = mem_resize(r->stack, r->cap * sizeof *r->stack);
    }
    r->stack[r->count] = (struct json){.name = name};
    return r->count++;
}

static bool read_word(struct json_reader *r, struct span word)
{
    if (!span_starts(span_of(r->at, (size_t)(r->end - r->at)), word)) {
        return json_reader_refuse(r, ERR_INVALID, "expected a value");
    }
    r->at += word.n;
    return true;
}

static bool read_leaf(struct json_reader *r, struct json *v)
{
    switch (json_reader_peek(r)) {
    case '"':
        v->kind = JSON_STRING;
        return json_reader_string(r, &v->string);
    case 't':
        v->kind = JSON_BOOL;
        v->boolean = true;
        return read_word(r, SPAN("true"));
    case 'f':
        v->kind = JSON_BOOL;
        return read_word(r, SPAN("false"));
    case '-':
    case '0' ... '9':
        v->kind = JSON_NUMBER;
        return json_reader_number(r, v);
    default:
        v->kind = JSON_NULL;
        return read_word(r, SPAN("null"));
    }
}

static bool read_value(struct json_reader *r, struct span name);

static bool read_items(struct json_reader *r)
{
    if (skip(r, ']')) {
        return true;
    }
    do {
        if (!read_value(r, SPAN_NULL)) {
            return false;
        }
    } while (skip(r, ','));
    return skip(r, ']') || json_reader_refuse(r, ERR_INVALID, "expected ',' or ']'");
}

static bool read_member(struct json_reader *r)
{
    struct span name;
    skip_blanks(r);
    if (json_reader_peek(r) != '"') {
        return json_reader_refuse(r, ERR_INVALID, "expected a name");
    }
    if (!json_reader_name(r, &name)) {
        return false;
    }
    if (!skip(r, ':')) {
        return json_reader_refuse(r, ERR_INVALID, "expected ':'");
    }
    return read_value(r, name);
}

static bool read_members(struct json_reader *r)
{
    if (skip(r, '}')) {
        return true;
    }
    do {
        if (!read_member(r)) {
            return false;
        }
    } while (skip(r, ','));
    return skip(r, '}') || json_reader_refuse(r, ERR_INVALID, "expected ',' or '}'");
}

/* The values above `index` on the stack become the items of the one there. */
static void collect(struct json_reader *r, size_t index)
{
    struct json *v = &r->stack[index];
    v->count = r->count - index - 1;
    if (v->count != 0) {
        struct json *items = arena_alloc_array(r->arena, v->count, sizeof *items);
        memcpy(items, v + 1, v->count * sizeof *items);
        v->items = items;
    }
    r->count = index + 1;
}

static bool read_container(struct json_reader *r, size_t index)
{
    if (r->depth == r->limits.depth) {
        return json_reader_refuse(r, ERR_TOO_LARGE, "too deep");
    }
    bool is_object = *r->at++ == '{';
    r->depth++;
    if (!(is_object ? read_members(r) : read_items(r))) {
        return false;
    }
    r->depth--;
    collect(r, index);
    r->stack[index].kind = is_object ? JSON_OBJECT : JSON_ARRAY;
    const struct json *twice = is_object ? json_names_find_twice(&r->stack[index]) : NULL;
    if (twice != NULL) {
        r->at = twice->raw.p;
        return json_reader_refuse(r, ERR_INVALID, "duplicate name");
    }
    return true;
}

static bool read_value(struct json_reader *r, struct span name)
{
    skip_blanks(r);
    if (r->values == r->limits.values) {
        return json_reader_refuse(r, ERR_TOO_LARGE, "too many values");
    }
    r->values++;
    const char *first = r->at;
    size_t index = push(r, name);
    int c = json_reader_peek(r);
    bool ok = c == '{' || c == '[' ? read_container(r, index) : read_leaf(r, &r->stack[index]);
    r->stack[index].raw = span_of(first, (size_t)(r->at - first));
    return ok;
}

static bool read_document(struct json_reader *r)
{
    if ((size_t)(r->end - r->start) > r->limits.bytes) {
        return json_reader_refuse(r, ERR_TOO_LARGE, "too long");
    }
    if (!read_value(r, SPAN_NULL)) {
        return false;
    }
    skip_blanks(r);
    return r->at == r->end || json_reader_refuse(r, ERR_INVALID, "expected the end");
}

enum err json_parse(struct arena *a, struct span source, const struct json_limits *limits,
                    const struct json **out, struct json_error *error)
{
    assert(limits->depth <= JSON_MAX_DEPTH); /* the reader recurses */
    const char *start = span_is_null(source) ? "" : source.p;
    struct json_reader r = {
        .start = start, .at = start, .end = start + source.n, .arena = a, .limits = *limits};
    if (read_document(&r)) {
        struct json *root = arena_alloc(a, sizeof *root);
        *root = r.stack[0];
        *out = root;
    } else {
        *error = r.error;
    }
    mem_free(r.stack);
    return r.result;
}

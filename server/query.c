#include "query.h"

static int hex(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    int value = at == NULL ? -1 : (int)(at - digits);
    return value > 15 ? value - 6 : value;
}

/* The byte that two digits stand for; -1 when they are not two digits. */
static int escaped(struct span digits)
{
    int high = digits.n == 2 ? hex(digits.p[0]) : -1;
    int low = digits.n == 2 ? hex(digits.p[1]) : -1;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum err query_decode(struct arena *a, struct span raw, struct span *out)
{
    char *decoded = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int c = raw.p[i] == '%' ? escaped(span_sub(raw, i + 1, 2)) : (unsigned char)raw.p[i];
        if (c < 0) {
            return ERR_INVALID;
        }
        i += raw.p[i] == '%' ? 2 : 0;
        decoded[n++] = (char)c;
    }
    *out = span_of(decoded, n);
    return memchr(decoded, '\0', n) == NULL && span_is_utf8(*out) ? OK : ERR_INVALID;
}

/* The value of the next parameter of that name; null when there is none. */
static struct span find_next(struct span *rest, struct span name)
{
    while (!span_is_null(*rest)) {
        struct span pair = span_cut(rest, '&');
        struct span value = pair;
        if (span_eq(span_cut(&value, '='), name)) {
            return span_is_null(value) ? SPAN("") : value;
        }
    }
    return SPAN_NULL;
}

struct span query_find(struct span query, struct span name)
{
    struct span rest = query;
    return find_next(&rest, name);
}

static const char *read_flag(struct span value, bool *out)
{
    bool yes = span_eq(value, SPAN("1")) || span_eq(value, SPAN("true"));
    if (!yes && !span_eq(value, SPAN("0")) && !span_eq(value, SPAN("false"))) {
        return "Input should be 0 or 1";
    }
    *out = yes;
    return NULL;
}

static const char *read_int(const struct query_field *f, struct span value, int64_t *out)
{
    int64_t number;
    if (!span_to_int(value, &number)) {
        return "Input should be a valid integer";
    }
    if (number < f->min || number > f->max) {
        return "Input is out of range";
    }
    *out = number;
    return NULL;
}

static const char *read_text(const struct query_field *f, struct span value, struct span *out)
{
    if ((int64_t)value.n < f->min || (int64_t)value.n > f->max) {
        return "Input is too short or too long";
    }
    *out = value;
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *read_value(const struct query_field *f, struct span value, void *at)
{
    switch (f->type) {
    case QUERY_FLAG:
        return read_flag(value, at);
    case QUERY_INT:
        return read_int(f, value, at);
    case QUERY_TEXT:
        break;
    }
    return read_text(f, value, at);
}

static const char *read_field(struct arena *a, struct span raw, const struct query_field *f,
                              void *at)
{
    struct span value;
    if (query_decode(a, raw, &value) != OK) {
        return "Input should be percent-encoded UTF-8";
    }
    return read_value(f, value, at);
}

enum err query_read(struct arena *a, struct span query, const struct query_table *table, void *out,
                    struct query_problem *problem)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct query_field *f = &table->fields[i];
        struct span rest = query;
        struct span raw = find_next(&rest, span_str(f->name));
        if (span_is_null(raw)) {
            continue;
        }
        bool twice = !span_is_null(find_next(&rest, span_str(f->name)));
        const char *message =
            twice ? "Given more than once" : read_field(a, raw, f, (char *)out + f->offset);
        if (message != NULL) {
            *problem = (struct query_problem){.field = f, .value = raw, .message = message};
            return ERR_INVALID;
        }
    }
    return OK;
}

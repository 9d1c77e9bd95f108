#include "http/path.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that "%XY" at `s` stands for; -1 when it is cut off, not hexadecimal, NUL or a slash. */
static int escaped_byte(struct span s)
{
    if (s.n < 3) {
        return -1;
    }
    int high = hex_digit(s.p[1]);
    int low = hex_digit(s.p[2]);
    if (high < 0 || low < 0) {
        return -1;
    }
    int byte = high * 16 + low;
    return byte == 0 || byte == '/' ? -1 : byte;
}

/* A decoded segment is never longer than the raw one. */
static enum err decode(struct arena *a, struct span raw, struct span *out)
{
    char *p = arena_alloc(a, raw.n);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] != '%') {
            p[n++] = raw.p[i];
            continue;
        }
        int byte = escaped_byte(span_sub(raw, i, 3));
        if (byte < 0) {
            return ERR_INVALID;
        }
        p[n++] = (char)byte;
        i += 2;
    }
    *out = span_of(p, n);
    return OK;
}

static enum err take_segment(struct arena *a, struct span raw, struct span *out)
{
    *out = raw;
    if (span_find(raw, '%') != raw.n) {
        enum err e = decode(a, raw, out);
        if (e != OK) {
            return e;
        }
    }
    bool dots = span_eq(*out, SPAN(".")) || span_eq(*out, SPAN(".."));
    return !dots && span_is_utf8(*out) && span_find(*out, '\0') == out->n ? OK : ERR_INVALID;
}

enum err path_split(struct arena *a, struct span path, struct span *segments, size_t max,
                    size_t *count)
{
    if (path.n == 0 || path.p[0] != '/') {
        return ERR_INVALID;
    }
    *count = 0;
    if (path.n == 1) {
        return OK;
    }
    struct span rest = span_sub(path, 1, path.n);
    while (!span_is_null(rest)) {
        struct span raw = span_cut(&rest, '/');
        if (*count == max) {
            return ERR_LIMIT;
        }
        enum err e = take_segment(a, raw, &segments[*count]);
        if (e != OK) {
            return e;
        }
        (*count)++;
    }
    return OK;
}

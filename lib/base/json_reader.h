/* json_reader: the state of one json_parse, and its leaves. Private to base.
 * Each call below expects `at` on the first byte of what it reads and leaves it behind the last.
 * False means refused, with `result` and `error` set. */
#pragma once

#include "base/json.h"

struct json_reader {
    const char *start, *at, *end;
    struct arena *arena;
    struct json_limits limits;
    unsigned depth;
    size_t values;
    struct json *stack; /* values whose container is still open */
    size_t count, cap;
    enum err result;
    struct json_error error;
};

/* Refuses at `at`. Always false. */
bool json_reader_refuse(struct json_reader *r, enum err e, const char *what);
/* Writes number, integer and is_integer. */
bool json_reader_number(struct json_reader *r, struct json *v);
/* The string's bytes, NUL-terminated in the arena. */
bool json_reader_string(struct json_reader *r, struct span *out);
/* As above, but borrows the source when there is nothing to unescape. */
bool json_reader_name(struct json_reader *r, struct span *out);

/* The next byte, or -1 at the end. */
static inline int json_reader_peek(const struct json_reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

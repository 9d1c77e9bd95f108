/* query: the part of a URL after '?', by a table of fields. Pure. Strict: a parameter that the
 * table names and whose value makes no sense is refused; others are left alone. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

enum query_type {
    QUERY_FLAG, /* bool: 1, true, 0, false */
    QUERY_INT,  /* int64_t */
    QUERY_TEXT, /* struct span */
};

struct query_field {
    const char *name;
    enum query_type type;
    size_t offset;    /* into the caller's struct */
    int64_t min, max; /* of a number; of a text, bytes */
};

struct query_table {
    const struct query_field *fields;
    size_t count;
};

struct query_problem {
    const struct query_field *field;
    struct span value; /* as sent */
    const char *message;
};

/* Absent parameters leave `out` as it is. ERR_INVALID with the first problem in the order of the
 * table. Texts live in `a`. */
MUST_CHECK enum err query_read(struct arena *a, struct span query, const struct query_table *table,
                               void *out, struct query_problem *problem);
/* The first parameter of that name, as sent; the null span without one. */
struct span query_find(struct span query, struct span name);
/* Percent-decoded, in `a`; ERR_INVALID for a bad escape, a NUL or bytes that are no UTF-8. */
MUST_CHECK enum err query_decode(struct arena *a, struct span raw, struct span *out);

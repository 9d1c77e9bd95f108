/* span: a borrowed run of bytes. Owns nothing and is not NUL-terminated. The empty span may have a
 * NULL pointer; `span_is_null` tells "absent" from "empty". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

#define SPAN(literal) ((struct span){("" literal), sizeof(literal) - 1})
/* The same in a table of constants, where SPAN is no initialiser. */
#define SPAN_CONST(literal)                                                                        \
    {                                                                                              \
        ("" literal), sizeof(literal) - 1                                                          \
    }
#define SPAN_NULL ((struct span){NULL, 0})
/* For printf: printf("%.*s", SPAN_ARGS(s)) */
#define SPAN_ARGS(s) ((int)(s).n), ((s).p == NULL ? "" : (s).p)

static inline struct span span_of(const char *p, size_t n)
{
    return (struct span){p, n};
}

/* NULL gives the null span. */
static inline struct span span_str(const char *s)
{
    return s == NULL ? SPAN_NULL : (struct span){s, strlen(s)};
}

static inline bool span_is_null(struct span s)
{
    return s.p == NULL;
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters only are folded. */
bool span_eq_nocase(struct span a, struct span b);
int span_cmp(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
bool span_has(struct span s, struct span needle);
/* Index of the first `c`, or s.n. */
size_t span_find(struct span s, char c);
/* From `from` (clamped) for at most `n` bytes. */
struct span span_sub(struct span s, size_t from, size_t n);
/* Without leading and trailing space, tab, CR and LF. */
struct span span_trim(struct span s);
/* Cuts at the first `separator`: returns what is before it and leaves what is after it in *rest.
 * Without one, returns all and *rest becomes the null span: `while (!span_is_null(rest))` visits
 * every part. */
struct span span_cut(struct span *rest, char separator);
/* Strict UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool span_is_utf8(struct span s);
/* Length of the longest prefix, at most `max` bytes, that does not split a UTF-8 sequence. */
size_t span_utf8_prefix(struct span s, size_t max);
/* Whole decimal number, optional minus sign, no blanks, no overflow. */
bool span_to_int(struct span s, int64_t *out);

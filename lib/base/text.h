/* text: a growing byte buffer with a mandatory maximum. What does not fit is not added at all and
 * `overflowed` stays set, so a writer may check once at the end: what came after may have fitted
 * again, so an overflowed text is of no use. */
#pragma once

#include "base/span.h"

struct text {
    char *p; /* NUL-terminated once anything was added; NULL before */
    size_t n;
    size_t cap;
    size_t max;
    bool overflowed;
};

/* An initialiser: struct text t = TEXT(4096); */
#define TEXT(maximum) ((struct text){.max = (maximum)})

void text_free(struct text *t);  /* back to empty; the maximum stays */
void text_clear(struct text *t); /* keeps the memory; no longer overflowed */
void text_add(struct text *t, struct span s);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `n` more bytes, or NULL (and overflowed). The caller fills it and then adds to t->n; the
 * NUL is in place when all `n` were used. */
char *text_reserve(struct text *t, size_t n);
/* Drops the first `n` bytes; moves what remains. */
void text_consume(struct text *t, size_t n);
/* The bytes move to the caller (mem_free); `t` is empty afterwards. Never NULL. */
char *text_take(struct text *t);

static inline struct span text_span(const struct text *t)
{
    return (struct span){t->p == NULL ? "" : t->p, t->n};
}

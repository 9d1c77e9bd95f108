#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

enum { FIRST_CAP = 64 };

void text_free(struct text *t)
{
    mem_free(t->p);
    *t = TEXT(t->max);
}

void text_clear(struct text *t)
{
    t->n = 0;
    t->overflowed = false;
    if (t->p != NULL) {
        t->p[0] = '\0';
    }
}

/* `needed` counts the terminating NUL and is at most max + 1. */
static void grow(struct text *t, size_t needed)
{
    size_t cap = t->cap < FIRST_CAP ? FIRST_CAP : t->cap;
    while (cap < needed) {
        cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
    }
    if (cap - 1 > t->max) {
        cap = t->max + 1;
    }
    t->p = mem_resize(t->p, cap);
    t->cap = cap;
}

char *text_reserve(struct text *t, size_t n)
{
    if (n > t->max - t->n || n >= SIZE_MAX - t->n) {
        t->overflowed = true;
        return NULL;
    }
    if (t->cap - t->n <= n) {
        grow(t, t->n + n + 1);
    }
    t->p[t->n + n] = '\0';
    return t->p + t->n;
}

void text_add(struct text *t, struct span s)
{
    char *p = text_reserve(t, s.n);
    if (p != NULL && s.n != 0) {
        memcpy(p, s.p, s.n);
        t->n += s.n;
    }
}

void text_add_char(struct text *t, char c)
{
    char *p = text_reserve(t, 1);
    if (p != NULL) {
        *p = c;
        t->n++;
    }
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(n >= 0);
    char *p = text_reserve(t, (size_t)n);
    if (p == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    t->n += (size_t)n;
}

void text_consume(struct text *t, size_t n)
{
    assert(n <= t->n);
    if (n != 0) {
        t->n -= n;
        memmove(t->p, t->p + n, t->n);
        t->p[t->n] = '\0';
    }
}

char *text_take(struct text *t)
{
    char *p = t->p == NULL ? mem_alloc(1) : t->p;
    p[t->n] = '\0';
    *t = TEXT(t->max);
    return p;
}

/* mem: allocation that never fails. No memory ends the process, as inside libh2o, so every size
 * that a user can choose has a limit in server/config.c. Also arenas: many small things freed at
 * once. */
#pragma once

#include "base/span.h"

/* Zeroed. A size of 0 gives a unique pointer. Freed with mem_free (free works too). */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_alloc_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* New bytes are NOT zeroed. */
void *mem_resize(void *p, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy; the null span gives NULL. */
char *mem_copy(struct span s);
void mem_free(void *p); /* NULL is fine */
/* Puts a copy of `s`, which may be part of the old value, in the place of *owned and frees that. */
void mem_replace(char **owned, struct span s);

/* Frees *p at the end of the scope: CLEANUP(mem_free_ptr) char *name = ... */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
static inline void mem_free_ptr(void *p)
{
    mem_free(*(void **)p);
}

/* An arena belongs to one thread at a time. Blocks grow; nothing is freed before arena_free. */
struct arena;
struct arena *arena_new(void) __attribute__((returns_nonnull));
void arena_free(struct arena *a); /* NULL is fine */
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
void *arena_alloc_array(struct arena *a, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* A NUL-terminated copy; the null span stays null. */
struct span arena_copy(struct arena *a, struct span s);
struct span arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);
/* For CLEANUP(arena_free_ptr). */
static inline void arena_free_ptr(struct arena **a)
{
    arena_free(*a);
}

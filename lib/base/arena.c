#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/* Under AddressSanitizer everything gets a block of its own, so that it sees every overflow and
 * every use after arena_free. */
#if defined(__SANITIZE_ADDRESS__)
#define EACH_ALONE true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ALONE true
#endif
#endif
#ifndef EACH_ALONE
#define EACH_ALONE false
#endif

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 64 * 1024 };

struct block {
    struct block *older;
    alignas(max_align_t) char bytes[];
};

/* Lies at the start of its own first block. `next` to `end` is the free part of the newest shared
 * block, still zero as it came from mem_alloc. */
struct arena {
    struct block *blocks;
    char *next;
    char *end;
    size_t used;
    size_t block_size; /* of the newest shared block */
};

static struct block *block_new(size_t size)
{
    return mem_alloc(size);
}

struct arena *arena_new(void)
{
    struct block *b = block_new(FIRST_BLOCK);
    struct arena *a = (struct arena *)(void *)b->bytes;
    a->blocks = b;
    a->next = b->bytes + sizeof *a;
    a->end = (char *)b + FIRST_BLOCK;
    a->block_size = FIRST_BLOCK;
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL) {
        return;
    }
    struct block *b = a->blocks; /* the last one freed is the one `a` lies in */
    while (b != NULL) {
        struct block *older = b->older;
        mem_free(b);
        b = older;
    }
}

static struct block *add_block(struct arena *a, size_t size)
{
    struct block *b = block_new(size);
    b->older = a->blocks;
    a->blocks = b;
    return b;
}

static void *allocate_alone(struct arena *a, size_t size)
{
    assert(size <= SIZE_MAX - sizeof(struct block));
    return add_block(a, sizeof(struct block) + size)->bytes;
}

/* What would waste more than a quarter of a block is allocated alone, and the newest block stays
 * open. */
static void *allocate_slowly(struct arena *a, size_t size)
{
    size_t wanted = a->block_size < LARGEST_BLOCK ? a->block_size * 2 : LARGEST_BLOCK;
    if (size > wanted / 4) {
        return allocate_alone(a, size);
    }
    struct block *b = add_block(a, wanted);
    a->block_size = wanted;
    a->next = b->bytes + size;
    a->end = (char *)b + wanted;
    return b->bytes;
}

static void *allocate(struct arena *a, size_t size, size_t alignment)
{
    a->used += size;
    if (EACH_ALONE) {
        return allocate_alone(a, size);
    }
    size_t pad = -(uintptr_t)a->next & (alignment - 1);
    size_t room = (size_t)(a->end - a->next);
    if (pad > room || size > room - pad) {
        return allocate_slowly(a, size);
    }
    char *p = a->next + pad;
    a->next = p + size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return allocate(a, size, alignof(max_align_t));
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
    size_t total = 0;
    bool overflow = __builtin_mul_overflow(count, size, &total);
    assert(!overflow);
    return arena_alloc(a, total);
}

struct span arena_copy(struct arena *a, struct span s)
{
    if (span_is_null(s)) {
        return s;
    }
    assert(s.n < SIZE_MAX);
    char *p = allocate(a, s.n + 1, 1);
    memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

struct span arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(n >= 0);
    char *p = allocate(a, (size_t)n + 1, 1);
    va_start(args, format);
    (void)vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return span_of(p, (size_t)n);
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

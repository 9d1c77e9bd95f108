#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

/* Not log_write: it must not depend on anything that may need memory. */
static _Noreturn void die(void)
{
    static const char words[] = "{\"level\":\"error\",\"event\":\"out of memory\"}\n";
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    abort();
}

void *mem_alloc(size_t size)
{
    return mem_alloc_array(1, size);
}

void *mem_alloc_array(size_t count, size_t size)
{
    bool empty = count == 0 || size == 0;
    void *p = empty ? calloc(1, 1) : calloc(count, size); /* calloc checks the product */
    if (p == NULL) {
        die();
    }
    return p;
}

void *mem_resize(void *p, size_t size)
{
    void *q = realloc(p, size == 0 ? 1 : size);
    if (q == NULL) {
        die();
    }
    return q;
}

char *mem_copy(struct span s)
{
    if (span_is_null(s)) {
        return NULL;
    }
    if (s.n == SIZE_MAX) {
        die();
    }
    char *p = malloc(s.n + 1);
    if (p == NULL) {
        die();
    }
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void mem_replace(char **owned, struct span s)
{
    char *copy = mem_copy(s);
    mem_free(*owned);
    *owned = copy;
}

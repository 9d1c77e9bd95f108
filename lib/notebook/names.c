/* Sets of names: sorted arrays of owned strings. */
#include <stdlib.h>

#include "notebook/notebook.h"

/* Where `name` is, or where it would go. */
static size_t position_of(const struct names *n, struct span name, bool *found)
{
    size_t low = 0;
    size_t high = n->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_cmp(span_str(n->items[middle]), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

static int compare_spans(const void *a, const void *b)
{
    return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        mem_free(n->items[i]);
    }
    mem_free(n->items);
    *n = (struct names){0};
}

/* `items` sorted and copied, each once. */
static struct names copies(const struct span *items, size_t count)
{
    CLEANUP(mem_free_ptr) struct span *sorted = mem_alloc_array(count, sizeof *sorted);
    struct names n = {.items = mem_alloc_array(count, sizeof *n.items)};
    memcpy(sorted, items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_spans);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !span_eq(sorted[i], sorted[i - 1])) {
            n.items[n.count++] = mem_copy(sorted[i]);
        }
    }
    return n;
}

/* The old strings go last, because `items` may borrow from them. */
void names_set(struct names *n, const struct span *items, size_t count)
{
    struct names fresh = {0};
    if (count != 0) {
        fresh = copies(items, count);
    }
    names_free(n);
    *n = fresh;
}

void names_add(struct names *n, struct span name)
{
    bool found = false;
    size_t at = position_of(n, name, &found);
    if (found) {
        return;
    }
    char *copy = mem_copy(name);
    n->items = mem_resize(n->items, (n->count + 1) * sizeof *n->items);
    memmove(&n->items[at + 1], &n->items[at], (n->count - at) * sizeof *n->items);
    n->items[at] = copy;
    n->count++;
}

bool names_has(const struct names *n, struct span name)
{
    bool found = false;
    (void)position_of(n, name, &found);
    return found;
}

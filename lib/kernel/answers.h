/* cache: analyses by the code they belong to, the least recently used leave first. Pure. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "kernel/kernel.h"

#define CACHE_ENTRIES_MAX 1024
#define CACHE_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct answers {
    struct map by_code;
    struct list by_use; /* the latest last */
    size_t bytes;
};

void answers_init(struct answers *c);
void answers_free(struct answers *c);
/* NULL when absent; valid until the next answers_put. */
const struct analysis *answers_get(struct answers *c, struct span code);
/* Copies. An entry that is there already, or would fill a quarter of the cache, is not taken. */
void answers_put(struct answers *c, struct span code, const struct analysis *a);

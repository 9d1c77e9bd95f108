/* map: strings to pointers. Open addressing, keyed by SipHash with a random key of the process, so
 * that keys chosen by a stranger do not collide on purpose. Keys are copied; values are not owned.
 */
#pragma once

#include "base/span.h"

struct map_slot;
struct map {
    struct map_slot *slots; /* NULL while empty */
    size_t count;
    size_t cap;
};

/* A zeroed struct map is an empty map. */
void map_free(struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, struct span key);
/* Adds or replaces. `value` is not NULL. Returns the value that was there, or NULL. */
void *map_put(struct map *m, struct span key, void *value);
/* Returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct span key);
/* Visits every entry in no particular order: size_t i = 0; while (map_next(m, &i, &key, &value)).
 * The map must not change during a visit. */
bool map_next(const struct map *m, size_t *i, struct span *key, void **value);
/* The keyed hash, for other tables. */
uint64_t map_hash(struct span key);

/* events: what happened to a notebook, numbered 1, 2, 3... without gaps. Rows go from the oldest
 * that is kept to notebooks.seq. */
#pragma once

#include "store/db.h"
#include "store/store.h"

/* How many are kept, their bytes, and the oldest: into `n`, whose seq is known. ERR_INTERNAL
 * (logged) when they are not what was written. */
MUST_CHECK enum err events_count(struct db *d, struct notebook *n);
/* As store_events promises; `out` lives in `a`. */
MUST_CHECK enum err events_load(struct db *d, struct arena *a, const struct store_range *range,
                                struct store_events *out);

/* path: a raw request path into decoded segments, strictly (T14). libh2o's own normalisation is
 * never used: it decodes %2F, %00 and dot segments before anybody has matched anything. Pure. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

/* `path` is without the query. Segments borrow `path` or live in `a`. "/" has none; a trailing
 * slash gives a last, empty one. ERR_INVALID for a path that does not begin with '/', holds %00,
 * %2F, a bad escape, bad UTF-8, "." or ".."; ERR_LIMIT for more than `max` segments. */
MUST_CHECK enum err path_split(struct arena *a, struct span path, struct span *segments, size_t max,
                               size_t *count);

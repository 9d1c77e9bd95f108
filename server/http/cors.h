/* cors: who may read our answers from another origin (CONTRACT.md section 1), as the original
 * server decided it: an exact list of origins, credentials allowed, all seven methods, any header.
 * Pure. */
#pragma once

#include "base/span.h"

#define CORS_METHODS "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
#define CORS_MAX_AGE "600" /* seconds a browser may keep a preflight's answer */

struct cors_origins {
    const struct span *list;
    size_t count;
};

/* False for the null span: a request without Origin is nobody else's. */
bool cors_allows(struct cors_origins allowed, struct span origin);

struct cors_verdict {
    int status;       /* 200 or 400 */
    struct span body; /* text/plain, static */
};
/* Of a preflight: OPTIONS with Origin and Access-Control-Request-Method. */
struct cors_verdict cors_preflight(bool origin_allowed, struct span requested_method);

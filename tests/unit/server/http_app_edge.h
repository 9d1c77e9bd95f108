/* http_app_edge: the part of the fixture's application that looks at its own process, and at
 * clients that leave. */
#pragma once

#include "http/http.h"

/* False when the path's first segment is none of its own; `n` is the second one, or -1. */
bool app_edge_answers(struct call *c, struct span first, int64_t n);

/* answers: the bodies of the Backend API. Private to clerk. Pure. */
#pragma once

#include "base/json.h"
#include "clerk/backend.h"

#define ANSWERS_BODY_MAX ((size_t)1024 * 1024)

enum answers_kind { ANSWERS_USER, ANSWERS_SESSION, ANSWERS_MEMBERSHIPS };

/* An answer of HTTP as an answer of ours: err and what goes with it. Spans and records live in `a`
 * or borrow `body`. ERR_UNAVAILABLE in it for a body that cannot be read. */
struct clerk_backend_answer answers_read(struct arena *a, enum answers_kind kind, long status,
                                         struct span body);

/* scoped: the lists of `fea` and `pla`, "o:export,u:beta,ou:both" (CLERK.md B). Private to clerk.
 */
#pragma once

#include "base/span.h"

struct scoped {
    struct span value;
    bool is_org, is_user; /* neither: a scope that we do not know */
};

/* Every element has a colon. A list in which one has none says nothing at all. */
bool scoped_is_sound(struct span list);
/* Visits a sound list; *rest begins as the list. */
bool scoped_next(struct span *rest, struct scoped *out);

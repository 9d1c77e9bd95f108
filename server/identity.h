/* identity: from the CLERK_* settings to where keys come from and which issuers count. */
#pragma once

#include "clerk/clerk.h"
#include "config.h"

/* Everything pointed to lives in `a` or in the environment. ERR_INVALID with a sentence in *why
 * when there is no way to get keys, or a setting makes no sense. */
MUST_CHECK enum err identity_options(struct arena *a, const struct config *c,
                                     struct clerk_options *o, struct text *why);

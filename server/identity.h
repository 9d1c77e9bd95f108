/* identity: from the CLERK_* settings to where keys come from and which issuers count. */
#pragma once

#include "clerk/clerk.h"
#include "config.h"

/* Where Clerk's Frontend API is, by the publishable key or by name: "https://host" in `a`; null
 * without either. ERR_INVALID with a sentence in *why. */
MUST_CHECK enum err identity_frontend(struct arena *a, const struct config *c, struct span *base,
                                      struct text *why);
/* Everything pointed to lives in `a` or in the environment. ERR_INVALID with a sentence in *why
 * when there is no way to get keys, or a setting makes no sense. */
MUST_CHECK enum err identity_options(struct arena *a, const struct config *c,
                                     struct clerk_options *o, struct text *why);

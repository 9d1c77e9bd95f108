/* claimed: identities out of claims, without a token around them. */
#pragma once

#include "clerk/clerk.h"

/* Of "user_1", with what `claims` (a JSON object) says besides. Lives in `a`, as do its spans. */
struct clerk_identity claimed(struct arena *a, const char *claims);

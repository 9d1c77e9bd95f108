/* organization: the claims that clerk_has asks: `o` or `org_...`, `fea`, `pla`, `fva`. Private to
 * clerk. Pure. */
#pragma once

#include "base/json.h"
#include "clerk/identity.h"

/* A claim that is malformed is taken as absent, and then allows nothing. Spans live in the
 * payload's tree or in `a`. */
void organization_read(struct arena *a, const struct json *payload, struct clerk_identity *who);

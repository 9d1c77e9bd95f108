/* permissions: of the active organization. Private to clerk. */
#pragma once

#include "clerk/identity.h"

/* `s` without "org:" in front of it, however often it stands there. */
struct span permissions_plain(struct span s);
/* `wanted` with or without its prefix. */
bool permissions_hold(const struct clerk_identity *who, struct span wanted);

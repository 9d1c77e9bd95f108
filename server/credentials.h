/* credentials: what a WebSocket's handshake brings along (CONTRACT 3.1). */
#pragma once

#include "request.h"

/* By rank: the Authorization header (programs), then `?token=` (compatibility; sets *from_query).
 * Lives in `a`; null when the first message has to bring it. */
struct span credentials_early(struct request *r, struct arena *a, bool *from_query);

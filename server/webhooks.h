/* webhooks: the route that Clerk calls. */
#pragma once

#include "request.h"

struct reply webhooks_receive(struct request *r);

/* accounts: the routes about who asks, and about signing in itself. */
#pragma once

#include "request.h"

struct reply accounts_me(struct request *r);
struct reply accounts_health(struct request *r);

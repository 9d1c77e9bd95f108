/* users: who owns notebooks. The id is the sign-in service's. */
#pragma once

#include "store/write.h"

/* The owner's row, if it is missing. */
MUST_CHECK enum err users_put(struct db *d, const struct store_write *w);

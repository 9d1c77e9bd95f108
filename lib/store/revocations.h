/* revocations: whose tokens are refused. Private to store. On the writer's thread. */
#pragma once

#include "store/write.h"

/* In the place of an earlier one. */
MUST_CHECK enum err revocations_put(struct db *d, bool of_user, struct span subject,
                                    int64_t until_ms);
MUST_CHECK enum err revocations_drop(struct db *d, bool of_user, struct span subject);

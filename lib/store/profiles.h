/* profiles: the rows of users, beyond their ids. Private to store. On the writer's thread. */
#pragma once

#include "store/write.h"

struct store_profile profiles_copy(struct store_write *w, const struct store_profile *p);
/* ERR_NOT_FOUND when a newer one is known or the user is deleted. Sets until when the user is
 * refused. */
MUST_CHECK enum err profiles_put(struct db *d, const struct store_write *w,
                                 const struct store_profile *p, int64_t *refused_until_ms);
/* For good; a user never heard of is remembered as deleted. ERR_NOT_FOUND when that was known. */
MUST_CHECK enum err profiles_delete(struct db *d, const struct store_write *w, struct span id,
                                    int64_t *refused_until_ms);

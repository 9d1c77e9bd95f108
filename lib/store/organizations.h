/* organizations: and who belongs to them. Private to store. On the writer's thread. ERR_NOT_FOUND
 * from all: something newer is known, or it is gone for good. */
#pragma once

#include "store/write.h"

struct store_organization organizations_copy(struct store_write *w,
                                             const struct store_organization *o);
struct store_membership organizations_copy_member(struct store_write *w,
                                                  const struct store_membership *m);
MUST_CHECK enum err organizations_put(struct db *d, const struct store_organization *o);
MUST_CHECK enum err organizations_delete(struct db *d, const struct store_write *w, struct span id);
/* With what it says of its organization. */
MUST_CHECK enum err organizations_put_member(struct db *d, const struct store_membership *m);
MUST_CHECK enum err organizations_delete_member(struct db *d, const struct store_membership *m);

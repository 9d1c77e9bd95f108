/* load: rows into structs, on whichever thread has the connection. */
#pragma once

#include "store/db.h"
#include "store/store.h"

/* For the WHERE of a query on notebooks: those of a deleted user are hidden until they go. */
#define LOAD_OWNER_IS_THERE                                                                        \
    " EXISTS (SELECT 1 FROM users WHERE users.id = owner_id AND deleted_at_ms IS NULL) "

MUST_CHECK enum err load_head(struct db *d, struct arena *a, struct span id,
                              struct store_head *out);
/* The list and what it points to live in `a`. */
MUST_CHECK enum err load_list(struct db *d, struct arena *a, struct span owner,
                              struct store_list *out);
/* ERR_NOT_FOUND also when it is somebody else's. Of one consistent state when the caller has begun
 * a transaction. */
MUST_CHECK enum err load_notebook(struct db *d, struct span owner, struct span id,
                                  struct notebook **out);

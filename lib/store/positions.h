/* positions: the order of cells as whole numbers with gaps. A new cell takes the middle of its gap;
 * when a gap is used up, the notebook's cells are numbered anew, in the same transaction. */
#pragma once

#include "store/write.h"

#define POSITIONS_GAP                                                                              \
    ((int64_t)1 << 24) /* 24 insertions at one spot; room for 2^39 at either end */

/* For a cell after `after`, or first when that is null. ERR_NOT_FOUND when there is no cell
 * `after`. */
MUST_CHECK enum err positions_choose(struct db *d, const struct store_write *w, struct span after,
                                     int64_t *out);

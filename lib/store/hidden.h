/* hidden: stream text of cells that is not among their outputs, in pieces. */
#pragma once

#include "store/write.h"

#define HIDDEN_PIECE_MAX ((size_t)1024 * 1024)

/* Forgets it, and that there was any text. ERR_NOT_FOUND when there is no such cell. */
MUST_CHECK enum err hidden_clear(struct db *d, const struct store_write *w, struct span cell_id);
/* Bytes from `range->start` on, appended to `out`. ERR_NOT_FOUND when there is no such cell in that
 * notebook of that owner. */
MUST_CHECK enum err hidden_load(struct db *d, const struct store_text_range *range,
                                struct text *out);
/* Sets the bounds of the cell's hidden text, and with it the end of its text, by what is stored;
 * leaves them when nothing is. */
MUST_CHECK enum err hidden_extent(struct db *d, struct span notebook, struct cell *c);

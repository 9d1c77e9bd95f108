/* cells: rows of cells, as the writer writes them. */
#pragma once

#include "store/outputs.h"
#include "store/write.h"

#define CELLS_NAMES_MAX                                                                            \
    ((size_t)8 * 1024 * 1024) /* of JSON; they come from code of NOTEBOOK_CODE_MAX */

/* A copy of a cell in a write's arena. */
struct cells_row {
    struct span id, type, status, reads, writes, flaw, error, code, name;
    int64_t revision;
    bool disabled, stale;
    size_t text_end, hidden_start, hidden_end;
    struct outputs_rows outputs; /* when it is created with them; otherwise none */
};

void cells_copy(struct store_write *w, const struct cell *c, struct cells_row *out);
/* The first cells of a new notebook, with their outputs, in order. */
MUST_CHECK enum err cells_append_all(struct db *d, const struct store_write *w,
                                     const struct cells_row *rows, size_t count);
/* ERR_NOT_FOUND when there is no such cell in that notebook of that owner. */
MUST_CHECK enum err cells_find(struct db *d, const struct store_write *w, struct span id);

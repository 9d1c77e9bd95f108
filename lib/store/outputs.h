/* outputs: rows of what cells have shown, as the writer writes them. */
#pragma once

#include "store/write.h"

struct outputs_row {
    struct span kind, data, display_id;
};
struct outputs_rows {
    struct outputs_row *items; /* in a write's arena */
    size_t count;
};

void outputs_copy_all(struct store_write *w, const struct cell *c, struct outputs_rows *out);
/* After the cell's others. */
MUST_CHECK enum err outputs_append_all(struct db *d, const struct store_write *w,
                                       struct span cell_id, const struct outputs_rows *rows);

struct span outputs_kind_name(enum output_kind k);
MUST_CHECK enum err outputs_kind_parse(struct span s, enum output_kind *out);

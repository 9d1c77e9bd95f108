#include "coalesce.h"

#include "base/map.h"

static const struct span beginning = SPAN("cell_running");

/* What a run shows, and nothing of what the cell is. */
static bool is_result(struct span kind)
{
    static const struct span results[] = {
        SPAN("cell_status"),      SPAN("cell_running"), SPAN("cell_stdout"),
        SPAN("cell_text_hidden"), SPAN("cell_output"),  SPAN("cell_output_updated"),
        SPAN("cell_cleared"),     SPAN("cell_error"),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (span_eq(kind, results[i])) {
            return true;
        }
    }
    return false;
}

void coalesce_page(const struct store_event *items, size_t count, bool *keep)
{
    struct map begun = {0}; /* cells whose last run was seen, going backwards */
    for (size_t i = count; i-- > 0;) {
        const struct store_event *e = &items[i];
        bool cell = !span_is_null(e->cell_id);
        keep[i] = !cell || !is_result(e->kind) || map_get(&begun, e->cell_id) == NULL;
        if (cell && span_eq(e->kind, beginning)) {
            (void)map_put(&begun, e->cell_id, keep);
        }
    }
    map_free(&begun);
}

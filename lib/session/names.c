/* names: what a cell reads and writes, set from an analysis. */
#include "session/internal.h"

/* NULL: the analyser could not be asked. The code is kept all the same, and says so when it is run.
 */
void names_apply(struct cell *c, const struct analysis *result)
{
    if (result == NULL) {
        names_set(&c->reads, NULL, 0);
        names_set(&c->writes, NULL, 0);
        c->analysed = false;
        cell_set_flaw(c, SPAN("The code could not be analysed, because the Python launcher is not "
                              "running. Save the cell again in a moment."));
        return;
    }
    names_set(&c->reads, result->reads, result->read_count);
    names_set(&c->writes, result->writes, result->write_count);
    c->analysed = true;
    cell_set_flaw(c, result->error);
}

void names_of_sql(struct cell *c, bool embedded)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct sql_scan scan = sql_scan(a, span_str(c->code));
    sql_reads(&scan, embedded, &c->reads);
    names_set(&c->writes, &scan.output_name, span_is_null(scan.output_name) ? 0 : 1);
    c->analysed = true;
    cell_set_flaw(c, scan.error);
}

/* show: the states of a cell in a run, in the model, on disk and before those who watch. */
#include "session/internal.h"

void show_running(struct session *s, struct cell *c)
{
    c->status = CELL_RUNNING;
    c->stale = false;
    cell_set_error(c, SPAN_NULL);
    cell_clear_outputs(c);
    store_clear_outputs(batch_write(s), id_span(&c->id));
    store_update_cell(batch_write(s), c);
    publish_status(s, c);
}

void show_end(struct session *s, struct cell *c, enum cell_status status)
{
    c->status = status;
    store_update_cell(batch_write(s), c);
    publish_status(s, c);
    if (status == CELL_ERROR) {
        publish_error(s, c);
    }
}

/* Clients drop old outputs only on `running` (CONTRACT 0.3), so that comes first. */
void show_blocked(struct session *s, struct cell *c)
{
    s->run.any_blocked = true;
    show_running(s, c);
    show_end(s, c, CELL_BLOCKED);
}

void show_flaw(struct session *s, struct cell *c, struct span flaw)
{
    s->run.any_error = true;
    show_running(s, c);
    cell_set_error(c, flaw);
    show_end(s, c, CELL_ERROR);
}

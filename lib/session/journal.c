/* journal: the notebook's history, numbered without gaps. An event gets its number when it is made
 * and is stored in the same write as the change it tells of; so what a client has seen can be named
 * by one number, over reconnections and restarts.
 *
 * Kept are the newest events, in two halves: when the newer half is full, the older one goes and a
 * new half begins. So between half and all of what may be kept is there. */
#include <assert.h>

#include "session/internal.h"

static const struct span kinds[] = {
    [EVENT_STATUS] = SPAN("cell_status"),
    [EVENT_STDOUT] = SPAN("cell_stdout"),
    [EVENT_TEXT_HIDDEN] = SPAN("cell_text_hidden"),
    [EVENT_ERROR] = SPAN("cell_error"),
    [EVENT_OUTPUT] = SPAN("cell_output"),
    [EVENT_OUTPUT_UPDATED] = SPAN("cell_output_updated"),
    [EVENT_CELL_CLEARED] = SPAN("cell_cleared"),
    [EVENT_CELL_UPDATED] = SPAN("cell_updated"),
    [EVENT_CELL_CREATED] = SPAN("cell_created"),
    [EVENT_CELL_DELETED] = SPAN("cell_deleted"),
    [EVENT_CELL_MOVED] = SPAN("cell_moved"),
    [EVENT_STALE] = SPAN("stale"),
    [EVENT_QUEUED] = SPAN("queued"),
    [EVENT_PLAN] = SPAN("plan"),
    [EVENT_PLAN_ENDED] = SPAN("plan_ended"),
    [EVENT_RENAMED] = SPAN("notebook_renamed"),
    [EVENT_DB_CHANGED] = SPAN("db_changed"),
};

/* What begins a run makes all before it of that cell's results void: who reads the journal can tell
 * by the kind. */
static struct span kind_of(const struct event *e)
{
    return e->begins_run ? SPAN("cell_running") : kinds[e->kind];
}

bool journal_keeps(const struct event *e)
{
    return !e->old_only && e->kind < EVENT_KERNEL;
}

static void trim(struct session *s)
{
    struct notebook *n = s->notebook;
    const struct sessions_options *o = &s->all->options;
    if (s->segment_count < o->events_max / 2 && s->segment_bytes < o->events_bytes_max / 2) {
        return;
    }
    if (n->oldest < s->segment) {
        n->oldest = s->segment;
        store_trim_events(batch_write(s), n->oldest);
    }
    n->events_count = s->segment_count;
    n->events_bytes = s->segment_bytes;
    s->segment = n->seq + 1;
    s->segment_count = s->segment_bytes = 0;
}

struct span journal_append(struct session *s, struct store_write *w, struct arena *a,
                           struct event *e)
{
    struct notebook *n = s->notebook;
    assert(e->json.n > 2 && e->json.p[e->json.n - 1] == '}');
    e->seq = ++n->seq;
    struct span json =
        arena_printf(a, "%.*s,\"seq\":%lld}", (int)(e->json.n - 1), e->json.p, (long long)e->seq);
    store_append_event(w,
                       &(struct store_event){
                           .seq = e->seq, .kind = kind_of(e), .cell_id = e->cell_id, .json = json});
    n->events_count++;
    n->events_bytes += json.n;
    s->segment_count++;
    s->segment_bytes += json.n;
    trim(s);
    return json;
}

/* What was kept before is the older half. */
void journal_open(struct session *s)
{
    s->told = s->notebook->seq;
    s->segment = s->notebook->seq + 1;
}

struct span session_epoch(const struct session *s)
{
    return id_span(&s->notebook->epoch);
}

int64_t session_seq(const struct session *s)
{
    return s->told;
}

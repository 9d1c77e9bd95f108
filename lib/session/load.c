/* load: notebooks from the store into sessions. Everybody who asks for one while it loads is
 * answered by the same load. Cells that were never analysed (the samples, say) are analysed before
 * anybody sees them. */
#include "session/internal.h"

struct load {
    struct sessions *all;
    struct list waiters;
    struct notebook *notebook;
    size_t next; /* cell to look at */
    char *id;
};

struct waiter {
    struct list link;
    session_opened_cb done;
    void *data;
};

static void tell_of_end(struct session *s, struct cell *c)
{
    c->interrupted = false;
    store_update_cell(batch_write(s), c);
    if (c->hidden_end > c->hidden_start) {
        publish_hidden(s, c);
    }
    publish_status(s, c);
    publish_error(s, c);
}

/* What ran when the server ended has ended with it, and no kernel knows any names. */
static void tell_of_restart(struct session *s)
{
    bool ran = false;
    for (size_t i = 0; i < s->notebook->cell_count; i++) {
        if (s->notebook->cells[i]->interrupted) {
            tell_of_end(s, s->notebook->cells[i]);
            ran = true;
        }
    }
    if (ran) {
        publish_plan_ended(s, SPAN("died")); /* while a plan runs, one of its cells does */
    }
    stale_all(s);
}

static void finish(struct load *l, enum err e)
{
    struct sessions *all = l->all;
    (void)map_remove(&all->loading, span_str(l->id));
    struct session *s = NULL;
    if (e == OK) {
        s = session_new(all, l->notebook);
        tell_of_restart(s);
    } else {
        notebook_free(l->notebook);
    }
    struct list *node;
    while ((node = list_take_first(&l->waiters)) != NULL) {
        struct waiter *w = LIST_ENTRY(node, struct waiter, link);
        w->done(w->data, e, s);
        mem_free(w);
    }
    mem_free(l->id);
    mem_free(l);
    all->pending--;
    sessions_finish_if_done(all);
}

static void analyse_next(struct load *l);

static void on_analysed(void *data, enum err e, const struct analysis *result)
{
    struct load *l = data;
    if (e == OK) {
        names_apply(l->notebook->cells[l->next], result);
    }
    /* Otherwise the cell stays as it is: it is analysed when it is next loaded or saved. */
    l->next++;
    analyse_next(l);
}

static void analyse_next(struct load *l)
{
    for (; l->next < l->notebook->cell_count; l->next++) {
        struct cell *c = l->notebook->cells[l->next];
        if (c->analysed) {
            continue;
        }
        if (c->type == CELL_PYTHON) {
            analyser_ask(l->all->options.analyser, span_str(c->code), on_analysed, l);
            return;
        }
        names_of_sql(c, l->notebook->connection == NULL);
    }
    finish(l, l->all->closing ? ERR_CANCELED : OK);
}

static void on_loaded(void *data, enum err e, struct notebook *n)
{
    struct load *l = data;
    l->notebook = n;
    if (e != OK) {
        finish(l, e);
        return;
    }
    analyse_next(l);
}

static void wait_for(struct load *l, session_opened_cb done, void *data)
{
    struct waiter *w = mem_alloc(sizeof *w);
    w->done = done;
    w->data = data;
    list_add_last(&l->waiters, &w->link);
}

void sessions_load(struct sessions *all, struct span owner, struct span id, session_opened_cb done,
                   void *data)
{
    struct load *l = map_get(&all->loading, id);
    if (l != NULL) {
        wait_for(l, done, data);
        return;
    }
    l = mem_alloc(sizeof *l);
    l->all = all;
    l->id = mem_copy(id);
    list_init(&l->waiters);
    wait_for(l, done, data);
    all->pending++;
    (void)map_put(&all->loading, id, l);
    store_load(all->options.store, owner, id, on_loaded, l);
}

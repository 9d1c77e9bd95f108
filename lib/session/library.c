/* library: the notebooks of one user: a new one, the list, and the samples that every list begins
 * with. */
#include "session/internal.h"

/* --- a new notebook --- */
struct creation {
    struct sessions *all;
    struct arena *arena;
    const struct store_audit *behalf;
    char *owner;
    struct id id;
    sessions_created_cb done;
    void *data;
};

static void creation_finish(struct creation *c, enum err e)
{
    struct sessions *all = c->all;
    c->done(c->data, e, id_span(&c->id));
    mem_free(c->owner);
    arena_free(c->arena);
    mem_free(c);
    all->pending--;
    sessions_finish_if_done(all);
}

static void on_created(void *data, enum err e)
{
    creation_finish(data, e);
}

static void write_new(struct sessions *all, struct notebook *n, bool if_missing, store_done_cb done,
                      void *data)
{
    struct store_write *w =
        store_write_new(all->options.store, span_str(n->owner), span_str(n->id));
    store_put_user(w);
    store_create_notebook(w, n, if_missing);
    if (all->behalf != NULL) {
        store_append_audit(w, all->behalf);
    }
    notebook_free(n);
    store_commit(w, done, data);
}

static void on_counted(void *data, enum err e, const struct store_list *list)
{
    struct creation *c = data;
    if (e == OK && list->count >= c->all->options.notebooks_max) {
        e = ERR_LIMIT;
    }
    if (e != OK) {
        creation_finish(c, e);
        return;
    }
    struct notebook *n = notebook_new(id_span(&c->id), span_str(c->owner));
    struct id cell = id_new();
    (void)notebook_insert(n, 0, id_span(&cell), CELL_PYTHON, SPAN(""));
    c->all->behalf = c->behalf;
    write_new(c->all, n, false, on_created, c);
    c->all->behalf = NULL;
}

void sessions_create(struct sessions *all, struct span owner, sessions_created_cb done, void *data)
{
    struct creation *c = mem_alloc(sizeof *c);
    c->all = all;
    c->arena = arena_new();
    c->behalf = behalf_copy(all, c->arena);
    c->owner = mem_copy(owner);
    c->id = id_new();
    c->done = done;
    c->data = data;
    all->pending++;
    store_list(all->options.store, owner, on_counted, c);
}

/* --- the list --- */
struct listing {
    struct sessions *all;
    char *owner;
    unsigned writing; /* samples being made */
    enum err failed;
    store_listed_cb done;
    void *data;
};

static void listing_finish(struct listing *l, enum err e, const struct store_list *list)
{
    struct sessions *all = l->all;
    l->done(l->data, e, list);
    mem_free(l->owner);
    mem_free(l);
    all->pending--;
    sessions_finish_if_done(all);
}

static void on_listed_again(void *data, enum err e, const struct store_list *list)
{
    listing_finish(data, e, list);
}

static void on_sample_made(void *data, enum err e)
{
    struct listing *l = data;
    l->failed = e == OK ? l->failed : e;
    if (--l->writing > 0) {
        return;
    }
    if (l->failed != OK) {
        listing_finish(l, l->failed, NULL);
        return;
    }
    store_list(l->all->options.store, span_str(l->owner), on_listed_again, l);
}

static bool has_prefix(const struct store_list *list, struct span prefix)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_starts(list->items[i].id, prefix)) {
            return true;
        }
    }
    return false;
}

/* Made where missing and never written over: deleting one brings a fresh one (CONTRACT 2.2). */
static void on_listed(void *data, enum err e, const struct store_list *list)
{
    struct listing *l = data;
    bool blank = e != OK || has_prefix(list, SPAN("blank-"));
    bool demo = e != OK || has_prefix(list, SPAN("demo-"));
    if (blank && demo) {
        listing_finish(l, e, list);
        return;
    }
    l->writing = (unsigned)!blank + (unsigned)!demo;
    if (!blank) {
        write_new(l->all, sample_blank(span_str(l->owner)), true, on_sample_made, l);
    }
    if (!demo) {
        write_new(l->all, sample_demo(span_str(l->owner)), true, on_sample_made, l);
    }
}

void sessions_list(struct sessions *all, struct span owner, store_listed_cb done, void *data)
{
    struct listing *l = mem_alloc(sizeof *l);
    l->all = all;
    l->owner = mem_copy(owner);
    l->done = done;
    l->data = data;
    all->pending++;
    store_list(all->options.store, owner, on_listed, l);
}

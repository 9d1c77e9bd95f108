#include "tests/unit/store/world.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

void world_prepare(struct world *w)
{
    const char *tmp = getenv("TMPDIR");
    *w = (struct world){.queue_max = 100000};
    (void)snprintf(w->dir, sizeof w->dir, "%s/store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    CHECK(mkdtemp(w->dir) != NULL);
    CHECK(uv_loop_init(&w->loop) == 0);
}

enum err world_open(struct world *w)
{
    struct store_options options = {
        .dir = w->dir, .queue_max = w->queue_max, .queue_bytes_max = w->queue_bytes_max};
    return store_open(&w->store, &w->loop, &options);
}

void world_start(struct world *w)
{
    world_prepare(w);
    CHECK(world_open(w) == OK);
}

static void on_closed(void *data)
{
    struct world *w = data;
    w->store = NULL;
}

void world_close(struct world *w)
{
    store_close(w->store, on_closed, w);
    CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0);
    CHECK(w->store == NULL);
}

void world_reopen(struct world *w)
{
    world_close(w);
    CHECK(world_open(w) == OK);
}

static int on_path(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void world_end(struct world *w)
{
    if (w->store != NULL) {
        world_close(w);
    }
    CHECK(uv_loop_close(&w->loop) == 0);
    CHECK(nftw(w->dir, on_path, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *world_path(const struct world *w, const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    return path;
}

int64_t world_size(const struct world *w, const char *name)
{
    struct stat st;
    return stat(world_path(w, name), &st) == 0 ? st.st_size : -1;
}

struct store_write *world_write(struct world *w)
{
    return store_write_new(w->store, ALICE, BOOK);
}

struct outcome {
    bool done;
    enum err err;
    struct notebook *notebook;
};

static void on_done(void *data, enum err e)
{
    struct outcome *o = data;
    CHECK(!o->done);
    *o = (struct outcome){.done = true, .err = e};
}

static void on_loaded(void *data, enum err e, struct notebook *n)
{
    struct outcome *o = data;
    CHECK(!o->done);
    *o = (struct outcome){.done = true, .err = e, .notebook = n};
}

static void wait_for(struct world *w, const struct outcome *o)
{
    while (!o->done) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
}

enum err world_commit(struct world *w, struct store_write *write)
{
    struct outcome o = {0};
    store_commit(write, on_done, &o);
    CHECK(!o.done); /* later, always */
    wait_for(w, &o);
    return o.err;
}

struct notebook *world_load(struct world *w, struct span owner, enum err *e)
{
    struct outcome o = {0};
    store_load(w->store, owner, BOOK, on_loaded, &o);
    CHECK(!o.done);
    wait_for(w, &o);
    *e = o.err;
    CHECK((o.err == OK) == (o.notebook != NULL));
    return o.notebook;
}

struct notebook *world_book(struct world *w)
{
    struct notebook *n = notebook_new(BOOK, ALICE);
    struct store_write *write = world_write(w);
    store_create_notebook(write, n, false);
    CHECK(world_commit(w, write) == OK);
    return n;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void check_same_names(const struct names *a, const struct names *b)
{
    CHECK(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        CHECK(same_text(a->items[i], b->items[i]));
    }
}

static void check_same_outputs(const struct cell *a, const struct cell *b)
{
    CHECK(a->output_count == b->output_count);
    for (size_t i = 0; i < a->output_count; i++) {
        const struct output *x = &a->outputs[i], *y = &b->outputs[i];
        CHECK(x->kind == y->kind);
        CHECK(span_eq(span_of(x->data, x->size), span_of(y->data, y->size)));
        CHECK(same_text(x->display_id, y->display_id));
    }
}

static void check_same_cell(const struct cell *a, const struct cell *b)
{
    CHECK(span_eq(id_span(&a->id), id_span(&b->id)));
    CHECK(a->type == b->type);
    CHECK(a->status == b->status);
    CHECK(a->analysed == b->analysed);
    CHECK(same_text(a->code, b->code));
    CHECK(same_text(a->flaw, b->flaw));
    CHECK(same_text(a->error, b->error));
    CHECK(same_text(a->name, b->name));
    CHECK(a->revision == b->revision);
    CHECK(a->disabled == b->disabled && a->stale == b->stale);
    CHECK(a->text_end == b->text_end);
    CHECK(a->hidden_start == b->hidden_start && a->hidden_end == b->hidden_end);
    check_same_names(&a->reads, &b->reads);
    check_same_names(&a->writes, &b->writes);
    check_same_outputs(a, b);
}

void world_check_stored(struct world *w, const struct notebook *n)
{
    enum err e = OK;
    struct notebook *stored = world_load(w, ALICE, &e);
    CHECK(e == OK);
    CHECK(same_text(stored->id, n->id) && same_text(stored->owner, n->owner));
    CHECK(same_text(stored->name, n->name));
    CHECK(same_text(stored->connection, n->connection));
    CHECK(stored->revision == n->revision);
    CHECK(span_eq(id_span(&stored->epoch), id_span(&n->epoch)));
    CHECK(stored->seq == n->seq && stored->oldest == n->oldest);
    CHECK(stored->events_count == n->events_count && stored->events_bytes == n->events_bytes);
    CHECK(stored->cell_count == n->cell_count);
    for (size_t i = 0; i < n->cell_count; i++) {
        check_same_cell(stored->cells[i], n->cells[i]);
    }
    notebook_free(stored);
}

struct cell *world_cell(struct notebook *n, struct span code)
{
    struct id id = id_new();
    return notebook_insert(n, n->cell_count, id_span(&id), CELL_PYTHON, code);
}

uint32_t world_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void world_sql(const struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open(world_path(w, "notebookd.sqlite"), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

int64_t world_number(const struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    CHECK(sqlite3_open(world_path(w, "notebookd.sqlite"), &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(q) == SQLITE_ROW);
    int64_t number = sqlite3_column_int64(q, 0);
    CHECK(sqlite3_finalize(q) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    return number;
}

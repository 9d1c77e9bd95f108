#include "tests/unit/session/page.h"

#include <string.h>

static void on_event(struct watcher *w, const struct event *e)
{
    struct page *p = LIST_ENTRY(w, struct page, watcher);
    CHECK(p->count < PAGE_EVENTS_MAX);
    struct event *copy = &p->events[p->count++].event;
    *copy = *e;
    copy->json = span_str(mem_copy(e->json));
    copy->cell_id = span_str(mem_copy(e->cell_id));
}

static void on_closed(struct watcher *w, enum session_end why)
{
    LIST_ENTRY(w, struct page, watcher)->closed = true;
}

/* As session_watch, but no kernel is started. */
static void watch(struct page *p)
{
    p->watcher.on_event = on_event;
    p->watcher.on_closed = on_closed;
    p->watcher.session = p->session;
    list_add_last(&p->session->watchers, &p->watcher.link);
}

static void add_cell(struct notebook *n, struct span code, struct span reads, struct span writes)
{
    struct cell *c = world_cell(n, code);
    c->type = CELL_SQL;
    names_set(&c->reads, &reads, span_is_null(reads) ? 0 : 1);
    names_set(&c->writes, &writes, span_is_null(writes) ? 0 : 1);
    c->analysed = true;
}

static void make_book(struct page *p)
{
    struct notebook *n = notebook_new(BOOK, ALICE);
    add_cell(n, SPAN("-- @out x\nselect 1"), SPAN_NULL, SPAN("x"));
    add_cell(n, SPAN("-- @out y\nselect {x}"), SPAN("x"), SPAN("y"));
    add_cell(n, SPAN("select {y}"), SPAN("y"), SPAN_NULL);
    struct store_write *write = world_write(&p->world);
    store_create_notebook(write, n, false);
    CHECK(world_commit(&p->world, write) == OK);
    notebook_free(n);
}

static void open_sessions(struct page *p)
{
    static char work_dir[256];
    (void)snprintf(work_dir, sizeof work_dir, "%s/kernels", p->world.dir);
    struct sessions_options options = {.store = p->world.store,
                                       .work_dir = work_dir,
                                       .idle_s = 3600,
                                       .events_max = 40,
                                       .events_bytes_max = (size_t)8 * 1024 * 1024,
                                       .text_max = (size_t)64 * 1024 * 1024};
    CHECK(sessions_open(&p->all, &p->world.loop, &options) == OK);
}

static void on_opened(void *data, enum err e, struct session *s)
{
    struct page *p = data;
    CHECK(e == OK);
    p->session = s;
}

static void open_session(struct page *p)
{
    p->session = NULL;
    sessions_load(p->all, ALICE, BOOK, on_opened, p);
    while (p->session == NULL) {
        (void)uv_run(&p->world.loop, UV_RUN_ONCE);
    }
    watch(p);
    page_settle(p);
}

void page_open(struct page *p)
{
    *p = (struct page){.events = mem_alloc_array(PAGE_EVENTS_MAX, sizeof(struct kept_event))};
    world_start(&p->world);
    make_book(p);
    open_sessions(p);
    open_session(p);
}

static void on_sessions_closed(void *data)
{
    ((struct page *)data)->all = NULL;
}

static void close_sessions(struct page *p)
{
    sessions_close(p->all, on_sessions_closed, p);
    while (p->all != NULL) {
        (void)uv_run(&p->world.loop, UV_RUN_ONCE);
    }
}

void page_reopen(struct page *p)
{
    close_sessions(p);
    world_reopen(&p->world);
    open_sessions(p);
    open_session(p);
}

void page_end(struct page *p)
{
    close_sessions(p);
    CHECK(p->closed);
    for (size_t i = 0; i < p->count; i++) {
        mem_free((char *)p->events[i].event.json.p);
        mem_free((char *)p->events[i].event.cell_id.p);
    }
    mem_free(p->events);
    world_end(&p->world);
}

void page_settle(struct page *p)
{
    while (!session_is_settled(p->session)) {
        (void)uv_run(&p->world.loop, UV_RUN_ONCE);
    }
}

struct cell *page_cell(const struct page *p, size_t position)
{
    return p->session->notebook->cells[position];
}

size_t page_count(const struct page *p, enum event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        count += p->events[i].event.kind == kind;
    }
    return count;
}

const struct event *page_last(const struct page *p, enum event_kind kind)
{
    for (size_t i = p->count; i > 0; i--) {
        if (p->events[i - 1].event.kind == kind) {
            return &p->events[i - 1].event;
        }
    }
    check_failed(__FILE__, __LINE__, "an event of that kind was told");
}

void page_on_answer(void *answer, enum err e, const struct session_result *r)
{
    struct page_answer *a = answer;
    a->count++;
    a->err = e;
    a->result = *r;
    size_t n = r->document.n < sizeof a->document ? r->document.n : sizeof a->document - 1;
    memcpy(a->document, n == 0 ? "" : r->document.p, n);
    a->document[n] = '\0';
    a->result.document = span_of(a->document, n);
    a->result.cell_id = SPAN_NULL;
}

void page_wait(struct page *p, const struct page_answer *a)
{
    while (a->count == 0) {
        (void)uv_run(&p->world.loop, UV_RUN_ONCE);
    }
    CHECK(a->count == 1);
}

/* sessions: all open notebooks, and the life of one: opened on first use, kept while somebody
 * watches or something runs, closed after a while of neither. */
#include <errno.h>
#include <sys/stat.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/log.h"
#include "session/internal.h"

#define SWEEP_MS 1000

/* --- one session's life --- */
struct session *session_new(struct sessions *all, struct notebook *n)
{
    struct session *s = mem_alloc(sizeof *s);
    s->all = all;
    s->notebook = n;
    s->document = TEXT(DOCUMENT_MAX);
    list_init(&s->watchers);
    list_init(&s->ops);
    list_init(&s->waiters);
    s->idle_since_us = clock_mono_us();
    (void)map_put(&all->by_id, span_str(n->id), s);
    all->alive++;
    journal_open(s);
    return s;
}

void session_free_if_done(struct session *s)
{
    if (!s->ended || s->writing > 0 || s->active != NULL || s->closing_kernels > 0 ||
        s->asking > 0) {
        return;
    }
    struct sessions *all = s->all;
    notebook_free(s->notebook);
    text_free(&s->document);
    text_free(&s->variables);
    mem_free(s->kernel_cause);
    mem_free(s->input_prompt);
    mem_free(s);
    all->alive--;
    sessions_finish_if_done(all);
}

static void on_kernel_closed(void *data)
{
    struct session *s = data;
    s->closing_kernels--;
    session_free_if_done(s);
}

void session_stop_kernel(struct session *s)
{
    struct kernel *k = s->kernel;
    if (k == NULL) {
        return;
    }
    s->kernel = NULL;
    s->kernel_paused = false;
    throttle_end(s);
    s->asks_input = false;
    text_free(&s->variables);
    s->closing_kernels++;
    kernel_close(k, on_kernel_closed, s);
}

char *sessions_directory(const struct sessions *all, struct span notebook_id)
{
    /* Ids hold what Clerk puts into a user's id: the encoding makes a safe name of any bytes. */
    struct text path = TEXT(4096);
    text_addf(&path, "%s/", all->work_dir);
    b64_encode_url(&path, notebook_id);
    if (path.overflowed || (mkdir(path.p, 0700) != 0 && errno != EEXIST)) {
        log_event(LOG_ERROR, "kernel_directory", LOG_SPAN("notebook", notebook_id),
                  LOG_STR("cause", strerror(errno)));
        text_free(&path);
        return NULL;
    }
    return text_take(&path);
}

bool session_start_kernel(struct session *s)
{
    if (s->kernel != NULL) {
        return true;
    }
    CLEANUP(mem_free_ptr) char *cwd = sessions_directory(s->all, span_str(s->notebook->id));
    if (cwd == NULL) {
        return false;
    }
    s->kernel_asked_us = clock_mono_us();
    mem_replace(&s->kernel_cause, SPAN_NULL);
    s->kernel =
        kernel_open(s->all->options.launcher,
                    &(struct kernel_options){.cwd = cwd, .on_event = on_kernel_event, .data = s});
    batch_tell_kernel(s);
    return true;
}

static void tell_closed(struct session *s, enum session_end why)
{
    struct list *node;
    while ((node = list_take_first(&s->watchers)) != NULL) {
        struct watcher *w = LIST_ENTRY(node, struct watcher, link);
        w->session = NULL;
        w->on_closed(w, why);
    }
}

void session_end(struct session *s, enum session_end why)
{
    enum err e = why == SESSION_DELETED ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    (void)map_remove(&s->all->by_id, span_str(s->notebook->id));
    run_abandon(s);
    batch_discard(s, e);
    s->ended = true;
    session_stop_kernel(s);
    ops_refuse(s, NULL, e);
    wait_refuse(s, e);
    tell_closed(s, why);
    session_free_if_done(s);
}

/* The write may overtake nothing: the store keeps the order of its callers. */
void session_drain(struct session *s)
{
    if (s->run.active) {
        run_on_gone(s, SPAN("The server stopped while this cell was running."));
    }
    if (s->batch != NULL) {
        batch_flush(s);
    }
    session_end(s, SESSION_DRAINING);
}

/* --- watching and looking --- */
struct span session_owner(const struct session *s)
{
    return span_str(s->notebook->owner);
}

bool session_is_settled(const struct session *s)
{
    return s->batch == NULL && s->writing == 0 && s->active == NULL;
}

void session_watch(struct session *s, struct watcher *w)
{
    list_add_last(&s->watchers, &w->link);
    w->session = s;
    /* So that it is ready before the first run; a failure shows there. */
    (void)session_start_kernel(s);
    if (w->user != NULL) {
        batch_tell_presence(s);
    }
}

void session_unwatch(struct watcher *w)
{
    struct session *s = w->session;
    list_remove(&w->link);
    w->session = NULL;
    if (s != NULL && !s->ended && w->user != NULL) {
        batch_tell_presence(s);
    }
}

/* --- all of them --- */
struct session *sessions_find(const struct sessions *all, struct span id)
{
    return map_get(&all->by_id, id);
}

static void on_flush(uv_prepare_t *handle)
{
    struct sessions *all = handle->data;
    while (!list_is_empty(&all->dirty)) {
        batch_flush(LIST_ENTRY(all->dirty.next, struct session, dirty));
    }
}

static bool is_idle(const struct session *s)
{
    return list_is_empty(&s->watchers) && !s->run.active && session_is_settled(s);
}

static void on_sweep(uv_timer_t *handle)
{
    struct sessions *all = handle->data;
    uint64_t now = clock_mono_us();
    struct list idle;
    list_init(&idle);
    size_t i = 0;
    void *value;
    while (map_next(&all->by_id, &i, &(struct span){0}, &value)) {
        struct session *s = value;
        if (s->document.cap > DOCUMENT_KEPT) {
            session_drop_document(s);
        }
        if (!is_idle(s)) {
            s->idle_since_us = now;
        } else if (now - s->idle_since_us > (uint64_t)all->options.idle_s * 1000000) {
            list_add_last(&idle, &s->dirty); /* free while settled */
        }
    }
    struct list *node;
    while ((node = list_take_first(&idle)) != NULL) {
        session_end(LIST_ENTRY(node, struct session, dirty), SESSION_DRAINING);
    }
}

static void make_directory(struct sessions *all)
{
    if (mkdir(all->work_dir, 0700) != 0 && errno != EEXIST) {
        log_event(LOG_ERROR, "work_directory", LOG_STR("path", all->work_dir),
                  LOG_STR("cause", strerror(errno)));
    }
}

enum err sessions_open(struct sessions **out, uv_loop_t *loop,
                       const struct sessions_options *options)
{
    struct sessions *all = mem_alloc(sizeof *all);
    all->loop = loop;
    all->options = *options;
    all->work_dir = mem_copy(span_str(options->work_dir));
    list_init(&all->dirty);
    list_init(&all->throttled);
    make_directory(all);
    all->flush.data = all->sweep.data = all->throttle.data = all;
    all->handles = 3;
    if (uv_prepare_init(loop, &all->flush) != 0 || uv_timer_init(loop, &all->sweep) != 0 ||
        uv_timer_init(loop, &all->throttle) != 0 || uv_prepare_start(&all->flush, on_flush) != 0 ||
        uv_timer_start(&all->sweep, on_sweep, SWEEP_MS, SWEEP_MS) != 0) {
        return ERR_INTERNAL; /* libuv fails these calls only for a handle that is closing */
    }
    *out = all;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct sessions *all = handle->data;
    if (--all->handles > 0) {
        return;
    }
    sessions_closed_cb closed = all->closed;
    void *data = all->closed_data;
    map_free(&all->by_id);
    map_free(&all->loading);
    mem_free(all->work_dir);
    mem_free(all);
    closed(data);
}

void sessions_finish_if_done(struct sessions *all)
{
    if (!all->closing || all->alive > 0 || all->pending > 0 ||
        uv_is_closing((uv_handle_t *)&all->flush)) {
        return;
    }
    uv_close((uv_handle_t *)&all->flush, on_handle_closed);
    uv_close((uv_handle_t *)&all->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&all->throttle, on_handle_closed);
}

static void drain_all(struct sessions *all)
{
    size_t count = all->by_id.count;
    struct session **open = mem_alloc_array(count, sizeof(struct session *));
    size_t i = 0;
    void *value;
    for (size_t n = 0; map_next(&all->by_id, &i, &(struct span){0}, &value); n++) {
        open[n] = value;
    }
    for (size_t n = 0; n < count; n++) {
        session_drain(open[n]);
    }
    mem_free(open);
}

void sessions_close(struct sessions *all, sessions_closed_cb closed, void *data)
{
    all->closing = true;
    all->closed = closed;
    all->closed_data = data;
    drain_all(all);
    sessions_finish_if_done(all);
}

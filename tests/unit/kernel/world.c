#include "tests/unit/kernel/world.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/check.h"

/* --- writing down --- */

static const char *const stream_names[] = {
    [KERNEL_EVENT_STDOUT] = "out",      [KERNEL_EVENT_STDERR] = "err",
    [KERNEL_EVENT_DISPLAY] = "display", [KERNEL_EVENT_UPDATE] = "update",
    [KERNEL_EVENT_CLEAR] = "clear",     [KERNEL_EVENT_RESULT] = "result",
    [KERNEL_EVENT_ERROR] = "error",     [KERNEL_EVENT_INPUT] = "input",
    [KERNEL_EVENT_READY] = "ready",     [KERNEL_EVENT_DONE] = "done",
    [KERNEL_EVENT_GONE] = "gone",
};
static const char *const done_names[] = {"ok", "error", "interrupted"};

static void write_down(struct seen *s, const struct kernel_event *e)
{
    unsigned long long run = e->run;
    const char *name = stream_names[e->kind];
    if (e->kind == KERNEL_EVENT_READY) {
        s->pid = json_get(e->body, SPAN("pid"))->integer;
        text_addf(&s->events, "ready\n");
    } else if (e->kind == KERNEL_EVENT_DONE) {
        text_addf(&s->events, "done %llu %s\n", run, done_names[e->status]);
    } else if (e->kind == KERNEL_EVENT_GONE) {
        text_addf(&s->events, "gone %.*s\n", SPAN_ARGS(e->text));
    } else if (e->body == NULL) {
        CHECK(span_is_utf8(e->text));
        text_addf(&s->events, "%s %llu ", name, run);
        text_add(&s->events, e->text);
        text_add(&s->events, SPAN("\n"));
    } else {
        text_addf(&s->events, "%s %llu %.*s\n", name, run, SPAN_ARGS(e->body->raw));
    }
}

static void on_kernel_closed(void *data)
{
    struct seen *s = data;
    s->closed = true;
}

static void close_kernel(struct seen *s)
{
    struct kernel *k = s->kernel;
    s->kernel = NULL;
    kernel_close(k, on_kernel_closed, s);
}

static void on_event(void *data, const struct kernel_event *e)
{
    struct seen *s = data;
    CHECK(s->kernel != NULL); /* no event after kernel_close */
    bool is_stream = e->kind == KERNEL_EVENT_STDOUT || e->kind == KERNEL_EVENT_STDERR;
    s->out_bytes += e->kind == KERNEL_EVENT_STDOUT ? e->text.n : 0;
    if (!s->counts_only || !is_stream) {
        write_down(s, e);
    }
    CHECK(!s->events.overflowed);
    if (s->close_on_any) {
        close_kernel(s);
    }
}

/* --- building --- */

static void on_patience_lost(uv_timer_t *t)
{
    const struct world *w = t->data;
    for (size_t i = 0; i < w->count; i++) {
        struct span events = text_span(&w->kernels[i].events);
        fprintf(stderr, "# kernel %zu saw: %.*s\n", i, SPAN_ARGS(span_sub(events, 0, 2000)));
    }
    check_failed(__FILE__, __LINE__, "waited too long");
}

static void open_loop(struct world *w)
{
    *w = (struct world){.folder = "/tmp/unit-kernel-XXXXXX"};
    CHECK(mkdtemp(w->folder) != NULL);
    CHECK(uv_loop_init(&w->loop) == 0);
    w->patience.data = w;
    CHECK(uv_timer_init(&w->loop, &w->patience) == 0);
    CHECK(uv_timer_start(&w->patience, on_patience_lost, WORLD_PATIENCE_S * UINT64_C(1000), 0) ==
          0);
}

/* Folders may exist already: two kernels of one mode share theirs. */
static char *make_folder(const struct world *w, const char *name)
{
    struct text path = TEXT(4096);
    text_addf(&path, "%s/%s", w->folder, name);
    (void)mkdir(path.p, 0700);
    return text_take(&path);
}

void world_open(struct world *w, const char *mode, const struct launcher_options *options)
{
    open_loop(w);
    struct launcher_options o = {0};
    if (options != NULL) {
        o = *options;
    }
    CLEANUP(mem_free_ptr) char *folder = make_folder(w, mode);
    struct text script = TEXT(4096);
    text_addf(&script, "%s/launcher.py", folder);
    CHECK(symlink(FAKE_LAUNCHER, script.p) == 0);
    text_free(&script);
    o.python = o.python == NULL ? "/usr/bin/python3" : o.python;
    o.script_dir = folder;
    CHECK(launcher_open(&w->launcher, &w->loop, &o) == OK);
}

void world_open_real(struct world *w, const char *script_dir)
{
    open_loop(w);
    struct launcher_options o = {
        .python = "/usr/bin/python3",
        .script_dir = script_dir,
        .kernel_data_bytes = (size_t)1024 * 1024 * 1024,
        .kernel_files = 512,
        .kernel_file_bytes = (size_t)256 * 1024 * 1024,
    };
    CHECK(launcher_open(&w->launcher, &w->loop, &o) == OK);
}

struct seen *world_kernel(struct world *w, const char *mode)
{
    CHECK(w->count < WORLD_KERNELS);
    struct seen *s = &w->kernels[w->count++];
    CLEANUP(mem_free_ptr) char *cwd = make_folder(w, mode);
    s->world = w;
    s->events = TEXT(64000000);
    struct kernel_options o = {.cwd = cwd, .on_event = on_event, .data = s};
    s->kernel = kernel_open(w->launcher, &o);
    CHECK(kernel_state(s->kernel) == KERNEL_STARTING);
    return s;
}

struct seen *world_ready_kernel(struct world *w, const char *mode)
{
    struct seen *s = world_kernel(w, mode);
    world_wait(s, "ready\n");
    return s;
}

/* --- driving --- */

void world_run(struct seen *s, const char *steps)
{
    struct text request = TEXT(1000000);
    text_addf(&request, "{\"steps\":[%s]}", steps);
    kernel_execute(s->kernel, ++s->run, text_span(&request));
    text_free(&request);
}

bool seen_has(const struct seen *s, const char *text)
{
    return span_has(text_span(&s->events), span_str(text));
}

bool seen_is(const struct seen *s, const char *text)
{
    bool same = span_eq(text_span(&s->events), span_str(text));
    if (!same) {
        struct span seen = span_sub(text_span(&s->events), 0, 2000);
        fprintf(stderr, "# seen: %.*s\n", SPAN_ARGS(seen));
    }
    return same;
}

static void restart_patience(struct world *w)
{
    CHECK(uv_timer_start(&w->patience, on_patience_lost, WORLD_PATIENCE_S * UINT64_C(1000), 0) ==
          0);
}

void world_wait(struct seen *s, const char *text)
{
    restart_patience(s->world);
    while (!seen_has(s, text)) {
        (void)uv_run(&s->world->loop, UV_RUN_ONCE);
    }
}

void world_wait_closed(const struct seen *s)
{
    restart_patience(s->world);
    while (!s->closed) {
        (void)uv_run(&s->world->loop, UV_RUN_ONCE);
    }
}

void world_spin(struct world *w, unsigned ms)
{
    uint64_t end = clock_mono_us() + ms * UINT64_C(1000);
    while (clock_mono_us() < end) {
        (void)uv_run(&w->loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
}

/* --- ending --- */

bool is_alive(int64_t pid)
{
    return kill((pid_t)pid, 0) == 0;
}

size_t world_starts(const struct world *w)
{
    struct text path = TEXT(4096);
    struct stat st = {0};
    size_t starts = 0;
    static const char *const modes[] = {"dies-at-once", "dies-when-asked", "dies-once", "garbage",
                                        "normal"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        text_clear(&path);
        text_addf(&path, "%s/%s/starts", w->folder, modes[i]);
        starts += stat(path.p, &st) == 0 ? (size_t)st.st_size : 0;
    }
    text_free(&path);
    return starts;
}

static void on_launcher_closed(void *data)
{
    struct world *w = data;
    w->launcher_closed = true;
}

static void on_analyser_closed(void *data)
{
    struct world *w = data;
    w->analyser_closed = true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void world_close(struct world *w)
{
    restart_patience(w);
    for (size_t i = 0; i < w->count; i++) {
        if (w->kernels[i].kernel != NULL) {
            close_kernel(&w->kernels[i]);
        }
    }
    if (w->analyser != NULL) {
        analyser_close(w->analyser, on_analyser_closed, w);
    }
    launcher_close(w->launcher, on_launcher_closed, w);
    while (!w->launcher_closed || (w->analyser != NULL && !w->analyser_closed)) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < w->count; i++) {
        world_wait_closed(&w->kernels[i]);
        CHECK(w->kernels[i].pid == 0 || !is_alive(w->kernels[i].pid));
        text_free(&w->kernels[i].events);
    }
    uv_close((uv_handle_t *)&w->patience, NULL);
    CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&w->loop) == 0);
    CHECK(nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

/* kill -9 in the middle of a storm of writes: what was acknowledged is there, and whole. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/store/world.h"

#define ROUNDS 8
#define IN_FLIGHT ((size_t)24)

/* --- the child: writes until it is killed, and says through a pipe what was acknowledged --- */
struct storm {
    struct world *world;
    int pipe;
    int64_t seq; /* of the last shot */
};

struct shot {
    struct storm *storm;
    struct id cell;
};

static void shoot(struct storm *s);

static void on_acknowledged(void *data, enum err e)
{
    struct shot *shot = data;
    CHECK(e == OK);
    CHECK(write(shot->storm->pipe, shot->cell.s, ID_LENGTH) == ID_LENGTH);
    shoot(shot->storm);
    mem_free(shot);
}

/* One intent of several changes: a cell, first on the page, two outputs, and the event. */
static void shoot(struct storm *s)
{
    struct shot *shot = mem_alloc(sizeof *shot);
    *shot = (struct shot){s, id_new()};
    struct store_write *write = world_write(s->world);
    struct cell cell = {.id = shot->cell, .code = (char *)"x", .revision = ++s->seq};
    struct store_event event = {.seq = s->seq,
                                .kind = SPAN("cell_created"),
                                .cell_id = id_span(&cell.id),
                                .json = id_span(&cell.id)};
    struct output out = {.kind = OUTPUT_STDOUT, .data = (char *)"one", .size = 3};
    struct output shown = {.kind = OUTPUT_DISPLAY, .data = (char *)"{}", .size = 2};
    store_insert_cell(write, &cell, SPAN_NULL);
    store_append_output(write, id_span(&cell.id), &out);
    store_append_output(write, id_span(&cell.id), &shown);
    store_append_event(write, &event);
    store_commit(write, on_acknowledged, shot);
}

static int64_t last_seq(struct world *w)
{
    enum err e = OK;
    struct notebook *n = world_load(w, ALICE, &e);
    CHECK(e == OK);
    int64_t seq = n->seq;
    notebook_free(n);
    return seq;
}

static _Noreturn void storm(struct world *w, int pipe)
{
    CHECK(world_open(w) == OK);
    struct storm s = {.world = w, .pipe = pipe, .seq = last_seq(w)};
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        shoot(&s);
    }
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    _exit(1); /* only a signal ends it */
}

/* --- the parent --- */
static size_t read_acknowledged(int from, struct id *ids, size_t cap)
{
    size_t count = 0;
    for (;;) {
        CHECK(count < cap);
        ssize_t n = read(from, ids[count].s, ID_LENGTH); /* written whole: under PIPE_BUF */
        if (n == 0) {
            return count;
        }
        CHECK(n == ID_LENGTH);
        count++;
    }
}

static void kill_after(pid_t child, long us)
{
    struct timespec t = {0, us * 1000};
    (void)nanosleep(&t, NULL);
    CHECK(kill(child, SIGKILL) == 0);
}

/* --- events --- */
struct history {
    const struct notebook *notebook;
    bool answered;
    int64_t read; /* the last event that was looked at */
};

/* The cell of the event s is the one that was then put first, so s cells from the end. */
static void on_events(void *data, enum err e, const struct store_events *events)
{
    struct history *h = data;
    const struct notebook *n = h->notebook;
    CHECK(e == OK && events->oldest == 1 && events->seq == n->seq);
    for (size_t i = 0; i < events->count; i++) {
        CHECK(events->items[i].seq == ++h->read);
        const struct cell *c = n->cells[n->cell_count - (size_t)h->read];
        CHECK(c->revision == h->read);
        CHECK(span_eq(events->items[i].cell_id, id_span(&c->id)));
        CHECK(span_eq(events->items[i].json, id_span(&c->id)));
    }
    h->answered = true;
}

/* An event for every cell and a cell for every event. */
static void check_history(struct world *w, const struct notebook *n)
{
    struct history h = {.notebook = n};
    CHECK((size_t)n->seq == n->cell_count && n->events_count == n->cell_count);
    while (h.read < n->seq) {
        struct store_range range = {
            .owner = ALICE, .notebook_id = BOOK, .since = h.read, .bytes_max = SIZE_MAX};
        int64_t before = h.read;
        h.answered = false;
        store_events(w->store, &range, on_events, &h);
        while (!h.answered) {
            (void)uv_run(&w->loop, UV_RUN_ONCE);
        }
        CHECK(h.read > before);
    }
}

static void check_whole(const struct notebook *n)
{
    for (size_t i = 0; i < n->cell_count; i++) {
        const struct cell *c = n->cells[i];
        CHECK(c->output_count == 2);
        CHECK(c->outputs[0].kind == OUTPUT_STDOUT && c->outputs[1].kind == OUTPUT_DISPLAY);
    }
}

/* Starts a storm; returns the pipe's end to read from. */
static int start_storm(struct world *w, pid_t *child)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    *child = fork();
    CHECK(*child >= 0);
    if (*child == 0) {
        (void)close(ends[0]);
        CHECK(uv_loop_fork(&w->loop) == 0);
        storm(w, ends[1]);
    }
    CHECK(close(ends[1]) == 0);
    return ends[0];
}

/* All that were acknowledged are there. `*seen`: cells that were there before, and then those that
 * are now. */
static void check_survived(struct world *w, const struct id *ids, size_t count, size_t *seen)
{
    CHECK(world_open(w) == OK);
    enum err e = OK;
    struct notebook *n = world_load(w, ALICE, &e);
    CHECK(e == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(notebook_find(n, id_span(&ids[i])) != NOTEBOOK_NOWHERE);
    }
    CHECK(n->cell_count >= *seen + count);
    CHECK(n->cell_count <= *seen + count + 2 * IN_FLIGHT);
    check_whole(n);
    check_history(w, n);
    *seen = n->cell_count;
    notebook_free(n);
    world_close(w);
}

/* Returns how many were acknowledged. */
static size_t one_round(struct world *w, long us, size_t *seen)
{
    static struct id acknowledged[200000];
    pid_t child = 0;
    int from = start_storm(w, &child);
    kill_after(child, us);
    size_t count =
        read_acknowledged(from, acknowledged, sizeof acknowledged / sizeof *acknowledged);
    CHECK(close(from) == 0);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    check_survived(w, acknowledged, count, seen);
    return count;
}

static void every_acknowledged_write_survives_kill_9(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    world_close(&w);
    size_t seen = 0, acknowledged = 0;
    uint32_t random = 4711;
    for (int i = 0; i < ROUNDS; i++) {
        acknowledged += one_round(&w, 30000 + world_random(&random) % 100000, &seen);
    }
    printf("# %zu acknowledged writes in %d rounds\n", acknowledged, ROUNDS);
    CHECK(acknowledged > 0);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {TEST(every_acknowledged_write_survives_kill_9)};
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

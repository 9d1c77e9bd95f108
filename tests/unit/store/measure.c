/* Not a test: commits per second by how many writes wait at once, and the cost of a point read.
 * Usage: TMPDIR=<a directory on the disk in question> measure */
#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/store/world.h"

#define SECONDS_US 1500000

struct load {
    const char *name;
    size_t outputs, events;
};

struct bench {
    struct world world;
    struct cell cell;
    bool stopping;
    size_t done, open;
    const struct load *load;
    int64_t seq;
    uint64_t latency_us;
};

struct shot {
    struct bench *bench;
    uint64_t started;
};

static void shoot(struct bench *b, struct shot *s);

static void on_done(void *data, enum err e)
{
    struct shot *s = data;
    struct bench *b = s->bench;
    CHECK(e == OK);
    b->done++;
    b->latency_us += clock_mono_us() - s->started;
    b->open--;
    if (!b->stopping) {
        shoot(b, s);
    }
}

/* Of 200 bytes. */
static void add_event(struct bench *b, struct store_write *write)
{
    static char json[200];
    memset(json, 'e', sizeof json);
    struct store_event event = {.seq = ++b->seq,
                                .kind = SPAN("cell_stdout"),
                                .cell_id = id_span(&b->cell.id),
                                .json = span_of(json, sizeof json)};
    store_append_event(write, &event);
}

/* What a run's message costs: outputs of 100 bytes, events, and a revision. */
static void shoot(struct bench *b, struct shot *s)
{
    static char text[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
                         "012345678901234567890123456789";
    struct output o = {.kind = OUTPUT_STDOUT, .data = text, .size = sizeof text - 1};
    struct store_write *write = world_write(&b->world);
    for (size_t i = 0; i < b->load->outputs; i++) {
        store_append_output(write, id_span(&b->cell.id), &o);
    }
    for (size_t i = 0; i < b->load->events; i++) {
        add_event(b, write);
    }
    store_set_revision(write, 1);
    s->bench = b;
    s->started = clock_mono_us();
    b->open++;
    store_commit(write, on_done, s);
}

static void measure_commits(struct bench *b, size_t depth)
{
    struct shot shots[256];
    struct store_stats before, after;
    store_stats(b->world.store, &before);
    b->done = 0;
    b->latency_us = 0;
    b->stopping = false;
    uint64_t start = clock_mono_us();
    for (size_t i = 0; i < depth; i++) {
        shoot(b, &shots[i]);
    }
    while (b->open > 0) {
        b->stopping = clock_mono_us() - start > SECONDS_US;
        (void)uv_run(&b->world.loop, UV_RUN_ONCE);
    }
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    store_stats(b->world.store, &after);
    printf("%-22s depth %3zu: %8.0f writes/s, %6.0f transactions/s, mean latency %5.0f us\n",
           b->load->name, depth, (double)b->done / seconds,
           (double)(after.transactions - before.transactions) / seconds,
           (double)b->latency_us / (double)b->done);
}

static void measure_point_reads(struct bench *b)
{
    enum { READS = 200000 };
    uint64_t start = clock_mono_us();
    for (int i = 0; i < READS; i++) {
        CLEANUP(arena_free_ptr) struct arena *a = arena_new();
        struct store_head head;
        CHECK(store_find(b->world.store, a, BOOK, &head) == OK);
    }
    printf("point read: %.2f us\n", (double)(clock_mono_us() - start) / READS);
}

int main(void)
{
    static struct bench b;
    log_set_level(LOG_WARN);
    world_start(&b.world);
    notebook_free(world_book(&b.world));
    b.cell = (struct cell){.id = id_new(), .code = (char *)"x"};
    struct store_write *write = world_write(&b.world);
    store_insert_cell(write, &b.cell, SPAN_NULL);
    CHECK(world_commit(&b.world, write) == OK);
    measure_point_reads(&b);
    static const size_t depths[] = {1, 8, 32, 128};
    static const struct load loads[] = {
        {"an output", 1, 0}, {"an event", 0, 1}, {"an output and 3 events", 1, 3}};
    for (size_t i = 0; i < 12; i++) {
        b.load = &loads[i / 4];
        measure_commits(&b, depths[i % 4]);
    }
    measure_point_reads(&b);
    world_end(&b.world);
    return 0;
}

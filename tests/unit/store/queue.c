/* Many writes at once: few transactions, every answer once and in order, none sinks another. */
#include <string.h>

#include "store/worker.h"
#include "tests/unit/store/faults.h"
#include "tests/unit/store/world.h"

#define WRITES 1000
#define LONG_NAME ((size_t)60 * 1024)

struct run {
    struct world world;
    size_t called;
    size_t next; /* the answer expected now; they are numbered in order of store_commit */
    size_t failed;
};

struct ticket {
    struct run *run;
    size_t number;
    enum err expected;
};

static void on_done(void *data, enum err e)
{
    struct ticket *t = data;
    CHECK(e == t->expected);
    CHECK(t->number == t->run->next++);
    t->run->called++;
    t->run->failed += e != OK;
    mem_free(t);
}

static void commit(struct run *r, struct store_write *write, size_t number, enum err expected)
{
    struct ticket *t = mem_alloc(sizeof *t);
    *t = (struct ticket){r, number, expected};
    store_commit(write, on_done, t);
}

static struct store_write *revision(struct run *r, int64_t value)
{
    struct store_write *write = world_write(&r->world);
    store_set_revision(write, value);
    return write;
}

static void wait_for_all(struct run *r, size_t count)
{
    while (r->called < count) {
        (void)uv_run(&r->world.loop, UV_RUN_ONCE);
    }
    (void)uv_run(&r->world.loop, UV_RUN_NOWAIT);
    CHECK(r->called == count);
}

static void start(struct run *r)
{
    *r = (struct run){0};
    world_start(&r->world);
    notebook_free(world_book(&r->world));
}

static uint64_t transactions(const struct run *r)
{
    struct store_stats stats;
    store_stats(r->world.store, &stats);
    return stats.transactions;
}

static void a_thousand_writes_are_a_few_transactions_answered_in_order(void)
{
    faults_install();
    faults_slow_sync(5);
    struct run r;
    start(&r);
    uint64_t before = transactions(&r);
    for (size_t i = 0; i < WRITES; i++) {
        commit(&r, revision(&r, (int64_t)i), i, OK);
    }
    wait_for_all(&r, WRITES);
    CHECK(transactions(&r) - before <= 20);
    CHECK(transactions(&r) - before >= 1);
    struct store_stats stats;
    store_stats(r.world.store, &stats);
    CHECK(stats.pending == 0 && stats.pending_bytes == 0);
    struct store_head head = {0};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(store_find(r.world.store, a, BOOK, &head) == OK && head.revision == WRITES - 1);
    world_end(&r.world);
}

static void a_bad_write_does_not_sink_the_others(void)
{
    struct run r;
    start(&r);
    for (size_t i = 0; i < WRITES; i++) {
        struct store_write *write = revision(&r, (int64_t)i);
        if (i % 10 == 3) {
            store_delete_cell(write, SPAN("no such cell"));
        }
        commit(&r, write, i, i % 10 == 3 ? ERR_NOT_FOUND : OK);
    }
    struct store_write *write = revision(&r, 666); /* the last one: its revision must not stay */
    store_delete_cell(write, SPAN("no such cell"));
    commit(&r, write, WRITES, ERR_NOT_FOUND);
    wait_for_all(&r, WRITES + 1);
    CHECK(r.failed == WRITES / 10 + 1);
    struct store_head head = {0};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(store_find(r.world.store, a, BOOK, &head) == OK && head.revision == WRITES - 1);
    world_end(&r.world);
}

static void a_full_queue_refuses_and_has_room_again_later(void)
{
    struct run r;
    start(&r);
    r.world.queue_max = 4;
    world_reopen(&r.world);
    struct ticket refused = {&r, 0, ERR_UNAVAILABLE};
    for (int round = 0; round < 3; round++) {
        r.called = r.next = 0;
        for (size_t i = 0; i < 4; i++) {
            commit(&r, revision(&r, (int64_t)i), i, OK);
        }
        struct ticket *t = mem_alloc(sizeof *t);
        *t = refused;
        struct run other = {0}; /* its answer may come before the others' */
        t->run = &other;
        store_commit(revision(&r, 666), on_done, t);
        CHECK(other.called == 0);
        wait_for_all(&r, 4);
        CHECK(other.called == 1 && other.failed == 1);
    }
    world_end(&r.world);
}

static void a_queue_is_bounded_in_bytes_too(void)
{
    struct run r;
    start(&r);
    r.world.queue_bytes_max = LONG_NAME + 4096;
    world_reopen(&r.world);
    CLEANUP(mem_free_ptr) char *name = mem_alloc(LONG_NAME);
    memset(name, 'n', LONG_NAME);
    for (size_t i = 0; i < 2; i++) {
        struct run one = {0}, two = {0}; /* to count only */
        struct store_write *write = revision(&r, 1);
        store_rename(write, span_of(name, LONG_NAME));
        commit(&one, write, 0, OK);
        write = revision(&r, 1);
        store_rename(write, span_of(name, LONG_NAME));
        commit(&two, write, 0, ERR_UNAVAILABLE);
        while (one.called + two.called < 2) {
            (void)uv_run(&r.world.loop, UV_RUN_ONCE);
        }
    }
    world_end(&r.world);
}

static void closing_finishes_what_is_queued(void)
{
    struct run r;
    start(&r);
    for (size_t i = 0; i < WRITES; i++) {
        commit(&r, revision(&r, (int64_t)i + 1), i, OK);
    }
    world_close(&r.world); /* runs the loop to its end */
    CHECK(r.called == WRITES);
    CHECK(world_open(&r.world) == OK);
    struct store_head head = {0};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(store_find(r.world.store, a, BOOK, &head) == OK && head.revision == WRITES);
    world_end(&r.world);
}

/* --- calls while it closes, also from the callbacks --- */
struct late {
    struct world *world;
    int refused, loaded, closed;
};

static void on_late(void *data, enum err e)
{
    struct late *l = data;
    CHECK(e == ERR_UNAVAILABLE);
    l->refused++;
}

static void on_late_load(void *data, enum err e, struct notebook *n)
{
    struct late *l = data;
    CHECK(e == ERR_UNAVAILABLE && n == NULL);
    l->loaded++;
    store_commit(world_write(l->world), on_late, l);
}

static void on_first(void *data, enum err e)
{
    struct late *l = data;
    CHECK(e == OK);
    store_load(l->world->store, ALICE, BOOK, on_late_load, l);
}

static void on_closed_late(void *data)
{
    struct late *l = data;
    l->closed++;
    l->world->store = NULL;
}

static void a_closing_store_answers_unavailable(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    struct late late = {.world = &w};
    struct store *s = w.store;
    store_commit(world_write(&w), on_first, &late);
    store_close(s, on_closed_late, &late);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_head head;
    CHECK(store_find(s, a, BOOK, &head) == ERR_UNAVAILABLE);
    store_commit(world_write(&w), on_late, &late);
    CHECK(late.refused == 0);
    CHECK(uv_run(&w.loop, UV_RUN_DEFAULT) == 0);
    CHECK(late.closed && late.loaded == 1 && late.refused == 2);
    world_end(&w);
}

/* --- reads are bounded too --- */
static void on_read(void *data, enum err e, struct notebook *n)
{
    int *counts = data;
    counts[e == OK ? 0 : 1]++;
    CHECK(e == OK || e == ERR_UNAVAILABLE);
    notebook_free(n);
}

static void reads_over_the_bound_are_refused(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    w.queue_max = 3;
    world_reopen(&w);
    for (int round = 1; round <= 2; round++) {
        int counts[2] = {0};
        for (int i = 0; i < 5; i++) {
            store_load(w.store, ALICE, BOOK, on_read, counts);
        }
        while (counts[0] + counts[1] < 5) {
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        CHECK(counts[0] == 3 && counts[1] == 2);
    }
    world_end(&w);
}

static void reads_in_flight_are_answered_when_it_closes(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    int counts[2] = {0};
    for (int i = 0; i < 50; i++) {
        store_load(w.store, ALICE, BOOK, on_read, counts);
    }
    world_close(&w);
    CHECK(counts[0] == 50);
    world_end(&w);
}

/* --- a start that fails when its threads run already --- */
static void work_nothing(struct worker *w, struct list *items)
{
    while (list_take_first(items) != NULL) {
    }
}

static void finish_nothing(struct worker *w)
{
}

static void never_ended(struct worker *w)
{
    CHECK(w == NULL); /* it may not be called */
}

static void a_worker_can_be_stopped_without_the_loop(void)
{
    static const struct worker_kind kind = {"test", work_nothing, finish_nothing, never_ended};
    struct outbox outbox = {0};
    outbox_init(&outbox);
    struct worker w = {0}, never_started = {0};
    worker_init(&w, &kind, &outbox);
    worker_init(&never_started, &kind, &outbox);
    struct outbox_item item = {0};
    CHECK(worker_start(&w) == OK);
    worker_push(&w, &item);
    worker_abort(&w);
    worker_abort(&never_started);
    worker_free(&w);
    worker_free(&never_started);
    outbox_free(&outbox); /* asserts that nothing is left in it */
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_thousand_writes_are_a_few_transactions_answered_in_order),
        TEST(a_bad_write_does_not_sink_the_others),
        TEST(a_full_queue_refuses_and_has_room_again_later),
        TEST(a_queue_is_bounded_in_bytes_too),
        TEST(closing_finishes_what_is_queued),
        TEST(a_closing_store_answers_unavailable),
        TEST(a_worker_can_be_stopped_without_the_loop),
        TEST(reads_over_the_bound_are_refused),
        TEST(reads_in_flight_are_answered_when_it_closes),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

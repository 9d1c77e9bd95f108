/* Events: numbered without gaps, read by range, forgotten from the old end. */
#include <string.h>

#include "tests/unit/store/book.h"

static struct store_event event(int64_t seq, struct span json)
{
    return (struct store_event){.seq = seq, .kind = SPAN("cell_status"), .json = json};
}

/* {"n":SEQ}; the result is static. */
static struct span json_of(int64_t seq)
{
    static char json[32];
    return span_of(json, (size_t)snprintf(json, sizeof json, "{\"n\":%lld}", (long long)seq));
}

static void append_to(struct store_write *write, int64_t seq)
{
    struct store_event e = event(seq, json_of(seq));
    store_append_event(write, &e);
}

static void append_many(struct world *w, int64_t from, int64_t to)
{
    struct store_write *write = world_write(w);
    for (int64_t seq = from; seq <= to; seq++) {
        append_to(write, seq);
    }
    CHECK(world_commit(w, write) == OK);
}

static enum err trim(struct world *w, int64_t oldest)
{
    struct store_write *write = world_write(w);
    store_trim_events(write, oldest);
    return world_commit(w, write);
}

/* --- reading --- */
struct answer {
    bool done;
    enum err err;
    size_t count;
    int64_t first, oldest, seq; /* first: of the items; 0 without any */
    struct id epoch;
};

static void on_events(void *data, enum err e, const struct store_events *events)
{
    struct answer *a = data;
    CHECK(!a->done);
    *a = (struct answer){.done = true, .err = e, .count = events->count};
    a->oldest = events->oldest;
    a->seq = events->seq;
    a->epoch = events->epoch;
    a->first = events->count == 0 ? 0 : events->items[0].seq;
    for (size_t i = 0; i < events->count; i++) {
        const struct store_event *one = &events->items[i];
        CHECK(one->seq == a->first + (int64_t)i);
        CHECK(span_eq(one->json, json_of(one->seq)));
        CHECK(span_eq(one->kind, SPAN("cell_status")) && span_is_null(one->cell_id));
    }
}

static struct answer ask(struct world *w, struct span owner, int64_t since, size_t bytes)
{
    struct answer a = {0};
    struct store_range range = {
        .owner = owner, .notebook_id = BOOK, .since = since, .bytes_max = bytes};
    store_events(w->store, &range, on_events, &a);
    CHECK(!a.done);
    while (!a.done) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    return a;
}

static void every_field_of_an_event_comes_back(void *data, enum err e,
                                               const struct store_events *events)
{
    bool *done = data;
    CHECK(e == OK && events->count == 2);
    CHECK(span_eq(events->items[0].kind, SPAN(HOSTILE)));
    CHECK(span_eq(events->items[0].cell_id, SPAN("cell '1'")));
    CHECK(span_eq(events->items[0].json, SPAN(BROKEN_UTF8 "\0" HOSTILE)));
    CHECK(span_is_null(events->items[1].cell_id));
    *done = true;
}

static void the_worst_event_comes_back_byte_for_byte(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    struct store_write *write = world_write(&w);
    struct store_event worst = event(1, SPAN(BROKEN_UTF8 "\0" HOSTILE));
    worst.kind = SPAN(HOSTILE);
    worst.cell_id = SPAN("cell '1'"); /* of a cell that does not exist any more, say */
    store_append_event(write, &worst);
    append_to(write, 2);
    CHECK(world_commit(&w, write) == OK);
    bool done = false;
    struct store_range range = {.owner = ALICE, .notebook_id = BOOK, .bytes_max = 1000};
    store_events(w.store, &range, every_field_of_an_event_comes_back, &done);
    while (!done) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    n->seq = 2;
    n->events_count = 2;
    n->events_bytes = worst.json.n + json_of(2).n;
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

/* --- numbers --- */
static void only_the_next_number_is_taken(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    append_many(&w, 1, 3);
    static const int64_t wrong[] = {5, 3, 1, 0, -1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct store_write *write = world_write(&w);
        store_rename(write, SPAN("half applied"));
        append_to(write, wrong[i]);
        CHECK(world_commit(&w, write) == ERR_CONFLICT);
    }
    struct store_write *write = world_write(&w);
    append_to(write, 4);
    append_to(write, 6); /* the fourth does not stay without it */
    CHECK(world_commit(&w, write) == ERR_CONFLICT);
    n->seq = 3;
    n->events_count = 3;
    n->events_bytes = 3 * json_of(1).n;
    world_check_stored(&w, n);
    append_many(&w, 4, 4);
    world_reopen(&w);
    append_many(&w, 5, 5);
    n->seq = 5;
    n->events_count = 5;
    n->events_bytes = 5 * json_of(1).n;
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_created_notebook_goes_on_from_its_number(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = notebook_new(BOOK, ALICE);
    n->seq = 41;
    n->oldest = 42;
    CHECK(book_create(&w, n, false) == OK);
    world_check_stored(&w, n);
    struct answer a = ask(&w, ALICE, 41, 1000);
    CHECK(a.err == OK && a.count == 0 && a.oldest == 42 && a.seq == 41);
    CHECK(span_eq(id_span(&a.epoch), id_span(&n->epoch)));
    append_many(&w, 42, 42);
    a = ask(&w, ALICE, 41, 1000);
    CHECK(a.count == 1 && a.first == 42 && a.oldest == 42);
    notebook_free(n);
    world_end(&w);
}

/* --- ranges --- */

/* Of a notebook whose events 11 to 20 are kept. */
static const struct {
    const char *name;
    int64_t since;
    size_t bytes, count;
} ranges[] = {
    {"all that are kept", 10, 1000, 10},
    {"the last", 19, 1000, 1},
    {"up to date", 20, 1000, 0},
    {"in the future", 21, 1000, 0},
    {"far in the future", INT64_MAX, 1000, 0},
    {"one is gone", 9, 1000, 0},
    {"all is new to him", 0, 1000, 0},
    {"before the beginning", -1, 1000, 0},
    {"long before the beginning", INT64_MIN, 1000, 0},
    {"at least one", 10, 0, 1},
    {"one and a half", 10, 12, 1},
    {"two to the byte", 10, 16, 2},
    {"one byte short of three", 10, 23, 2},
};

static void a_range_is_what_follows_or_nothing(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    CHECK(json_of(11).n == 8);
    append_many(&w, 1, 20);
    CHECK(trim(&w, 11) == OK);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        check_case(ranges[i].name);
        struct answer a = ask(&w, ALICE, ranges[i].since, ranges[i].bytes);
        CHECK(a.err == OK && a.oldest == 11 && a.seq == 20);
        CHECK(a.count == ranges[i].count);
        CHECK(a.count == 0 || a.first == ranges[i].since + 1);
    }
    world_end(&w);
}

static void a_long_history_comes_in_thousands(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    append_many(&w, 1, 2500);
    int64_t since = 0;
    static const size_t portions[] = {1000, 1000, 500, 0};
    for (size_t i = 0; i < 4; i++) {
        struct answer a = ask(&w, ALICE, since, SIZE_MAX);
        CHECK(a.err == OK && a.count == portions[i]);
        since += (int64_t)a.count;
    }
    world_end(&w);
}

static void nobody_else_gets_any(void)
{
    struct world w;
    world_start(&w);
    struct answer a = ask(&w, ALICE, 0, 1000);
    CHECK(a.err == ERR_NOT_FOUND && a.count == 0);
    notebook_free(world_book(&w));
    struct notebook *own = notebook_new(SPAN("own"), MALLORY);
    CHECK(book_create(&w, own, false) == OK);
    notebook_free(own);
    append_many(&w, 1, 3);
    a = ask(&w, MALLORY, 0, 1000);
    CHECK(a.err == ERR_NOT_FOUND && a.count == 0 && a.seq == 0);
    CHECK(ask(&w, ALICE, 0, 1000).count == 3);
    world_end(&w);
}

/* --- forgetting --- */
static void trimming_keeps_the_newest_and_the_count(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    append_many(&w, 1, 20);
    static const int64_t cuts[] = {-5, 1, 11, 7, 21, 1000};
    static const int64_t oldest[] = {1, 1, 11, 11, 21, 21};
    n->seq = 20;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        CHECK(trim(&w, cuts[i]) == OK);
        n->oldest = oldest[i];
        n->events_count = (size_t)(20 - oldest[i] + 1);
        n->events_bytes = 0;
        for (int64_t seq = oldest[i]; seq <= 20; seq++) {
            n->events_bytes += json_of(seq).n;
        }
        world_check_stored(&w, n);
    }
    append_many(&w, 21, 21); /* numbers go on, they do not begin anew */
    notebook_free(n);
    world_end(&w);
}

static int64_t count_rows(struct world *w, const char *table)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", table);
    return world_number(w, sql);
}

static void a_deleted_notebook_takes_its_events_with_it(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    append_many(&w, 1, 20);
    struct store_write *write = world_write(&w);
    store_delete_notebook(write);
    CHECK(world_commit(&w, write) == OK);
    struct notebook *again = world_book(&w);
    world_check_stored(&w, again); /* another epoch, and no events */
    notebook_free(again);
    world_close(&w);
    CHECK(count_rows(&w, "events") == 0);
    world_end(&w);
}

static void a_history_with_a_gap_is_an_error_and_not_a_guess(void)
{
    static const char *const damages[] = {
        "DELETE FROM events WHERE seq = 5",
        "DELETE FROM events WHERE seq = 10",
        "UPDATE notebooks SET seq = 11",
        "UPDATE notebooks SET epoch = 'short'",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        check_case(damages[i]);
        struct world w;
        world_start(&w);
        notebook_free(world_book(&w));
        append_many(&w, 1, 10);
        world_close(&w);
        world_sql(&w, damages[i]);
        CHECK(world_open(&w) == OK);
        enum err e = OK;
        CHECK(world_load(&w, ALICE, &e) == NULL && e == ERR_INTERNAL);
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_worst_event_comes_back_byte_for_byte),
        TEST(only_the_next_number_is_taken),
        TEST(a_created_notebook_goes_on_from_its_number),
        TEST(a_range_is_what_follows_or_nothing),
        TEST(a_long_history_comes_in_thousands),
        TEST(nobody_else_gets_any),
        TEST(trimming_keeps_the_newest_and_the_count),
        TEST(a_deleted_notebook_takes_its_events_with_it),
        TEST(a_history_with_a_gap_is_an_error_and_not_a_guess),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

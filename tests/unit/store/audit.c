/* The trail: every row is chained to the one before, and what was tampered with is named. */
#include <string.h>

#include "base/clock.h"
#include "tests/unit/store/world.h"

static void append(struct world *w, struct span action)
{
    struct store_write *write = world_write(w);
    struct store_audit row = {.actor = {.user_id = ALICE,
                                        .session_id = SPAN("sess_1"),
                                        .address = SPAN("192.0.2.1"),
                                        .request_id = SPAN("r-1")},
                              .action = action,
                              .result = SPAN("ok"),
                              .times = 1};
    store_append_audit(write, &row);
    CHECK(world_commit(w, write) == OK);
}

struct seen {
    bool done;
    struct store_chain chain;
};

static void on_chain(void *data, enum err e, const struct store_chain *chain)
{
    struct seen *s = data;
    CHECK(e == OK && !s->done);
    *s = (struct seen){true, *chain};
}

static struct store_chain verify_from(struct world *w, struct store_chain from)
{
    struct seen s = {.chain = from};
    while (!s.chain.ended && s.chain.broken == 0) {
        s.done = false;
        store_audit_verify(w->store, &s.chain, on_chain, &s);
        while (!s.done) {
            (void)uv_run(&w->loop, UV_RUN_ONCE);
        }
    }
    return s.chain;
}

static struct store_chain verify(struct world *w)
{
    return verify_from(w, (struct store_chain){0});
}

static void an_empty_trail_is_whole(void)
{
    struct world w;
    world_start(&w);
    struct store_chain c = verify(&w);
    CHECK(c.ended && c.broken == 0 && c.last == 0);
    world_end(&w);
}

static void rows_are_numbered_and_keep_what_they_were_told(void)
{
    struct world w;
    world_start(&w);
    append(&w, SPAN("first"));
    append(&w, SPAN("second"));
    struct store_chain c = verify(&w);
    CHECK(c.ended && c.broken == 0 && c.last == 2);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM audit WHERE user_id = 'user_alice' AND"
                           " session_id = 'sess_1' AND impersonator_id IS NULL AND"
                           " address = '192.0.2.1' AND request_id = 'r-1' AND"
                           " object = 'demo-user_alice' AND result = 'ok' AND times = 1") == 2);
    CHECK(world_number(&w, "SELECT n FROM audit WHERE action = 'second'") == 2);
    world_end(&w);
}

static void a_row_shares_the_fate_of_its_write(void)
{
    struct world w;
    world_start(&w);
    struct store_write *write = world_write(&w);
    store_append_audit(
        write, &(struct store_audit){.action = SPAN("rename"), .result = SPAN("ok"), .times = 1});
    store_rename(write, SPAN("Sales")); /* there is no such notebook */
    CHECK(world_commit(&w, write) == ERR_NOT_FOUND);
    CHECK(verify(&w).last == 0);
    world_end(&w);
}

static void the_chain_goes_on_after_a_restart(void)
{
    struct world w;
    world_start(&w);
    append(&w, SPAN("a"));
    struct store_chain before = verify(&w);
    world_reopen(&w);
    append(&w, SPAN("b"));
    before.ended = false;
    struct store_chain after = verify_from(&w, before);
    CHECK(after.broken == 0 && after.last == 2);
    CHECK(memcmp(before.head, after.head, STORE_AUDIT_HASH) != 0);
    world_end(&w);
}

static void what_is_too_long_is_cut_between_characters(void)
{
    struct world w;
    world_start(&w);
    char text[2 * STORE_AUDIT_TEXT_MAX + 1];
    for (size_t i = 0; i < sizeof text - 1; i += 2) {
        text[i] = '\xc3';
        text[i + 1] = '\xa9';
    }
    struct store_write *write = world_write(&w);
    store_append_audit(write, &(struct store_audit){.action = span_of(text + 1, 300),
                                                    .object = span_of(text, 300),
                                                    .result = SPAN("a\0b"),
                                                    .times = INT64_MAX});
    CHECK(world_commit(&w, write) == OK);
    CHECK(verify(&w).last == 1);
    world_close(&w);
    CHECK(world_number(&w, "SELECT length(CAST(object AS BLOB)) FROM audit") == 256);
    CHECK(world_number(&w, "SELECT length(CAST(result AS BLOB)) FROM audit") == 3);
    world_end(&w);
}

static void every_way_of_tampering_is_named(void)
{
    static const struct {
        const char *sql;
        int64_t broken;
    } cases[] = {
        {"UPDATE audit SET action = 'nothing' WHERE n = 3", 3},
        {"UPDATE audit SET at_ms = at_ms + 1 WHERE n = 3", 3},
        {"UPDATE audit SET user_id = 'user_mallory' WHERE n = 1", 1},
        {"UPDATE audit SET user_id = NULL WHERE n = 5", 5},
        {"UPDATE audit SET impersonator_id = '' WHERE n = 2", 2},
        {"UPDATE audit SET session_id = 'sess_1r-1', request_id = NULL WHERE n = 2", 2},
        {"UPDATE audit SET times = 2 WHERE n = 4", 4},
        {"UPDATE audit SET hash = x'00' WHERE n = 4", 4},
        {"UPDATE audit SET hash = x'' WHERE n = 4", 4},
        {"UPDATE audit SET previous = x'' WHERE n = 4", 4},
        {"UPDATE audit SET hash = (SELECT hash FROM audit WHERE n = 3) WHERE n = 4", 4},
        {"UPDATE audit SET previous = zeroblob(32) WHERE n = 4", 4},
        {"UPDATE audit SET action = hex(zeroblob(100000)) WHERE n = 4", 4},
        {"DELETE FROM audit WHERE n = 3", 4},
        {"DELETE FROM audit WHERE n = 3; UPDATE audit SET n = n - 1 WHERE n > 3", 3},
        {"UPDATE audit SET n = 9 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 4;"
         "UPDATE audit SET n = 4 WHERE n = 9",
         3},
        {"INSERT INTO audit SELECT 6, at_ms, user_id, session_id, impersonator_id, address,"
         " request_id, action, object, result, times, previous, hash FROM audit WHERE n = 5",
         6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].sql);
        struct world w;
        world_start(&w);
        for (int k = 0; k < 5; k++) {
            append(&w, SPAN("act"));
        }
        world_close(&w);
        world_sql(&w, cases[i].sql);
        CHECK(world_open(&w) == OK);
        struct store_chain c = verify(&w);
        CHECK(c.broken == cases[i].broken && c.last < c.broken);
        world_end(&w);
    }
}

/* What a chain alone cannot show, its head does. */
static void an_end_that_was_made_anew_does_not_fit_the_head(void)
{
    struct world w;
    world_start(&w);
    append(&w, SPAN("a"));
    append(&w, SPAN("b"));
    struct store_chain kept = verify(&w);
    world_close(&w);
    world_sql(&w, "DELETE FROM audit WHERE n = 2");
    CHECK(world_open(&w) == OK);
    append(&w, SPAN("forged"));
    append(&w, SPAN("c"));
    CHECK(verify(&w).broken == 0);
    kept.ended = false;
    CHECK(verify_from(&w, kept).broken == 3);
    world_end(&w);
}

static void sweep(struct world *w, int64_t audit_before_ms)
{
    size_t purged = 0;
    struct store_write *write = store_write_new(w->store, SPAN_NULL, SPAN_NULL);
    store_sweep(write, &(struct store_sweep){.audit_before_ms = audit_before_ms}, &purged);
    CHECK(world_commit(w, write) == OK);
}

static void old_rows_go_from_the_front_and_the_chain_goes_on(void)
{
    struct world w;
    world_start(&w);
    for (int k = 0; k < 6; k++) {
        append(&w, SPAN("act"));
    }
    world_close(&w);
    world_sql(&w, "UPDATE audit SET at_ms = 5 WHERE n <= 3"); /* breaks them, but they go */
    CHECK(world_open(&w) == OK);
    sweep(&w, 5);
    CHECK(verify(&w).broken == 1);
    sweep(&w, 6);
    struct store_chain c = verify(&w);
    CHECK(c.broken == 0 && c.last == 6);
    sweep(&w, INT64_MAX); /* all but the newest */
    append(&w, SPAN("act"));
    c = verify(&w);
    CHECK(c.broken == 0 && c.last == 7);
    world_close(&w);
    CHECK(world_number(&w, "SELECT MIN(n) FROM audit") == 6);
    world_end(&w);
}

static void a_long_trail_is_looked_at_in_parts(void)
{
    enum { ROWS = 12000 };
    struct world w;
    world_start(&w);
    struct store_write *write = world_write(&w);
    for (int k = 0; k < ROWS; k++) {
        store_append_audit(
            write, &(struct store_audit){.action = SPAN("act"), .result = SPAN("ok"), .times = 1});
    }
    uint64_t start = clock_mono_us();
    CHECK(world_commit(&w, write) == OK);
    fprintf(stderr, "# %.2f us a row to write\n", (double)(clock_mono_us() - start) / ROWS);
    start = clock_mono_us();
    struct store_chain c = verify(&w);
    fprintf(stderr, "# %.2f us a row to verify\n", (double)(clock_mono_us() - start) / ROWS);
    CHECK(c.ended && c.broken == 0 && c.last == ROWS);
    world_close(&w);
    world_sql(&w, "UPDATE audit SET result = 'no' WHERE n = 10001");
    CHECK(world_open(&w) == OK);
    CHECK(verify(&w).broken == 10001);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(an_empty_trail_is_whole),
        TEST(rows_are_numbered_and_keep_what_they_were_told),
        TEST(a_row_shares_the_fate_of_its_write),
        TEST(the_chain_goes_on_after_a_restart),
        TEST(what_is_too_long_is_cut_between_characters),
        TEST(every_way_of_tampering_is_named),
        TEST(an_end_that_was_made_anew_does_not_fit_the_head),
        TEST(old_rows_go_from_the_front_and_the_chain_goes_on),
        TEST(a_long_trail_is_looked_at_in_parts),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

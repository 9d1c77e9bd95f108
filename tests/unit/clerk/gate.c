/* When the Backend API may be asked. */
#include "clerk/gate.h"

#include "tests/unit/check.h"

static void fail(struct gate *g, int times, int64_t now)
{
    for (int i = 0; i < times; i++) {
        gate_ended(g, gate_pass(g), false, now);
    }
}

static void a_new_gate_is_open(void)
{
    struct gate g = {0};
    CHECK(gate_state(&g, 0) == GATE_OPEN && !gate_pass(&g));
}

static void five_failures_in_a_row_shut_it(void)
{
    struct gate g = {0};
    fail(&g, 4, 0);
    CHECK(gate_state(&g, 0) == GATE_OPEN);
    gate_ended(&g, gate_pass(&g), true, 0); /* in a row */
    fail(&g, 4, 0);
    CHECK(gate_state(&g, 0) == GATE_OPEN);
    fail(&g, 1, 1000);
    CHECK(gate_state(&g, 1000) == GATE_SHUT && gate_state(&g, 10999) == GATE_SHUT);
    CHECK(gate_state(&g, 11000) == GATE_OPEN);
}

static void one_probe_at_a_time_decides(void)
{
    struct gate g = {0};
    fail(&g, 5, 0);
    CHECK(gate_state(&g, 10000) == GATE_OPEN);
    CHECK(gate_pass(&g));
    CHECK(gate_state(&g, 10000) == GATE_SHUT && gate_state(&g, 99999) == GATE_SHUT);
    gate_ended(&g, true, true, 10500);
    CHECK(gate_state(&g, 10500) == GATE_OPEN && !gate_pass(&g));
    fail(&g, 4, 10500); /* it starts from nothing */
    CHECK(gate_state(&g, 10500) == GATE_OPEN);
}

static void each_failed_probe_doubles_the_rest_up_to_5_minutes(void)
{
    static const int64_t waits[] = {10000, 20000, 40000, 80000, 160000, 300000, 300000, 300000};
    struct gate g = {0};
    int64_t now = 0;
    fail(&g, 5, now);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        CHECK(gate_state(&g, now + waits[i] - 1) == GATE_SHUT);
        now += waits[i];
        CHECK(gate_state(&g, now) == GATE_OPEN);
        fail(&g, 1, now);
    }
    for (int i = 0; i < 1000; i++) { /* no overflow */
        now += 300000;
        CHECK(gate_state(&g, now) == GATE_OPEN);
        fail(&g, 1, now);
        CHECK(gate_state(&g, now + 299999) == GATE_SHUT);
    }
}

/* Thirty were under way when the server went down. */
static void late_failures_do_not_prolong_the_rest(void)
{
    struct gate g = {0};
    for (int i = 0; i < 30; i++) {
        CHECK(!gate_pass(&g));
    }
    for (int i = 0; i < 30; i++) {
        gate_ended(&g, false, false, (int64_t)100 * i);
    }
    CHECK(gate_state(&g, 10399) == GATE_SHUT && gate_state(&g, 10400) == GATE_OPEN);
}

static void a_late_answer_opens_it(void)
{
    struct gate g = {0};
    fail(&g, 5, 0);
    gate_ended(&g, false, true, 10);
    CHECK(gate_state(&g, 10) == GATE_OPEN);
}

static void a_canceled_probe_lets_another_one_through(void)
{
    struct gate g = {0};
    fail(&g, 5, 0);
    CHECK(gate_pass(&g) && gate_state(&g, 20000) == GATE_SHUT);
    gate_dropped(&g, true);
    CHECK(gate_state(&g, 20000) == GATE_OPEN);
    CHECK(gate_pass(&g));
    gate_dropped(&g, false); /* somebody else's end is not the probe's */
    CHECK(gate_state(&g, 20000) == GATE_SHUT);
}

static void the_server_is_left_alone_for_as_long_as_it_wants(void)
{
    static const struct {
        int64_t seconds, ms;
    } cases[] = {{7, 7000},     {0, 1000},           {-5, 1000},       {300, 300000},
                 {301, 300000}, {INT64_MAX, 300000}, {INT64_MIN, 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate g = {0};
        gate_limit(&g, cases[i].seconds, 500);
        CHECK(gate_state(&g, 500 + cases[i].ms - 1) == GATE_LIMITED);
        CHECK(gate_state(&g, 500 + cases[i].ms) == GATE_OPEN);
    }
    struct gate g = {0};
    gate_limit(&g, 10, 0);
    gate_limit(&g, 2, 0); /* the longer one counts */
    CHECK(gate_state(&g, 9999) == GATE_LIMITED && gate_state(&g, 10000) == GATE_OPEN);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_new_gate_is_open),
        TEST(five_failures_in_a_row_shut_it),
        TEST(one_probe_at_a_time_decides),
        TEST(each_failed_probe_doubles_the_rest_up_to_5_minutes),
        TEST(late_failures_do_not_prolong_the_rest),
        TEST(a_late_answer_opens_it),
        TEST(a_canceled_probe_lets_another_one_through),
        TEST(the_server_is_left_alone_for_as_long_as_it_wants),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

#include "server/rates.h"

#include "base/mem.h"
#include "tests/unit/check.h"

#define SECOND UINT64_C(1000000)

static const struct rate limits[RATE_KINDS] = {
    [RATE_REQUESTS] = {.per_s = 2, .burst = 3},
    [RATE_MESSAGES] = {.per_s = 10, .burst = 1},
    [RATE_RUNS] = {.per_s = 0.5, .burst = 1},
};

/* One user, one bucket, in this order; times in milliseconds. */
static void a_bucket_holds_its_burst_and_fills_at_its_rate(void)
{
    static const struct {
        const char *name;
        uint64_t at_ms;
        enum rate_kind kind;
        unsigned wait_s;
    } steps[] = {
        {"first of three", 1000, RATE_REQUESTS, 0},
        {"second", 1000, RATE_REQUESTS, 0},
        {"third", 1000, RATE_REQUESTS, 0},
        {"nothing is left, one comes in half a second", 1000, RATE_REQUESTS, 1},
        {"asking costs nothing", 1400, RATE_REQUESTS, 1},
        {"half a second later", 1500, RATE_REQUESTS, 0},
        {"and only one", 1500, RATE_REQUESTS, 1},
        {"another kind is another bucket", 1500, RATE_RUNS, 0},
        {"a slow one says how long", 1500, RATE_RUNS, 3},
        {"not yet", 3000, RATE_RUNS, 1},
        {"after two seconds", 3501, RATE_RUNS, 0},
        {"a long pause fills no more than the burst: one", 900000, RATE_REQUESTS, 0},
        {"two", 900000, RATE_REQUESTS, 0},
        {"three", 900000, RATE_REQUESTS, 0},
        {"no fourth", 900000, RATE_REQUESTS, 1},
        {"a clock that goes back gives nothing", 1000, RATE_REQUESTS, 1},
    };
    struct rates *r = rates_new(limits);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        check_case(steps[i].name);
        CHECK(rates_take(r, steps[i].kind, SPAN("user_a"), steps[i].at_ms * 1000) ==
              steps[i].wait_s);
    }
    rates_free(r);
}

static void who_waits_as_told_finds_one(void)
{
    struct rates *r = rates_new(limits);
    uint64_t now_us = SECOND;
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), now_us) == 0);
    unsigned wait_s = rates_take(r, RATE_RUNS, SPAN("user_a"), now_us);
    CHECK(wait_s > 0);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), now_us + wait_s * SECOND) == 0);
    rates_free(r);
}

static void users_do_not_take_from_each_other(void)
{
    struct rates *r = rates_new(limits);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), SECOND) == 0);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), SECOND) > 0);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_b"), SECOND) == 0);
    CHECK(rates_users(r) == 2);
    rates_free(r);
}

static void a_sweep_forgets_those_whose_buckets_are_full(void)
{
    struct rates *r = rates_new(limits);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), SECOND) == 0);
    CHECK(rates_take(r, RATE_MESSAGES, SPAN("user_b"), SECOND) == 0);
    rates_sweep(r, SECOND + SECOND / 2);
    CHECK(rates_users(r) == 1);
    CHECK(rates_take(r, RATE_RUNS, SPAN("user_a"), 2 * SECOND) > 0);
    rates_sweep(r, 4 * SECOND);
    CHECK(rates_users(r) == 0);
    rates_free(r);
}

static unsigned take_as(struct rates *r, size_t number, uint64_t now_us)
{
    char user[32];
    int n = snprintf(user, sizeof user, "user_%zu", number);
    return rates_take(r, RATE_RUNS, span_of(user, (size_t)n), now_us);
}

static void newcomers_beyond_the_limit_share_one_account(void)
{
    struct rates *r = rates_new(limits);
    for (size_t i = 0; i < RATES_USERS_MAX; i++) {
        (void)take_as(r, i, SECOND);
    }
    CHECK(rates_users(r) == RATES_USERS_MAX);
    CHECK(take_as(r, RATES_USERS_MAX, SECOND) == 0);
    CHECK(take_as(r, RATES_USERS_MAX + 1, SECOND) > 0);
    CHECK(rates_users(r) == RATES_USERS_MAX);
    CHECK(take_as(r, 0, SECOND) > 0);                         /* who was there keeps their own */
    CHECK(take_as(r, RATES_USERS_MAX + 2, 10 * SECOND) == 0); /* full ones made room */
    CHECK(rates_users(r) == 1);
    rates_free(r);
}

static void without_limits_everything_is_allowed(void)
{
    for (int i = 0; i < 1000; i++) {
        CHECK(rates_take(NULL, RATE_RUNS, SPAN("user_a"), SECOND) == 0);
    }
    rates_sweep(NULL, SECOND);
    rates_free(NULL);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_bucket_holds_its_burst_and_fills_at_its_rate),
        TEST(who_waits_as_told_finds_one),
        TEST(users_do_not_take_from_each_other),
        TEST(a_sweep_forgets_those_whose_buckets_are_full),
        TEST(newcomers_beyond_the_limit_share_one_account),
        TEST(without_limits_everything_is_allowed),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

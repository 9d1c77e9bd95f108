#include "base/clock.h"

#include <time.h>

#include "tests/unit/check.h"

static void the_wall_clock_is_the_systems(void)
{
    time_t before = time(NULL);
    int64_t ms = clock_unix_ms();
    CHECK(ms >= (int64_t)(before - 1) * 1000 && ms <= (int64_t)(time(NULL) + 1) * 1000);
}

static void the_monotonic_clock_counts_microseconds(void)
{
    uint64_t before = clock_mono_us();
    struct timespec pause = {.tv_nsec = 20000000};
    CHECK(nanosleep(&pause, NULL) == 0);
    uint64_t passed = clock_mono_us() - before;
    CHECK(passed >= 20000 && passed < 5000000);
}

static const struct {
    int64_t ms;
    const char *text;
} cases[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {1582934399999, "2020-02-28T23:59:59.999Z"},
    {1798761599987, "2026-12-31T23:59:59.987Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z"},
    {CLOCK_MAX_MS, "9999-12-31T23:59:59.999Z"},
    {CLOCK_MAX_MS + 1, "9999-12-31T23:59:59.999Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    {-1, "1970-01-01T00:00:00.000Z"},
    {INT64_MIN, "1970-01-01T00:00:00.000Z"},
};

static void times_are_written_as_rfc_3339(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CLOCK_RFC3339_SIZE];
        check_case(cases[i].text);
        struct span s = clock_rfc3339(cases[i].ms, out);
        CHECK(s.p == out && s.n == CLOCK_RFC3339_SIZE - 1);
        CHECK(strcmp(out, cases[i].text) == 0);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_wall_clock_is_the_systems),
        TEST(the_monotonic_clock_counts_microseconds),
        TEST(times_are_written_as_rfc_3339),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

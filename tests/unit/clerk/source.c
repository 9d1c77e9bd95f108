#include "clerk/source.h"

#include "tests/unit/check.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Times in seconds: fresh for 300, stale for 3600 more, cool-down 10. */
static struct source new_source(void)
{
    struct source s;
    source_init(&s, &(struct source_policy){300000, 3600000, 10000}, 0);
    return s;
}

enum step_kind {
    ASK,   /* somebody lacks a key; when told to fetch, the fetch starts */
    DUE,   /* a request comes by and looks whether a refresh is due; if so, it starts */
    GOOD,  /* the fetch under way ends well */
    BAD,   /* or badly */
    EMPTY, /* the state is ... */
    FRESH,
    STALE,
};

struct step {
    int64_t at_s;
    enum step_kind kind;
    int expect; /* of ASK the advice, of DUE 0 or 1 */
};

static int do_ask(struct source *s, int64_t now)
{
    enum source_advice advice = source_ask(s, now);
    if (advice == SOURCE_FETCH) {
        source_started(s);
    }
    return (int)advice;
}

static int do_due(struct source *s, int64_t now)
{
    bool due = source_is_due(s, now);
    if (due) {
        source_started(s);
    }
    return due;
}

static void play(const struct step *steps, size_t count)
{
    struct source s = new_source();
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int64_t now = steps[i].at_s * 1000;
        (void)snprintf(name, sizeof name, "step %zu", i);
        check_case(name);
        switch (steps[i].kind) {
        case ASK:
            CHECK(do_ask(&s, now) == steps[i].expect);
            break;
        case DUE:
            CHECK(do_due(&s, now) == steps[i].expect);
            break;
        case GOOD:
            source_ended(&s, true, now);
            break;
        case BAD:
            source_ended(&s, false, now);
            break;
        case EMPTY:
            CHECK(source_state(&s, now) == SOURCE_EMPTY);
            break;
        case FRESH:
            CHECK(source_state(&s, now) == SOURCE_FRESH);
            break;
        case STALE:
            CHECK(source_state(&s, now) == SOURCE_STALE);
            break;
        }
    }
}

static void a_cold_start_fetches_once_for_all(void)
{
    static const struct step steps[] = {
        {0, EMPTY, 0},          {0, DUE, 0},
        {0, ASK, SOURCE_FETCH}, {0, ASK, SOURCE_JOIN},
        {1, ASK, SOURCE_JOIN},  {2, ASK, SOURCE_JOIN},
        {2, EMPTY, 0},          {2, GOOD, 0},
        {2, FRESH, 0},          {2, ASK, SOURCE_SETTLED},
    };
    play(steps, COUNT(steps));
}

static void unknown_keys_fetch_once_per_cool_down(void)
{
    static const struct step steps[] = {
        {0, ASK, SOURCE_FETCH},
        {0, GOOD, 0},
        {1, ASK, SOURCE_SETTLED},
        {9, ASK, SOURCE_SETTLED},
        {10, ASK, SOURCE_FETCH},
        {10, ASK, SOURCE_JOIN},
        {11, GOOD, 0},
        {11, ASK, SOURCE_SETTLED},
        {20, ASK, SOURCE_SETTLED},
        {21, ASK, SOURCE_FETCH},
    };
    play(steps, COUNT(steps));
}

static void stale_keys_are_refreshed_while_they_serve(void)
{
    static const struct step steps[] = {
        {0, ASK, SOURCE_FETCH}, {0, GOOD, 0},  {299, FRESH, 0}, {299, DUE, 0},  {300, STALE, 0},
        {300, DUE, 1},          {300, DUE, 0}, {301, DUE, 0},   {301, GOOD, 0}, {301, FRESH, 0},
        {600, FRESH, 0},        {600, DUE, 0}, {601, DUE, 1},
    };
    play(steps, COUNT(steps));
}

static void an_outage_is_bridged_and_then_ends(void)
{
    static const struct step steps[] = {
        {0, ASK, SOURCE_FETCH},
        {0, GOOD, 0},
        {300, DUE, 1},
        {305, BAD, 0},
        {305, STALE, 0},
        {305, DUE, 0},
        {306, DUE, 1},
        {306, BAD, 0},
        {307, DUE, 0},
        {308, DUE, 1},
        {308, BAD, 0},
        {3000, DUE, 1},
        {3000, BAD, 0},
        {3899, STALE, 0},
        {3900, EMPTY, 0},
        {3900, DUE, 0},
        {3900, ASK, SOURCE_FETCH},
        {3901, GOOD, 0},
        {3901, FRESH, 0},
    };
    play(steps, COUNT(steps));
}

static void failures_back_off_up_to_the_cool_down(void)
{
    static const struct step steps[] = {
        {0, ASK, SOURCE_FETCH},
        {0, BAD, 0},
        {0, ASK, SOURCE_SETTLED},
        {1, ASK, SOURCE_FETCH},
        {1, BAD, 0},
        {2, ASK, SOURCE_SETTLED},
        {3, ASK, SOURCE_FETCH},
        {3, BAD, 0},
        {6, ASK, SOURCE_SETTLED},
        {7, ASK, SOURCE_FETCH},
        {7, BAD, 0},
        {14, ASK, SOURCE_SETTLED},
        {15, ASK, SOURCE_FETCH},
        {15, BAD, 0},
        {24, ASK, SOURCE_SETTLED},
        {25, ASK, SOURCE_FETCH},
        {25, BAD, 0},
        {34, ASK, SOURCE_SETTLED},
        {35, ASK, SOURCE_FETCH},
        {35, EMPTY, 0},
        {35, GOOD, 0},
        {35, FRESH, 0},
        {44, ASK, SOURCE_SETTLED},
        {45, ASK, SOURCE_FETCH},
        {45, BAD, 0},
        {46, ASK, SOURCE_FETCH},
    };
    play(steps, COUNT(steps));
}

static void a_failed_refresh_leaves_fresh_keys_fresh(void)
{
    static const struct step steps[] = {
        {0, ASK, SOURCE_FETCH}, {0, GOOD, 0},    {10, ASK, SOURCE_FETCH}, {11, BAD, 0},
        {11, FRESH, 0},         {299, FRESH, 0}, {300, STALE, 0},
    };
    play(steps, COUNT(steps));
}

static void a_thousand_failures_do_not_overflow(void)
{
    struct source s = new_source();
    int64_t now = 0;
    for (int i = 0; i < 1000; i++) {
        CHECK(do_ask(&s, now) == SOURCE_FETCH);
        source_ended(&s, false, now);
        CHECK(do_ask(&s, now) == SOURCE_SETTLED);
        now += 10000;
    }
}

static void two_hundred_unknown_kids_in_20_s_fetch_twice(void)
{
    struct source s = new_source();
    int fetches = 0;
    for (int64_t now = 0; now < 20000; now += 100) {
        if (do_ask(&s, now) == SOURCE_FETCH) {
            fetches++;
            source_ended(&s, true, now);
        }
    }
    CHECK(fetches == 2);
    CHECK(do_ask(&s, 20000) == SOURCE_FETCH);
}

static void without_a_stale_time_keys_end_with_their_ttl(void)
{
    struct source s;
    source_init(&s, &(struct source_policy){300000, 0, 10000}, 0);
    source_started(&s);
    source_ended(&s, true, 0);
    CHECK(source_state(&s, 299999) == SOURCE_FRESH);
    CHECK(source_state(&s, 300000) == SOURCE_EMPTY);
    CHECK(!source_is_due(&s, 300000));
    CHECK(source_ask(&s, 300000) == SOURCE_FETCH);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_cold_start_fetches_once_for_all),
        TEST(unknown_keys_fetch_once_per_cool_down),
        TEST(stale_keys_are_refreshed_while_they_serve),
        TEST(an_outage_is_bridged_and_then_ends),
        TEST(failures_back_off_up_to_the_cool_down),
        TEST(a_failed_refresh_leaves_fresh_keys_fresh),
        TEST(a_thousand_failures_do_not_overflow),
        TEST(two_hundred_unknown_kids_in_20_s_fetch_twice),
        TEST(without_a_stale_time_keys_end_with_their_ttl),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}

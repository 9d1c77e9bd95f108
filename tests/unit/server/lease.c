#include "server/lease.h"

#include "tests/unit/check.h"

#define EXPIRES INT64_C(100000)
#define GRACE INT64_C(60000)

struct look {
    const char *name;
    int64_t at_ms;
    enum lease_news news;
    int64_t in_s;
};

static void follow(struct lease *l, const struct look *looks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t in_s = -1;
        check_case(looks[i].name);
        CHECK(lease_look(l, looks[i].at_ms, &in_s) == looks[i].news);
        CHECK(looks[i].news != LEASE_EXPIRING || in_s == looks[i].in_s);
    }
}

#define FOLLOW(lease, looks) follow(lease, looks, sizeof(looks) / sizeof *(looks))

static void a_client_is_warned_before_the_end_and_at_it_and_then_it_is_over(void)
{
    static const struct look looks[] = {
        {"long before", 0, LEASE_NO_NEWS, 0},
        {"a moment before the warning", EXPIRES - LEASE_WARN_MS - 1, LEASE_NO_NEWS, 0},
        {"the warning", EXPIRES - LEASE_WARN_MS, LEASE_EXPIRING, 15},
        {"only once", EXPIRES - LEASE_WARN_MS + 1000, LEASE_NO_NEWS, 0},
        {"a moment before the end", EXPIRES - 1, LEASE_NO_NEWS, 0},
        {"the end", EXPIRES, LEASE_EXPIRING, 0},
        {"once too", EXPIRES + 1, LEASE_NO_NEWS, 0},
        {"a moment before the grace ends", EXPIRES + GRACE - 1, LEASE_NO_NEWS, 0},
        {"over", EXPIRES + GRACE, LEASE_OVER, 0},
        {"and over", EXPIRES + GRACE + 5000, LEASE_OVER, 0},
    };
    struct lease l = {.expires_ms = EXPIRES, .grace_ms = GRACE};
    FOLLOW(&l, looks);
}

static void a_late_look_tells_what_is_so_by_then(void)
{
    static const struct look soon[] = {{"2.1 s are left", EXPIRES - 2100, LEASE_EXPIRING, 3}};
    static const struct look ended[] = {{"it has ended", EXPIRES + 10, LEASE_EXPIRING, 0},
                                        {"the warning is past", EXPIRES + 20, LEASE_NO_NEWS, 0}};
    static const struct look over[] = {{"over", EXPIRES + GRACE, LEASE_OVER, 0}};
    struct lease l = {.expires_ms = EXPIRES, .grace_ms = GRACE};
    FOLLOW(&l, soon);
    l = (struct lease){.expires_ms = EXPIRES, .grace_ms = GRACE};
    FOLLOW(&l, ended);
    l = (struct lease){.expires_ms = EXPIRES, .grace_ms = GRACE};
    FOLLOW(&l, over);
}

static void a_renewal_begins_anew(void)
{
    static const struct look before[] = {{"the warning", EXPIRES - 5000, LEASE_EXPIRING, 5},
                                         {"the end", EXPIRES, LEASE_EXPIRING, 0}};
    static const struct look after[] = {
        {"renewed", EXPIRES + 1, LEASE_NO_NEWS, 0},
        {"the next warning", 2 * EXPIRES - 15000, LEASE_EXPIRING, 15},
        {"the next end", 2 * EXPIRES, LEASE_EXPIRING, 0}};
    struct lease l = {.expires_ms = EXPIRES, .grace_ms = GRACE};
    FOLLOW(&l, before);
    CHECK(lease_is_expired(&l, EXPIRES));
    lease_renew(&l, 2 * EXPIRES);
    CHECK(!lease_is_expired(&l, EXPIRES));
    FOLLOW(&l, after);
}

static void an_earlier_token_shortens_nothing(void)
{
    static const struct look looks[] = {{"the warning", EXPIRES - 1000, LEASE_EXPIRING, 1},
                                        {"no second one", EXPIRES - 500, LEASE_NO_NEWS, 0}};
    struct lease l = {.expires_ms = EXPIRES, .grace_ms = GRACE};
    lease_renew(&l, EXPIRES - 50000);
    CHECK(l.expires_ms == EXPIRES);
    FOLLOW(&l, looks);
    lease_renew(&l, EXPIRES);
    CHECK(l.told == LEASE_TOLD_SOON);
}

static void without_grace_the_end_is_the_end(void)
{
    static const struct look looks[] = {{"over at once", EXPIRES, LEASE_OVER, 0}};
    struct lease l = {.expires_ms = EXPIRES};
    FOLLOW(&l, looks);
}

static void a_quiet_one_is_never_warned(void)
{
    static const struct look looks[] = {{"before", EXPIRES - 1000, LEASE_NO_NEWS, 0},
                                        {"over", EXPIRES, LEASE_OVER, 0}};
    struct lease l = {.expires_ms = EXPIRES, .quiet = true};
    FOLLOW(&l, looks);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_client_is_warned_before_the_end_and_at_it_and_then_it_is_over),
        TEST(a_late_look_tells_what_is_so_by_then),
        TEST(a_renewal_begins_anew),
        TEST(an_earlier_token_shortens_nothing),
        TEST(without_grace_the_end_is_the_end),
        TEST(a_quiet_one_is_never_warned),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* Who is refused: by session, by user, until a time, and not a moment longer. */
#include "revoked.h"

#include "tests/unit/check.h"

static struct clerk_identity identity(const char *user, const char *session)
{
    return (struct clerk_identity){.user_id = span_str(user), .session_id = span_str(session)};
}

static bool has(const struct revoked *r, const char *user, const char *session, int64_t now_ms)
{
    struct clerk_identity who = identity(user, session);
    return revoked_has(r, &who, now_ms);
}

static void nobody_is_refused_at_first(void)
{
    struct revoked r = {0};
    CHECK(!has(&r, "user_a", "sess_a", 0));
    CHECK(!has(&r, "user_a", NULL, 0));
    CHECK(revoked_count(&r) == 0);
    revoked_sweep(&r, 0);
    revoked_free(&r);
}

static void a_session_is_refused_and_the_users_others_are_not(void)
{
    struct revoked r = {0};
    revoked_set(&r, false, SPAN("sess_a"), 100);
    CHECK(has(&r, "user_a", "sess_a", 99));
    CHECK(!has(&r, "user_a", "sess_b", 99));
    CHECK(!has(&r, "user_a", NULL, 99));
    CHECK(!has(&r, "sess_a", "user_a", 99)); /* not the other way round */
    CHECK(!has(&r, "user_a", "sess_a", 100));
    revoked_free(&r);
}

static void a_user_is_refused_with_any_session_or_none(void)
{
    struct revoked r = {0};
    revoked_set(&r, true, SPAN("user_a"), INT64_MAX);
    CHECK(has(&r, "user_a", "sess_a", 99));
    CHECK(has(&r, "user_a", NULL, 99));
    CHECK(!has(&r, "user_b", "sess_a", 99));
    revoked_free(&r);
}

static void the_last_word_counts(void)
{
    struct revoked r = {0};
    revoked_set(&r, true, SPAN("user_a"), 200);
    revoked_set(&r, true, SPAN("user_a"), 100);
    CHECK(!has(&r, "user_a", NULL, 150));
    revoked_set(&r, true, SPAN("user_a"), 300);
    CHECK(has(&r, "user_a", NULL, 150) && revoked_count(&r) == 1);
    revoked_set(&r, true, SPAN("user_a"), 0);
    revoked_set(&r, true, SPAN("user_a"), 0);
    CHECK(!has(&r, "user_a", NULL, 150) && revoked_count(&r) == 0);
    revoked_free(&r);
}

static void what_is_over_is_forgotten_and_the_rest_is_not(void)
{
    struct revoked r = {0};
    char id[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "sess_%d", i);
        revoked_set(&r, false, span_str(id), i + 1);
        revoked_set(&r, true, span_str(id), i + 1);
    }
    CHECK(revoked_count(&r) == 2000);
    revoked_sweep(&r, 400);
    CHECK(revoked_count(&r) == 1200);
    CHECK(!has(&r, "x", "sess_399", 0) && has(&r, "x", "sess_400", 0));
    CHECK(has(&r, "sess_999", NULL, 0));
    revoked_sweep(&r, 1000);
    CHECK(revoked_count(&r) == 0);
    revoked_free(&r);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(nobody_is_refused_at_first),
        TEST(a_session_is_refused_and_the_users_others_are_not),
        TEST(a_user_is_refused_with_any_session_or_none),
        TEST(the_last_word_counts),
        TEST(what_is_over_is_forgotten_and_the_rest_is_not),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

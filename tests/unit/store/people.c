/* What the sign-in service tells: once each, in its own order, whatever the order of arrival. */
#include "base/clock.h"
#include "tests/unit/store/world.h"

#define BOB SPAN("user_bob")
#define ORG SPAN("org_a")

static unsigned message_count;

/* A message of its own, from nobody in particular. */
static struct store_webhook message(enum store_webhook_kind kind, int64_t order_ms)
{
    static char ids[1000][16];
    char *id = ids[message_count];
    (void)snprintf(id, sizeof ids[0], "msg_%u", message_count++);
    return (struct store_webhook){
        .kind = kind, .message_id = span_str(id), .type = SPAN("a.type"), .order_ms = order_ms};
}

static struct store_effect tell(struct world *w, const struct store_webhook *m)
{
    struct store_effect effect = {.outcome = STORE_STALE, .refused_until_ms = -1};
    struct store_write *write = store_write_new(w->store, SPAN_NULL, SPAN_NULL);
    store_webhook_apply(write, m, &effect);
    CHECK(world_commit(w, write) == OK);
    return effect;
}

static enum store_outcome tell_user(struct world *w, struct span email, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_USER, order_ms);
    m.user = (struct store_profile){.id = ALICE, .email = email};
    return tell(w, &m).outcome;
}

static enum store_outcome tell_deleted(struct world *w, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_USER_DELETED, order_ms);
    m.user.id = ALICE;
    return tell(w, &m).outcome;
}

static void check_email(struct world *w, struct span expected)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_profile p;
    CHECK(store_user(w->store, a, ALICE, &p) == OK);
    CHECK(span_eq(p.email, expected) && span_is_null(p.email) == span_is_null(expected));
}

static bool is_known(struct world *w, struct span id)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_profile p;
    enum err e = store_user(w->store, a, id, &p);
    CHECK(e == OK || e == ERR_NOT_FOUND);
    return e == OK;
}

/* Until when; 0 when not refused. */
static int64_t refused_until(struct world *w, bool of_user, struct span subject)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_revocations all;
    int64_t until = 0;
    CHECK(store_revocations(w->store, a, clock_unix_ms(), &all) == OK);
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].of_user == of_user && span_eq(all.items[i].subject, subject)) {
            until = all.items[i].until_ms;
        }
    }
    return until;
}

/* --- users --- */
static void a_profile_is_stored_with_all_it_says(void)
{
    struct world w;
    world_start(&w);
    struct store_webhook m = message(STORE_WEBHOOK_USER, 1000);
    m.user = (struct store_profile){.id = ALICE,
                                    .email = SPAN("a@example.com"),
                                    .first_name = SPAN("Al\xc3\xa9"),
                                    .last_name = SPAN("'; DROP TABLE users; --"),
                                    .username = SPAN(""),
                                    .image_url = SPAN("https://img.example/a")};
    CHECK(tell(&w, &m).outcome == STORE_APPLIED);
    world_reopen(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_profile p;
    CHECK(store_user(w.store, a, ALICE, &p) == OK);
    CHECK(span_eq(p.id, ALICE) && span_eq(p.email, m.user.email));
    CHECK(span_eq(p.first_name, m.user.first_name) && span_eq(p.last_name, m.user.last_name));
    CHECK(!span_is_null(p.username) && p.username.n == 0);
    CHECK(span_eq(p.image_url, m.user.image_url));
    CHECK(!p.banned && !p.locked && p.updated_ms == 1000);
    CHECK(store_user(w.store, a, BOB, &p) == ERR_NOT_FOUND);
    world_end(&w);
}

static void a_message_has_its_effect_once(void)
{
    struct world w;
    world_start(&w);
    struct store_webhook m = message(STORE_WEBHOOK_USER, 1000);
    m.user = (struct store_profile){.id = ALICE, .email = SPAN("a@example.com")};
    CHECK(tell(&w, &m).outcome == STORE_APPLIED);
    CHECK(tell(&w, &m).outcome == STORE_DUPLICATE);
    m.order_ms = 2000; /* it is the id that counts */
    m.user.banned = true;
    CHECK(tell(&w, &m).outcome == STORE_DUPLICATE);
    world_reopen(&w);
    CHECK(tell(&w, &m).outcome == STORE_DUPLICATE);
    CHECK(refused_until(&w, true, ALICE) == 0);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM webhook_deliveries") == 1);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM audit") == 1);
    world_end(&w);
}

static void the_newest_profile_wins_in_every_order(void)
{
    static const int64_t orders[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                        {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    static const struct span emails[] = {{"", 0}, {"one", 3}, {"two", 3}, {"three", 5}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct world w;
        world_start(&w);
        int64_t newest = 0;
        for (size_t k = 0; k < 3; k++) {
            int64_t order = orders[i][k];
            CHECK(tell_user(&w, emails[order], order) ==
                  (order > newest ? STORE_APPLIED : STORE_STALE));
            newest = order > newest ? order : newest;
        }
        check_email(&w, SPAN("three"));
        world_end(&w);
    }
}

static void the_same_time_again_is_stale(void)
{
    struct world w;
    world_start(&w);
    CHECK(tell_user(&w, SPAN("one"), 5) == STORE_APPLIED);
    CHECK(tell_user(&w, SPAN("two"), 5) == STORE_STALE);
    check_email(&w, SPAN("one"));
    world_end(&w);
}

static void of_two_at_the_same_time_the_one_told_later_counts(void)
{
    struct world w;
    world_start(&w);
    struct store_webhook m = message(STORE_WEBHOOK_USER, 5);
    m.user = (struct store_profile){.id = ALICE, .locked = true};
    m.sent_ms = 20;
    CHECK(tell(&w, &m).outcome == STORE_APPLIED);
    m = message(STORE_WEBHOOK_USER, 5);
    m.user = (struct store_profile){.id = ALICE};
    m.sent_ms = 10;
    CHECK(tell(&w, &m).outcome == STORE_STALE);
    CHECK(refused_until(&w, true, ALICE) > 0);
    m.message_id = SPAN("msg_later");
    m.sent_ms = 30;
    CHECK(tell(&w, &m).outcome == STORE_APPLIED);
    CHECK(refused_until(&w, true, ALICE) == 0);
    m.message_id = SPAN("msg_older");
    m.order_ms = 4;
    m.sent_ms = 40;
    CHECK(tell(&w, &m).outcome == STORE_STALE);
    world_end(&w);
}

static void a_user_seen_first_by_token_has_no_profile_until_one_comes(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_profile p;
    CHECK(store_user(w.store, a, ALICE, &p) == OK);
    CHECK(span_is_null(p.email) && p.updated_ms == 0);
    struct store_effect effect;
    struct store_write *write = store_write_new(w.store, ALICE, SPAN_NULL);
    store_put_profile(
        write, &(struct store_profile){.id = ALICE, .email = SPAN("a"), .updated_ms = 7}, &effect);
    CHECK(world_commit(&w, write) == OK && effect.outcome == STORE_APPLIED);
    check_email(&w, SPAN("a"));
    write = store_write_new(w.store, ALICE, SPAN_NULL);
    store_put_profile(write,
                      &(struct store_profile){.id = ALICE, .email = SPAN("old"), .updated_ms = 6},
                      &effect);
    CHECK(world_commit(&w, write) == OK && effect.outcome == STORE_STALE);
    check_email(&w, SPAN("a"));
    world_end(&w);
}

static void an_email_that_was_taken_away_is_gone(void)
{
    struct world w;
    world_start(&w);
    CHECK(tell_user(&w, SPAN("a"), 1) == STORE_APPLIED);
    CHECK(tell_user(&w, SPAN_NULL, 2) == STORE_APPLIED);
    check_email(&w, SPAN_NULL);
    world_end(&w);
}

/* --- the end of a user --- */
static void a_deleted_user_leaves_an_id_and_nothing_else(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    CHECK(tell_user(&w, SPAN("a@example.com"), 1) == STORE_APPLIED);
    CHECK(tell_deleted(&w, 2) == STORE_APPLIED);
    CHECK(!is_known(&w, ALICE));
    CHECK(refused_until(&w, true, ALICE) == CLOCK_MAX_MS);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM users WHERE email IS NULL AND"
                           " deleted_at_ms IS NOT NULL") == 1);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM notebooks") == 1);
    world_end(&w);
}

static void nothing_brings_a_deleted_user_back(void)
{
    struct world w;
    world_start(&w);
    CHECK(tell_deleted(&w, 10) == STORE_APPLIED); /* before anything else was heard */
    CHECK(tell_user(&w, SPAN("a"), 5) == STORE_STALE);
    CHECK(tell_user(&w, SPAN("a"), 15) == STORE_STALE);
    CHECK(tell_deleted(&w, 20) == STORE_STALE);
    struct store_write *write = world_write(&w);
    store_put_user(write);
    CHECK(world_commit(&w, write) == OK);
    CHECK(!is_known(&w, ALICE));
    CHECK(refused_until(&w, true, ALICE) == CLOCK_MAX_MS);
    world_end(&w);
}

struct counted {
    bool done;
    size_t count;
};

static void on_listed(void *data, enum err e, const struct store_list *list)
{
    struct counted *c = data;
    CHECK(e == OK);
    *c = (struct counted){true, list->count};
}

static size_t count_listed(struct world *w, struct span owner)
{
    struct counted c = {0};
    store_list(w->store, owner, on_listed, &c);
    while (!c.done) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    return c.count;
}

static void the_notebooks_of_a_deleted_user_are_hidden_at_once(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    CHECK(count_listed(&w, ALICE) == 1);
    CHECK(tell_deleted(&w, 1) == STORE_APPLIED);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_head head;
    enum err e = OK;
    CHECK(store_find(w.store, a, BOOK, &head) == ERR_NOT_FOUND);
    CHECK(count_listed(&w, ALICE) == 0);
    CHECK(world_load(&w, ALICE, &e) == NULL && e == ERR_NOT_FOUND);
    world_end(&w);
}

/* --- bans --- */
static int64_t tell_state(struct world *w, bool banned, bool locked, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_USER, order_ms);
    m.user = (struct store_profile){.id = ALICE, .banned = banned, .locked = locked};
    struct store_effect effect = tell(w, &m);
    CHECK(effect.outcome == STORE_APPLIED);
    CHECK(refused_until(w, true, ALICE) == effect.refused_until_ms);
    return effect.refused_until_ms;
}

static void a_ban_lasts_until_it_is_lifted_and_a_lock_ends_by_itself(void)
{
    struct world w;
    world_start(&w);
    int64_t now = clock_unix_ms();
    CHECK(tell_state(&w, false, false, 1) == 0);
    CHECK(tell_state(&w, true, false, 2) == CLOCK_MAX_MS);
    CHECK(tell_state(&w, false, false, 3) == 0);
    int64_t until = tell_state(&w, false, true, 4);
    CHECK(until >= now + STORE_REFUSED_MS && until < now + STORE_REFUSED_MS + 60000);
    CHECK(tell_state(&w, true, true, 5) == CLOCK_MAX_MS);
    CHECK(tell_state(&w, false, false, 6) == 0);
    world_end(&w);
}

static void an_old_ban_that_comes_late_does_nothing(void)
{
    struct world w;
    world_start(&w);
    CHECK(tell_state(&w, false, false, 10) == 0);
    struct store_webhook m = message(STORE_WEBHOOK_USER, 9);
    m.user = (struct store_profile){.id = ALICE, .banned = true};
    CHECK(tell(&w, &m).outcome == STORE_STALE);
    CHECK(refused_until(&w, true, ALICE) == 0);
    world_end(&w);
}

static void a_session_that_is_over_is_refused_for_a_day(void)
{
    struct world w;
    world_start(&w);
    struct store_webhook m = message(STORE_WEBHOOK_SESSION_OVER, 1);
    m.session_id = SPAN("sess_1");
    int64_t now = clock_unix_ms();
    struct store_effect effect = tell(&w, &m);
    CHECK(effect.outcome == STORE_APPLIED);
    CHECK(effect.refused_until_ms >= now + STORE_REFUSED_MS);
    world_reopen(&w);
    CHECK(refused_until(&w, false, SPAN("sess_1")) == effect.refused_until_ms);
    CHECK(refused_until(&w, true, SPAN("sess_1")) == 0);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_revocations later;
    CHECK(store_revocations(w.store, a, effect.refused_until_ms, &later) == OK);
    CHECK(later.count == 0);
    world_end(&w);
}

/* --- organizations --- */
static enum store_outcome tell_member(struct world *w, struct span role, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_MEMBERSHIP, order_ms);
    m.membership = (struct store_membership){
        .id = SPAN("orgmem_1"),
        .user_id = ALICE,
        .role = role,
        .permissions = SPAN("[\"org:a:b\"]"),
        .organization = {.id = ORG, .name = SPAN("A"), .slug = SPAN("a"), .updated_ms = 1}};
    return tell(w, &m).outcome;
}

static enum store_outcome tell_left(struct world *w, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_MEMBERSHIP_DELETED, order_ms);
    m.membership = (struct store_membership){.user_id = ALICE, .organization = {.id = ORG}};
    return tell(w, &m).outcome;
}

static enum store_outcome tell_organization(struct world *w, enum store_webhook_kind kind,
                                            struct span name, int64_t order_ms)
{
    struct store_webhook m = message(kind, order_ms);
    m.organization = (struct store_organization){.id = ORG, .name = name};
    return tell(w, &m).outcome;
}

/* The only membership, or NULL. */
static const struct store_membership *member(struct world *w, struct arena *a)
{
    struct store_memberships all;
    CHECK(store_memberships(w->store, a, ALICE, &all) == OK);
    CHECK(all.count <= 1);
    return all.count == 0 ? NULL : all.items;
}

static void a_membership_brings_its_organization_along(void)
{
    struct world w;
    world_start(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(tell_member(&w, SPAN("org:admin"), 10) == STORE_APPLIED);
    const struct store_membership *m = member(&w, a);
    CHECK(m != NULL && span_eq(m->role, SPAN("org:admin")) && span_eq(m->user_id, ALICE));
    CHECK(span_eq(m->permissions, SPAN("[\"org:a:b\"]")));
    CHECK(span_eq(m->organization.name, SPAN("A")) && span_eq(m->organization.slug, SPAN("a")));
    CHECK(tell_organization(&w, STORE_WEBHOOK_ORGANIZATION, SPAN("B"), 20) == STORE_APPLIED);
    CHECK(tell_member(&w, SPAN("org:member"), 30) == STORE_APPLIED); /* knows it as A, of old */
    m = member(&w, a);
    CHECK(span_eq(m->role, SPAN("org:member")) && span_eq(m->organization.name, SPAN("B")));
    world_end(&w);
}

static void who_left_is_not_brought_back_by_what_was_before(void)
{
    struct world w;
    world_start(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(tell_left(&w, 20) == STORE_APPLIED); /* the first that is heard */
    CHECK(tell_member(&w, SPAN("org:admin"), 10) == STORE_STALE);
    CHECK(tell_member(&w, SPAN("org:admin"), 20) == STORE_STALE);
    CHECK(member(&w, a) == NULL);
    CHECK(tell_member(&w, SPAN("org:member"), 30) == STORE_APPLIED); /* joined again */
    CHECK(member(&w, a) != NULL);
    CHECK(tell_left(&w, 25) == STORE_STALE);
    CHECK(member(&w, a) != NULL);
    CHECK(tell_left(&w, 30) == STORE_APPLIED);
    CHECK(member(&w, a) == NULL);
    world_end(&w);
}

static enum store_outcome tell_left_by_id(struct world *w, int64_t order_ms)
{
    struct store_webhook m = message(STORE_WEBHOOK_MEMBERSHIP_DELETED, order_ms);
    m.membership = (struct store_membership){.id = SPAN("orgmem_1")};
    return tell(w, &m).outcome;
}

static void the_id_is_enough_to_end_a_membership(void)
{
    for (int late = 0; late < 2; late++) {
        struct world w;
        world_start(&w);
        CLEANUP(arena_free_ptr) struct arena *a = arena_new();
        if (late == 0) {
            CHECK(tell_member(&w, SPAN("org:admin"), 10) == STORE_APPLIED);
        }
        CHECK(tell_left_by_id(&w, 20) == STORE_APPLIED);
        CHECK(tell_left_by_id(&w, 25) == STORE_STALE);
        CHECK(member(&w, a) == NULL);
        CHECK(tell_member(&w, SPAN("org:admin"), 30) == STORE_STALE);
        CHECK(member(&w, a) == NULL);
        struct store_webhook m = message(STORE_WEBHOOK_MEMBERSHIP, 40);
        m.membership = (struct store_membership){
            .id = SPAN("orgmem_2"), .user_id = ALICE, .organization = {.id = ORG}};
        CHECK(tell(&w, &m).outcome == STORE_APPLIED); /* joined again */
        CHECK(member(&w, a) != NULL);
        world_end(&w);
    }
}

static void a_deleted_organization_has_no_members_any_more(void)
{
    struct world w;
    world_start(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    CHECK(tell_member(&w, SPAN("org:admin"), 10) == STORE_APPLIED);
    CHECK(tell_organization(&w, STORE_WEBHOOK_ORGANIZATION_DELETED, SPAN_NULL, 20) ==
          STORE_APPLIED);
    CHECK(member(&w, a) == NULL);
    CHECK(tell_organization(&w, STORE_WEBHOOK_ORGANIZATION, SPAN("A"), 30) == STORE_STALE);
    CHECK(tell_member(&w, SPAN("org:admin"), 30) == STORE_STALE);
    CHECK(member(&w, a) == NULL);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM organizations WHERE name IS NULL") == 1);
    world_end(&w);
}

static void a_deleted_user_joins_nothing(void)
{
    struct world w;
    world_start(&w);
    CHECK(tell_member(&w, SPAN("org:admin"), 10) == STORE_APPLIED);
    CHECK(tell_deleted(&w, 20) == STORE_APPLIED);
    CHECK(tell_member(&w, SPAN("org:admin"), 30) == STORE_STALE);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM memberships") == 0);
    world_end(&w);
}

/* --- sweeping --- */
static size_t sweep(struct world *w, const struct store_sweep *s)
{
    size_t purged = 99;
    struct store_write *write = store_write_new(w->store, SPAN_NULL, SPAN_NULL);
    store_sweep(write, s, &purged);
    CHECK(world_commit(w, write) == OK);
    return purged;
}

static void add_books(struct world *w, struct span owner, int count)
{
    for (int i = 0; i < count; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%.8s-%d", owner.p, i);
        struct notebook *n = notebook_new(span_str(id), owner);
        (void)world_cell(n, SPAN("1"));
        struct store_write *write = store_write_new(w->store, owner, span_str(id));
        store_create_notebook(write, n, false);
        CHECK(world_commit(w, write) == OK);
        notebook_free(n);
    }
}

static void notebooks_of_deleted_users_go_when_their_time_is_over(void)
{
    struct world w;
    world_start(&w);
    add_books(&w, ALICE, STORE_SWEEP_NOTEBOOKS + 5);
    add_books(&w, MALLORY, 2);
    CHECK(tell_deleted(&w, 1) == STORE_APPLIED);
    int64_t now = clock_unix_ms();
    struct store_sweep s = {.now_ms = now, .deleted_before_ms = now - 60000};
    CHECK(sweep(&w, &s) == 0); /* not yet */
    s.deleted_before_ms = now + 60000;
    CHECK(sweep(&w, &s) == STORE_SWEEP_NOTEBOOKS);
    CHECK(sweep(&w, &s) == 5);
    CHECK(sweep(&w, &s) == 0);
    CHECK(!is_known(&w, ALICE) && refused_until(&w, true, ALICE) == CLOCK_MAX_MS);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM notebooks") == 2);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM cells") == 2);
    world_end(&w);
}

static void what_was_kept_long_enough_goes_and_the_rest_stays(void)
{
    struct world w;
    world_start(&w);
    struct store_webhook m = message(STORE_WEBHOOK_SESSION_OVER, 1);
    m.session_id = SPAN("sess_1");
    int64_t until = tell(&w, &m).refused_until_ms;
    int64_t now = clock_unix_ms();
    struct store_sweep s = {.now_ms = now, .deliveries_before_ms = now - 60000};
    CHECK(sweep(&w, &s) == 0);
    CHECK(tell(&w, &m).outcome == STORE_DUPLICATE);
    CHECK(refused_until(&w, false, SPAN("sess_1")) == until);
    s.now_ms = until;
    s.deliveries_before_ms = now + 60000;
    CHECK(sweep(&w, &s) == 0);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM revocations") == 0);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM webhook_deliveries") == 0);
    world_end(&w);
}

static void on_closed(void *data)
{
    struct world *w = data;
    w->store = NULL;
}

static void a_closing_store_tells_nothing(void)
{
    struct world w;
    world_start(&w);
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_profile p;
    struct store_memberships m;
    struct store_revocations r;
    store_close(w.store, on_closed, &w);
    CHECK(store_user(w.store, a, ALICE, &p) == ERR_UNAVAILABLE);
    CHECK(store_memberships(w.store, a, ALICE, &m) == ERR_UNAVAILABLE && m.count == 0);
    CHECK(store_revocations(w.store, a, 0, &r) == ERR_UNAVAILABLE && r.count == 0);
    CHECK(uv_run(&w.loop, UV_RUN_DEFAULT) == 0 && w.store == NULL);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_profile_is_stored_with_all_it_says),
        TEST(a_message_has_its_effect_once),
        TEST(the_newest_profile_wins_in_every_order),
        TEST(the_same_time_again_is_stale),
        TEST(of_two_at_the_same_time_the_one_told_later_counts),
        TEST(a_user_seen_first_by_token_has_no_profile_until_one_comes),
        TEST(an_email_that_was_taken_away_is_gone),
        TEST(a_deleted_user_leaves_an_id_and_nothing_else),
        TEST(nothing_brings_a_deleted_user_back),
        TEST(the_notebooks_of_a_deleted_user_are_hidden_at_once),
        TEST(a_ban_lasts_until_it_is_lifted_and_a_lock_ends_by_itself),
        TEST(an_old_ban_that_comes_late_does_nothing),
        TEST(a_session_that_is_over_is_refused_for_a_day),
        TEST(a_membership_brings_its_organization_along),
        TEST(who_left_is_not_brought_back_by_what_was_before),
        TEST(the_id_is_enough_to_end_a_membership),
        TEST(a_deleted_organization_has_no_members_any_more),
        TEST(a_deleted_user_joins_nothing),
        TEST(notebooks_of_deleted_users_go_when_their_time_is_over),
        TEST(what_was_kept_long_enough_goes_and_the_rest_stays),
        TEST(a_closing_store_tells_nothing),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

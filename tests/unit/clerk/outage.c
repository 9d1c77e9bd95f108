/* The clerk when its key server is slow, down or mad. */
#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/world.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- outages --- */

static void a_cold_outage_is_503_and_heals(void)
{
    static const enum server_mood moods[] = {
        SERVER_FAILS,    SERVER_REDIRECTS, SERVER_FLOODS,   SERVER_IS_HUGE,    SERVER_BABBLES,
        SERVER_HAS_NONE, SERVER_CUTS,      SERVER_HANGS_UP, SERVER_IS_NO_HTTP,
    };
    for (size_t i = 0; i < COUNT(moods); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "mood %d", (int)moods[i]);
        check_case(name);
        struct world *w = world_new();
        struct clerk_options options = world_options(w);
        options.cooldown_s = 0;
        world_open_with(w, &options);
        CLEANUP(mem_free_ptr) char *token = world_token();
        server_set(w->server, moods[i], w->document);
        struct request r = world_ask(w, token);
        CHECK(r.verdict == CLERK_UNAVAILABLE && r.reason == CLERK_NO_KEYS && r.waits == 1);
        CHECK(server_count(w->server) == 1 && server_elsewhere_count(w->server) == 0);
        server_set(w->server, SERVER_SERVES, w->document);
        CHECK(world_ask(w, token).verdict == CLERK_PASS);
        world_close(w);
    }
}

static void a_server_that_hangs_or_trickles_times_out(void)
{
    static const enum server_mood moods[] = {SERVER_HANGS, SERVER_TRICKLES};
    for (size_t i = 0; i < COUNT(moods); i++) {
        struct world *w = world_new();
        struct clerk_options options = world_options(w);
        options.timeout_ms = 200;
        world_open_with(w, &options);
        CLEANUP(mem_free_ptr) char *token = world_token();
        server_set(w->server, moods[i], w->document);
        uint64_t start = clock_mono_us();
        CHECK(world_ask(w, token).verdict == CLERK_UNAVAILABLE);
        uint64_t took = clock_mono_us() - start;
        CHECK(took >= 190000 && took < 1500000);
        world_close(w);
    }
}

static void nobody_at_the_address_is_503(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.jwks_url = "http://127.0.0.1:1/jwks";
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token();
    CHECK(world_ask(w, token).verdict == CLERK_UNAVAILABLE);
    struct request r = world_ask(w, token); /* too early to try again */
    CHECK(r.verdict == CLERK_UNAVAILABLE && r.waits == 0);
    world_close(w);
}

static void old_keys_serve_through_an_outage_until_they_are_too_old(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.ttl_s = 1;
    options.stale_s = 2;
    options.cooldown_s = 1;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token();
    CLEANUP(mem_free_ptr) char *other = world_token_of(MINT_GOOD, "\"ins_1\"", 50);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    server_set(w->server, SERVER_BABBLES, w->document);
    world_pause(w, 1200);
    CHECK(world_ask(w, token).waits == 0); /* starts a refresh in the background */
    world_pause(w, 100);
    CHECK(server_count(w->server) == 2);
    struct request r = world_ask(w, other);
    CHECK(r.verdict == CLERK_PASS && r.waits == 0); /* the bad answer spoilt nothing */
    world_pause(w, 2000);
    r = world_ask(w, token);
    CHECK(r.verdict == CLERK_UNAVAILABLE); /* nor is a remembered token let through */
    world_close(w);
}

static void stale_keys_are_refreshed_in_the_background(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.ttl_s = 1;
    options.cooldown_s = 1;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token();
    CLEANUP(mem_free_ptr) char *rolled = world_token_of(MINT_OTHER, "\"ins_1\"", 60);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    server_set(w->server, SERVER_SERVES, w->rolled);
    world_pause(w, 1200);
    struct request r = world_ask(w, token);
    CHECK(r.verdict == CLERK_PASS && r.waits == 0);
    world_pause(w, 200);
    CHECK(server_count(w->server) == 2);
    CHECK(world_ask(w, token).verdict == CLERK_REFUSED);
    r = world_ask(w, rolled);
    CHECK(r.verdict == CLERK_PASS && r.waits == 0);
    world_close(w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_cold_outage_is_503_and_heals),
        TEST(a_server_that_hangs_or_trickles_times_out),
        TEST(nobody_at_the_address_is_503),
        TEST(old_keys_serve_through_an_outage_until_they_are_too_old),
        TEST(stale_keys_are_refreshed_in_the_background),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_OTHER);
    return check_main(argc, argv, tests, COUNT(tests));
}

/* The clerk as its callers meet it, against a real server on 127.0.0.1. */
#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/clerk/capture.h"
#include "tests/unit/clerk/world.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- the good way --- */

static void the_first_token_waits_and_the_second_does_not(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *token = world_token();
    CHECK(server_count(w->server) == 0);
    struct request r = world_ask(w, token);
    CHECK(r.verdict == CLERK_PASS && r.reason == CLERK_OK && r.waits == 1);
    CHECK(span_eq(r.who.user_id, SPAN("user_1")) && span_eq(r.who.session_id, SPAN("sess_1")));
    CHECK(r.who.expires_at_s == r.who.issued_at_s + 60);
    r = world_ask(w, token);
    CHECK(r.verdict == CLERK_PASS && r.waits == 0);
    CHECK(span_eq(r.who.user_id, SPAN("user_1")) && span_eq(r.who.party, SPAN(WORLD_PARTY)));
    CHECK(server_count(w->server) == 1);
    world_close(w);
}

static void the_request_says_who_asks_and_carries_the_secret(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.jwks_authorization = "Bearer sk_test_1";
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token();
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    struct span head = span_str(server_last(w->server));
    CHECK(span_starts(head, SPAN("GET /jwks HTTP/1.1\r\n")));
    CHECK(span_has(head, SPAN("\r\nAuthorization: Bearer sk_test_1\r\n")));
    CHECK(span_has(head, SPAN("\r\nUser-Agent: notebookd/")));
    world_close(w);
}

static void a_cold_burst_of_40_tokens_makes_one_fetch(void)
{
    struct world *w = world_open();
    struct request r[40];
    CLEANUP(mem_free_ptr) char *token = world_token();
    server_set(w->server, SERVER_IS_SLOW, w->document);
    for (size_t i = 0; i < COUNT(r); i++) {
        r[i] = (struct request){.w = w, .token = token};
        world_begin(&r[i]);
    }
    for (size_t i = 0; i < COUNT(r); i++) {
        world_settle(w, &r[i]);
    }
    world_pause(w, 50);
    for (size_t i = 0; i < COUNT(r); i++) {
        CHECK(r[i].waits == 1 && r[i].calls == 1 && r[i].verdict == CLERK_PASS);
    }
    CHECK(server_count(w->server) == 1);
    world_close(w);
}

static void bad_tokens_fetch_nothing(void)
{
    struct world *w = world_open();
    static const char *const tokens[] = {"", "x", "a.b.c", "e30.e30.AAAA"};
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct request r = world_ask(w, tokens[i]);
        CHECK(r.verdict == CLERK_REFUSED && r.waits == 0);
    }
    char *big = mem_alloc(CLERK_TOKEN_MAX + 2);
    memset(big, 'A', CLERK_TOKEN_MAX + 1);
    CHECK(world_ask(w, big).reason == CLERK_TOKEN_INVALID);
    mem_free(big);
    CHECK(server_count(w->server) == 0);
    world_close(w);
}

/* --- unknown keys --- */

static void two_hundred_unknown_kids_are_bounded_by_the_cool_down(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.cooldown_s = 1;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *good = world_token();
    CLEANUP(mem_free_ptr) char *unknown = world_token_of(MINT_OTHER, "\"ins_2\"", 60);
    CHECK(world_ask(w, good).verdict == CLERK_PASS);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < 200; i++) {
            struct request r = world_ask(w, unknown);
            CHECK(r.verdict == CLERK_REFUSED && r.reason == CLERK_KID_MISMATCH);
            CHECK(world_ask(w, good).waits == 0);
        }
        CHECK(server_count(w->server) == round);
        world_pause(w, 1100);
    }
    world_close(w);
}

/* Anybody can write a known kid; a rolled key may keep its kid. Both at once: one fetch. */
static void two_hundred_bad_signatures_are_bounded_by_the_cool_down(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.cooldown_s = 1;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *good = world_token();
    CLEANUP(mem_free_ptr) char *bad = world_token_of(MINT_OTHER, "\"ins_1\"", 60);
    CHECK(world_ask(w, good).verdict == CLERK_PASS);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < 200; i++) {
            struct request r = world_ask(w, bad);
            CHECK(r.verdict == CLERK_REFUSED && r.reason == CLERK_TOKEN_INVALID_SIGNATURE);
            CHECK(world_ask(w, good).verdict == CLERK_PASS);
        }
        CHECK(server_count(w->server) == round);
        world_pause(w, 1100);
    }
    world_close(w);
}

/* The Backend API's key set takes the secret key and wants its version named. */
static void the_backends_key_set_is_asked_for_by_version(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    CLEANUP(mem_free_ptr) char *token = world_token();
    options.jwks_authorization = "Bearer sk_test_1";
    world_open_with(w, &options);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    CHECK(
        span_has(span_str(server_last(w->server)), SPAN("\r\nClerk-API-Version: 2026-05-12\r\n")));
    world_close(w);
    w = world_open();
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    CHECK(!span_has(span_str(server_last(w->server)), SPAN("Clerk-API-Version")));
    CHECK(!span_has(span_str(server_last(w->server)), SPAN("Authorization")));
    world_close(w);
}

/* --- what the token says --- */

static void a_remembered_token_still_names_its_organization(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    struct text payload = TEXT(4096);
    CLEANUP(mem_free_ptr) char *usual = mint_payload_at(clock_unix_ms() / 1000, 60);
    text_add(&payload, span_of(usual, strlen(usual) - 1));
    text_add(&payload, SPAN(",\"o\":{\"id\":\"org_1\",\"rol\":\"admin\",\"per\":\"read\","
                            "\"fpm\":\"1\"},\"fea\":\"o:files\",\"act\":{\"sub\":\"user_9\"}}"));
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_GOOD), header, payload.p);
    struct clerk_condition wanted = {.role = SPAN("admin"), .permission = SPAN("files:read")};
    for (int i = 0; i < 3; i++) {
        struct request r = world_ask(w, token);
        CHECK(r.verdict == CLERK_PASS && clerk_has(&r.who, &wanted));
        CHECK(span_eq(r.who.organization.id, SPAN("org_1")));
        CHECK(span_eq(r.who.actor_id, SPAN("user_9")));
    }
    text_free(&payload);
    world_close(w);
}

static void a_key_rolled_under_its_kid_is_fetched(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.cooldown_s = 1;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *before = world_token();
    CLEANUP(mem_free_ptr) char *after = world_token_of(MINT_OTHER, "\"ins_1\"", 60);
    CHECK(world_ask(w, before).verdict == CLERK_PASS);
    server_set(w->server, SERVER_SERVES, w->rolled);
    struct request r = world_ask(w, after);
    CHECK(r.waits == 0 && r.reason == CLERK_TOKEN_INVALID_SIGNATURE);
    world_pause(w, 1100);
    r = world_ask(w, after);
    CHECK(r.waits == 1 && r.verdict == CLERK_PASS);
    CHECK(world_ask(w, before).reason == CLERK_TOKEN_INVALID_SIGNATURE); /* no longer remembered */
    CHECK(server_count(w->server) == 2);
    world_close(w);
}

/* --- remembered tokens --- */

static void a_remembered_token_dies_at_its_end(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.skew_s = 0;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token_of(MINT_GOOD, "\"ins_1\"", 2);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    world_pause(w, 2100);
    for (int i = 0; i < 3; i++) {
        struct request r = world_ask(w, token);
        CHECK(r.verdict == CLERK_REFUSED && r.reason == CLERK_TOKEN_EXPIRED);
    }
    world_close(w);
}

static void a_token_from_the_future_is_refused(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload_at(clock_unix_ms() / 1000 + 7, 60);
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_GOOD), header, payload);
    for (int i = 0; i < 2; i++) {
        CHECK(world_ask(w, token).reason == CLERK_TOKEN_IAT_IN_THE_FUTURE);
    }
    world_close(w);
}

/* For who diagnoses: a health check, or a start that wants its keys at once. */
static void keys_can_be_counted_and_asked_for(void)
{
    struct world *w = world_open();
    CHECK(clerk_key_count(w->clerk) == 0 && server_count(w->server) == 0);
    CHECK(clerk_ask(w->clerk) && clerk_ask(w->clerk));
    CLEANUP(mem_free_ptr) char *token = world_token();
    struct request r = {.w = w, .token = token, .waits = 1};
    clerk_wait(w->clerk, world_on_ready, &r);
    world_settle(w, &r);
    CHECK(r.verdict == CLERK_PASS && clerk_key_count(w->clerk) == 1);
    CHECK(!clerk_ask(w->clerk) && server_count(w->server) == 1); /* within the cool-down */
    world_close(w);
}

/* --- opening --- */

static void a_fixed_key_never_waits(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    CLEANUP(mem_free_ptr) char *token = world_token_of(MINT_GOOD, "\"whatever\"", 60);
    CLEANUP(mem_free_ptr) char *foreign = world_token_of(MINT_OTHER, "\"ins_1\"", 60);
    options.jwks_url = NULL;
    options.pem = pem;
    world_open_with(w, &options);
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    struct request r = world_ask(w, foreign);
    CHECK(r.verdict == CLERK_REFUSED && r.reason == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(r.waits == 0 && server_count(w->server) == 0);
    r = (struct request){.w = w, .token = token, .waits = 1};
    clerk_wait(w->clerk, world_on_ready, &r);
    world_settle(w, &r);
    CHECK(r.calls == 1 && r.err == OK);
    world_close(w);
}

static bool opens(const struct clerk_options *options)
{
    uv_loop_t loop;
    struct clerk *clerk = NULL;
    struct text why = TEXT(1024);
    CHECK(uv_loop_init(&loop) == 0);
    enum err e = clerk_open(&clerk, &loop, options, &why);
    if (e == OK) {
        struct world w = {0};
        clerk_close(clerk, world_on_closed, &w);
        CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0 && w.closed);
    } else {
        CHECK(e == ERR_INVALID && clerk == NULL && why.n > 0);
    }
    text_free(&why);
    CHECK(uv_loop_close(&loop) == 0);
    return e == OK;
}

static void urls_are_checked_at_the_start(void)
{
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"https://api.clerk.com/v1/jwks", true},
        {"HTTPS://api.clerk.com/v1/jwks", true},
        {"https://clerk.example.com:8443/.well-known/jwks.json", true},
        {"http://localhost:5173/jwks", true},
        {"http://127.0.0.1/jwks", true},
        {"http://127.8.9.1:80/jwks", true},
        {"http://[::1]:5173/jwks", true},
        {"http://clerk.example.com/jwks", false},
        {"http://localhost.evil.example/jwks", false},
        {"http://127.0.0.1.evil.example/jwks", false},
        {"http://128.0.0.1/jwks", false},
        {"http://0.0.0.0/jwks", false},
        {"http://169.254.169.254/latest", false},
        {"http://[::2]/jwks", false},
        {"http://localhost@evil.example/jwks", false},
        {"https://user:password@clerk.example.com/", false},
        {"https://user@clerk.example.com/", false},
        {"ftp://localhost/jwks", false},
        {"file:///etc/passwd", false},
        {"gopher://localhost/", false},
        {"clerk.example.com/jwks", false},
        {"//localhost/jwks", false},
        {"https://", false},
        {"https:// a/", false},
        {"", false},
        {"x", false},
    };
    struct world w = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clerk_options options = world_options(&w);
        options.jwks_url = cases[i].url;
        check_case(cases[i].url);
        CHECK(opens(&options) == cases[i].good);
    }
}

static void options_that_make_no_sense_are_refused(void)
{
    struct world w = {.url = "https://clerk.example.com/jwks"};
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    struct clerk_options o = world_options(&w);
    CHECK(opens(&o));
    o.pem = pem; /* both */
    CHECK(!opens(&o));
    o.jwks_url = NULL;
    CHECK(opens(&o));
    o.issuer_count = 0; /* with a key of one's own the issuer may be unknown */
    CHECK(opens(&o));
    o.pem = "no key";
    CHECK(!opens(&o));
    o.pem = NULL; /* neither */
    CHECK(!opens(&o));
    o = world_options(&w);
    o.issuer_count = 0;
    CHECK(!opens(&o));
    o = world_options(&w);
    o.jwks_authorization = "Bearer sk_1\r\nX-Evil: 1";
    CHECK(!opens(&o));
    o.jwks_authorization = "Bearer sk_1\n";
    CHECK(!opens(&o));
    o.jwks_authorization = "Bearer sk_\xC3\xA9";
    CHECK(!opens(&o));
}

/* An empty list of parties refuses every token with an azp: that must not be found out by users. */
static void opening_without_parties_or_issuers_warns(void)
{
    struct world w = {0};
    struct capture c;
    CLEANUP(mem_free_ptr) char *pem = mint_pem(mint_key(MINT_GOOD));
    struct clerk_options o = world_options(&w);
    o.jwks_url = NULL;
    o.pem = pem;
    capture_begin(&c);
    bool quiet = opens(&o);
    capture_end(&c);
    CHECK(quiet && capture_count(&c, "clerk_rules") == 0);
    o.party_count = 0;
    o.issuer_count = 0;
    capture_begin(&c);
    bool loud = opens(&o);
    capture_end(&c);
    CHECK(loud && capture_count(&c, "\"parties\":\"none") == 1);
    CHECK(capture_count(&c, "\"issuers\":\"none") == 1);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_first_token_waits_and_the_second_does_not),
        TEST(the_request_says_who_asks_and_carries_the_secret),
        TEST(a_cold_burst_of_40_tokens_makes_one_fetch),
        TEST(bad_tokens_fetch_nothing),
        TEST(two_hundred_unknown_kids_are_bounded_by_the_cool_down),
        TEST(two_hundred_bad_signatures_are_bounded_by_the_cool_down),
        TEST(the_backends_key_set_is_asked_for_by_version),
        TEST(a_remembered_token_still_names_its_organization),
        TEST(a_key_rolled_under_its_kid_is_fetched),
        TEST(a_remembered_token_dies_at_its_end),
        TEST(a_token_from_the_future_is_refused),
        TEST(keys_can_be_counted_and_asked_for),
        TEST(a_fixed_key_never_waits),
        TEST(urls_are_checked_at_the_start),
        TEST(options_that_make_no_sense_are_refused),
        TEST(opening_without_parties_or_issuers_warns),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_OTHER);
    return check_main(argc, argv, tests, COUNT(tests));
}

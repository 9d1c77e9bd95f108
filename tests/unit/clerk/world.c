#include "tests/unit/clerk/world.h"

#include "base/clock.h"
#include "tests/unit/check.h"

#define ISSUER "https://clerk.example.com"

struct clerk_options world_options(struct world *w)
{
    static const struct span issuers[] = {{ISSUER, sizeof ISSUER - 1}};
    static const struct span parties[] = {{WORLD_PARTY, sizeof WORLD_PARTY - 1}};
    return (struct clerk_options){
        .jwks_url = w->url,
        .issuers = issuers,
        .issuer_count = 1,
        .parties = parties,
        .party_count = 1,
        .skew_s = 5,
        .ttl_s = 300,
        .cooldown_s = 10,
        .stale_s = 3600,
        .timeout_ms = 2000,
    };
}

struct world *world_new(void)
{
    struct world *w = mem_alloc(sizeof *w);
    CHECK(uv_loop_init(&w->loop) == 0);
    w->arena = arena_new();
    w->server = server_start();
    w->document = mint_jwks(mint_key(MINT_GOOD), "ins_1");
    w->rolled = mint_jwks(mint_key(MINT_OTHER), "ins_1");
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/jwks", server_port(w->server));
    server_set(w->server, SERVER_SERVES, w->document);
    return w;
}

void world_open_with(struct world *w, const struct clerk_options *options)
{
    struct text why = TEXT(1024);
    CHECK(clerk_open(&w->clerk, &w->loop, options, &why) == OK);
    CHECK(why.n == 0);
}

struct world *world_open(void)
{
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    world_open_with(w, &options);
    return w;
}

void world_on_closed(void *data)
{
    ((struct world *)data)->closed = true;
}

void world_free(struct world *w)
{
    CHECK(uv_loop_close(&w->loop) == 0);
    server_stop(w->server);
    arena_free(w->arena);
    mem_free(w->document);
    mem_free(w->rolled);
    mem_free(w);
}

void world_close(struct world *w)
{
    uint64_t start = clock_mono_us();
    clerk_close(w->clerk, world_on_closed, w);
    CHECK(!w->closed);
    CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0);
    CHECK(w->closed);
    CHECK(clock_mono_us() - start < 1000000);
    world_free(w);
}

static void on_pause_over(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
}

void world_pause(struct world *w, uint64_t ms)
{
    uv_timer_t t;
    uv_update_time(&w->loop);
    CHECK(uv_timer_init(&w->loop, &t) == 0);
    CHECK(uv_timer_start(&t, on_pause_over, ms, 0) == 0);
    while (!uv_is_closing((uv_handle_t *)&t)) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    uv_run(&w->loop, UV_RUN_NOWAIT); /* the close callback */
}

void world_verify(struct request *r, bool again)
{
    struct clerk_answer answer = clerk_verify(r->w->clerk, r->w->arena, span_str(r->token), again);
    r->verdict = answer.verdict;
    r->reason = answer.reason;
    r->who = answer.who;
}

void world_on_ready(void *data, enum err e)
{
    struct request *r = data;
    r->calls++;
    r->err = e;
    if (e == OK) {
        world_verify(r, true);
    }
}

void world_begin(struct request *r)
{
    world_verify(r, false);
    if (r->verdict == CLERK_WAIT) {
        r->waits++;
        clerk_wait(r->w->clerk, world_on_ready, r);
        CHECK(r->calls == 0); /* later, never at once */
    }
}

void world_settle(struct world *w, const struct request *r)
{
    uint64_t start = clock_mono_us();
    while (r->calls < r->waits) {
        world_pause(w, 1);
        CHECK(clock_mono_us() - start < 5000000);
    }
}

struct request world_ask(struct world *w, const char *token)
{
    struct request r = {.w = w, .token = token};
    world_begin(&r);
    world_settle(w, &r);
    CHECK(r.calls == r.waits && r.verdict != CLERK_WAIT);
    return r;
}

char *world_token_of(enum mint_name signer, const char *kid, int64_t life_s)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){"kid", kid});
    CLEANUP(mem_free_ptr) char *payload = mint_payload_at(clock_unix_ms() / 1000, life_s);
    return mint_sign(mint_key(signer), header, payload);
}

char *world_token(void)
{
    return world_token_of(MINT_GOOD, "\"ins_1\"", 60);
}

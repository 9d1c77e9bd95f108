/* Waiting for keys, and closing meanwhile. */
#include "tests/unit/check.h"
#include "tests/unit/clerk/world.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- waiting and closing --- */

static void closing_while_a_fetch_hangs_is_prompt_and_tells_the_waiters(void)
{
    struct world *w = world_open();
    struct request r[3];
    CLEANUP(mem_free_ptr) char *token = world_token();
    server_set(w->server, SERVER_HANGS, w->document);
    for (size_t i = 0; i < COUNT(r); i++) {
        r[i] = (struct request){.w = w, .token = token};
        world_begin(&r[i]);
        CHECK(r[i].verdict == CLERK_WAIT);
    }
    world_pause(w, 100);
    CHECK(server_count(w->server) == 1);
    world_close(w);
    for (size_t i = 0; i < COUNT(r); i++) {
        CHECK(r[i].calls == 1 && r[i].err == ERR_CANCELED);
    }
}

static void closing_at_once_is_clean(void)
{
    struct world *w = world_open();
    world_close(w);
    w = world_open();
    CLEANUP(mem_free_ptr) char *token = world_token();
    struct request r = {.w = w, .token = token};
    world_begin(&r);
    world_close(w);
    CHECK(r.calls == 1);
}

/* Requests go on coming while the server closes. */
static void calls_are_safe_until_all_is_closed(void)
{
    static const enum server_mood moods[] = {SERVER_SERVES, SERVER_HANGS};
    CLEANUP(mem_free_ptr) char *token = world_token();
    for (size_t i = 0; i < COUNT(moods); i++) {
        struct world *w = world_open();
        struct request r = {.w = w, .token = token};
        server_set(w->server, moods[i], w->document);
        world_begin(&r);
        clerk_close(w->clerk, world_on_closed, w);
        while (!w->closed) {
            struct request late = {.w = w, .token = token};
            int64_t behind = 0;
            world_verify(&late, false);
            CHECK(late.verdict == CLERK_PASS || late.verdict == CLERK_UNAVAILABLE ||
                  late.verdict == CLERK_WAIT);
            (void)clerk_clock_offset(w->clerk, &behind);
            uv_run(&w->loop, UV_RUN_ONCE);
        }
        CHECK(r.calls == 1);
        CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0);
        world_free(w);
    }
}

static void waiting_when_there_is_no_fetch_is_called_later(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *token = world_token();
    CHECK(world_ask(w, token).verdict == CLERK_PASS);
    struct request r = {.w = w, .token = token, .waits = 1};
    clerk_wait(w->clerk, world_on_ready, &r);
    CHECK(r.calls == 0);
    world_settle(w, &r);
    world_pause(w, 20);
    CHECK(r.calls == 1 && r.err == OK && r.verdict == CLERK_PASS);
    CHECK(server_count(w->server) == 1);
    world_close(w);
}

static void on_ready_close(void *data, enum err e)
{
    struct request *r = data;
    r->calls++;
    r->err = e;
    clerk_close(r->w->clerk, world_on_closed, r->w);
    world_verify(r, false); /* still safe, but it will not wait */
}

static void a_waiter_may_close_the_clerk(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *token = world_token();
    struct request first = {.w = w, .token = token};
    struct request second = {.w = w, .token = token};
    world_verify(&first, false);
    CHECK(first.verdict == CLERK_WAIT);
    clerk_wait(w->clerk, on_ready_close, &first);
    world_begin(&second);
    CHECK(uv_run(&w->loop, UV_RUN_DEFAULT) == 0);
    CHECK(w->closed && first.calls == 1 && first.err == OK && first.verdict == CLERK_PASS);
    CHECK(second.calls == 1 && second.err == ERR_CANCELED);
    world_free(w);
}

static void on_ready_wait(void *data, enum err e)
{
    struct request *r = data;
    r->calls++;
    if (e == OK && r->calls < 3) {
        clerk_wait(r->w->clerk, on_ready_wait, r);
    }
}

static void a_waiter_may_wait_again(void)
{
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *token = world_token();
    struct request r = {.w = w, .token = token, .waits = 3};
    world_verify(&r, false);
    clerk_wait(w->clerk, on_ready_wait, &r);
    world_settle(w, &r);
    world_pause(w, 20);
    CHECK(r.calls == 3);
    world_close(w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(closing_while_a_fetch_hangs_is_prompt_and_tells_the_waiters),
        TEST(closing_at_once_is_clean),
        TEST(calls_are_safe_until_all_is_closed),
        TEST(waiting_when_there_is_no_fetch_is_called_later),
        TEST(a_waiter_may_close_the_clerk),
        TEST(a_waiter_may_wait_again),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_OTHER);
    return check_main(argc, argv, tests, COUNT(tests));
}

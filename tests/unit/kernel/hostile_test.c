/* A kernel against the fake launcher: what a hostile process tries. */
#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

#define BROKE "gone The kernel broke the protocol: it sent "

static void a_violator_is_killed_and_told_why(void)
{
    static const struct {
        const char *steps, *words;
    } cases[] = {
        {"[\"hex\",\"ffffffffffffffffffffffffffffffff\"]", "a frame of unknown kind."},
        {"[\"hex\",\"48656c6c6f2c20776f726c64212121210a\"]", "a frame of unknown kind."},
        {"[\"hex\",\"01000001030000000100000000000000\"]", "a frame that is too long."},
        {"[\"hex\",\"01000100010000000100000000000000\"]", "a frame that is too long."},
        {"[\"hex\",\"00000000010200000100000000000000\"]", "a frame with unknown flags."},
        {"[\"frame\",32,null,\"{}\"]", "a frame of unknown kind."},
        {"[\"frame\",48,null,\"{}\"]", "a frame of unknown kind."},
        {"[\"frame\",1,2,\"from the future\"]", "output of a run that was never started."},
        {"[\"frame\",3,null,\"{not json\"]", "a display that is not a JSON object."},
        {"[\"frame\",6,null,\"[]\"]", "a result that is not a JSON object."},
        {"[\"json\",6,null,{\"data\":[],\"metadata\":{}}]",
         "a result without the members it needs."},
        {"[\"json\",8,null,{\"status\":\"perhaps\",\"ms\":1}]",
         "a done without the members it needs."},
        {"[\"json\",8,1,{\"status\":\"ok\",\"ms\":-1}]", "a done without the members it needs."},
        {"[\"json\",10,null,{\"pid\":1,\"python\":\"3\"}]", "that it is ready more than once."},
        {"[\"sleep\",0.2],[\"ctl\",\"00000000300000000100000000000000\"],[\"sleep\",0.2]",
         "an answer to nothing."},
        {"[\"frame\",7,null,\"\\u0000\"]", "an error that is not a JSON object."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        check_case(cases[i].steps);
        world_open(&w, "normal", NULL);
        struct seen *s = world_ready_kernel(&w, "normal");
        struct text steps = TEXT(10000);
        text_addf(&steps,
                  "[\"frame\",1,null,\"before\"],%s,[\"frame\",1,null,\"after\"],"
                  "[\"sleep\",60]",
                  cases[i].steps);
        world_run(s, steps.p);
        text_free(&steps);
        world_wait(s, BROKE);
        CHECK(seen_has(s, cases[i].words));
        CHECK(seen_has(s, "out 1 before\n") && !seen_has(s, "after"));
        CHECK(kernel_state(s->kernel) == KERNEL_GONE);
        while (is_alive(s->pid)) { /* though nobody has closed it */
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        world_close(&w);
    }
}

static void output_before_ready_and_a_second_ready_break_the_protocol(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *early = world_kernel(&w, "impatient");
    struct seen *twice = world_kernel(&w, "twice");
    world_wait(early, "gone ");
    world_wait(twice, "gone ");
    CHECK(seen_is(early, BROKE "something before it was ready.\n"));
    CHECK(seen_is(twice, "ready\n" BROKE "that it is ready more than once.\n"));
    world_close(&w);
}

static void a_kernel_that_never_gets_ready_is_killed(void)
{
    struct world w;
    world_open(&w, "normal", &(struct launcher_options){.start_ms = 200});
    struct seen *s = world_kernel(&w, "silent");
    world_wait(s, "gone ");
    CHECK(seen_is(s, "gone The kernel did not get ready in time.\n"));
    world_close(&w);
}

static void a_kernel_that_does_not_read_is_killed(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    struct text value = TEXT(9000000);
    memset(text_reserve(&value, 9000000), 'v', 9000000);
    value.n = 9000000;
    world_run(s, "[\"sleep\",60]");
    for (int i = 0; i < 5; i++) {
        kernel_input(s->kernel, text_span(&value));
    }
    CHECK(!seen_has(s, "gone")); /* never inside the call */
    world_wait(s, "gone The kernel does not read what it is sent.\n");
    text_free(&value);
    world_close(&w);
}

/* The loop turns, and the others have their turn, while one kernel prints without end. */
static void a_flood_does_not_starve_the_others(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *loud = world_ready_kernel(&w, "normal");
    struct seen *quiet = world_ready_kernel(&w, "normal");
    loud->counts_only = true;
    world_run(loud, "[\"flood\",1,60000,100000]");
    while (loud->out_bytes < 10000000) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    for (int i = 1; i <= 20; i++) {
        uint64_t before = clock_mono_us();
        world_run(quiet, "[\"done\",\"ok\"]");
        while (kernel_state(quiet->kernel) == KERNEL_BUSY) {
            size_t seen = loud->out_bytes;
            (void)uv_run(&w.loop, UV_RUN_ONCE);
            CHECK(loud->out_bytes - seen <= 2 * 262144 + 131072);
        }
        CHECK(clock_mono_us() - before < 1000000);
    }
    CHECK(kernel_state(loud->kernel) == KERNEL_BUSY);
    world_close(&w);
}

static void a_kernel_sees_nothing_of_the_server(void)
{
    struct world w;
    (void)setenv("CLERK_SECRET_KEY", "sk_test_secret", 1);
    (void)setenv("TZ", "Europe/Prague", 1);
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"env\"],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(seen_is(s, "ready\nout 1 HOME LANG PATH TZ\ndone 1 ok\n"));
    world_close(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_violator_is_killed_and_told_why),
        TEST(output_before_ready_and_a_second_ready_break_the_protocol),
        TEST(a_kernel_that_never_gets_ready_is_killed),
        TEST(a_kernel_that_does_not_read_is_killed),
        TEST(a_flood_does_not_starve_the_others),
        TEST(a_kernel_sees_nothing_of_the_server),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

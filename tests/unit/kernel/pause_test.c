/* A paused kernel against the fake launcher: nothing comes, nothing is lost, and the order stays.
 */
#include <signal.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

#define SOME "[\"frame\",1,null,\"a\"],[\"fd\",1,\"b\"],[\"frame\",2,null,\"c\"],"
#define SOME_SEEN "out 1 a\nout 1 b\nerr 1 c\n"

static struct seen *paused_kernel(struct world *w)
{
    world_open(w, "normal", NULL);
    struct seen *s = world_ready_kernel(w, "normal");
    kernel_pause(s->kernel, true);
    return s;
}

static void what_is_written_while_paused_comes_afterwards_in_order(void)
{
    struct world w;
    struct seen *s = paused_kernel(&w);
    world_run(s, SOME "[\"done\",\"ok\"]");
    world_spin(&w, 100);
    CHECK(seen_is(s, "ready\n") && kernel_state(s->kernel) == KERNEL_BUSY);
    kernel_pause(s->kernel, false);
    CHECK(seen_is(s, "ready\n")); /* not inside the call */
    world_wait(s, "done 1 ok\n");
    CHECK(seen_is(s, "ready\n" SOME_SEEN "done 1 ok\n"));
    world_close(&w);
}

/* How it ends, and how that is told. */
static void an_end_while_paused_is_told_afterwards_and_last(void)
{
    static const struct {
        const char *steps, *words;
    } cases[] = {
        {"[\"exit\",3]", "gone The kernel exited with code 3.\n"},
        {"[\"kill\",9]", "gone The kernel was killed by signal 9 (SIGKILL)"},
        {"[\"fork\",0.5],[\"exit\",0]", "gone The kernel exited with code 0.\n"},
        {"[\"close\",\"ctl\"],[\"sleep\",60]", "gone The kernel closed its connection.\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct text steps = TEXT(1000);
        check_case(cases[i].steps);
        struct seen *s = paused_kernel(&w);
        text_addf(&steps, SOME "%s", cases[i].steps);
        world_run(s, steps.p);
        text_free(&steps);
        while (is_alive(s->pid)) { /* the end itself is not held up */
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        world_spin(&w, 100);
        CHECK(seen_is(s, "ready\n"));
        kernel_pause(s->kernel, false);
        world_wait(s, cases[i].words);
        CHECK(span_starts(text_span(&s->events), SPAN("ready\n" SOME_SEEN "gone ")));
        CHECK(kernel_state(s->kernel) == KERNEL_GONE);
        world_close(&w);
    }
}

/* More than the sockets hold: the kernel waits. */
static void a_paused_kernel_waits_in_its_write(void)
{
    struct world w;
    struct seen *s = paused_kernel(&w);
    s->counts_only = true;
    world_run(s, "[\"flood\",1,60000,500],[\"flood_fd\",1,5000000],[\"done\",\"ok\"]");
    world_spin(&w, 300);
    CHECK(s->out_bytes == 0 && kernel_state(s->kernel) == KERNEL_BUSY);
    kernel_pause(s->kernel, false);
    world_wait(s, "done 1 ok\n");
    CHECK(s->out_bytes == 35000000);
    world_close(&w);
}

static void pausing_over_and_over_loses_nothing(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    s->counts_only = true;
    world_run(s, "[\"flood\",1,1000,5000],[\"flood_fd\",1,3000000],[\"flood\",1,60000,50],"
                 "[\"done\",\"ok\"]");
    for (unsigned i = 0; kernel_state(s->kernel) == KERNEL_BUSY; i++) {
        kernel_pause(s->kernel, i % 3 != 0);
        (void)uv_run(&w.loop, UV_RUN_NOWAIT);
        kernel_pause(s->kernel, i % 3 == 0);
        (void)uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    CHECK(s->out_bytes == 11000000);
    world_close(&w);
}

static void a_kernel_paused_at_its_start_gets_ready_afterwards(void)
{
    struct world w;
    world_open(&w, "normal", &(struct launcher_options){.start_ms = 200});
    struct seen *s = world_kernel(&w, "normal");
    kernel_pause(s->kernel, true);
    world_spin(&w, 600); /* the time limit does not count */
    CHECK(seen_is(s, ""));
    kernel_pause(s->kernel, false);
    world_wait(s, "ready\n");
    struct seen *silent = world_kernel(&w, "silent");
    kernel_pause(silent->kernel, true);
    world_spin(&w, 100);
    kernel_pause(silent->kernel, false);
    world_wait(silent, "gone The kernel did not get ready in time.\n");
    world_close(&w);
}

static void a_paused_kernel_can_be_interrupted_and_closed(void)
{
    struct world w;
    struct seen *s = paused_kernel(&w);
    world_run(s, "[\"wait\"]");
    world_spin(&w, 100);
    kernel_interrupt(s->kernel);
    world_spin(&w, 100);
    CHECK(seen_is(s, "ready\n"));
    kernel_pause(s->kernel, false);
    world_wait(s, "done 1 interrupted\n");
    kernel_pause(s->kernel, true);
    kernel_pause(s->kernel, true);
    world_close(&w);
}

static void a_paused_kernel_that_breaks_the_protocol_on_ctl_is_gone_at_once(void)
{
    struct world w;
    struct seen *s = paused_kernel(&w);
    world_run(s, "[\"ctl\",\"ffffffffffffffffffffffffffffffff\"],[\"sleep\",60]");
    world_wait(s, "gone The kernel broke the protocol");
    kernel_pause(s->kernel, false);
    kernel_pause(s->kernel, true);
    world_close(&w);
}

static void a_second_interrupt_follows_the_first_that_was_caught(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"catch\"],[\"wait\"]");
    world_spin(&w, 200);
    uint64_t before = clock_mono_us();
    kernel_interrupt(s->kernel);
    world_wait(s, "done 1 interrupted\n");
    uint64_t elapsed = clock_mono_us() - before;
    CHECK(seen_has(s, "out 1 caught\n") && elapsed > 1900000 && elapsed < 3000000);
    world_run(s, "[\"wait\"]"); /* and none that follows a run which has ended */
    world_spin(&w, 200);
    kernel_interrupt(s->kernel);
    world_wait(s, "done 2 interrupted\n");
    world_run(s, "[\"sleep\",2.5],[\"done\",\"ok\"]");
    world_wait(s, "done 3 ok\n");
    world_close(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(what_is_written_while_paused_comes_afterwards_in_order),
        TEST(an_end_while_paused_is_told_afterwards_and_last),
        TEST(a_paused_kernel_waits_in_its_write),
        TEST(pausing_over_and_over_loses_nothing),
        TEST(a_kernel_paused_at_its_start_gets_ready_afterwards),
        TEST(a_paused_kernel_can_be_interrupted_and_closed),
        TEST(a_paused_kernel_that_breaks_the_protocol_on_ctl_is_gone_at_once),
        TEST(a_second_interrupt_follows_the_first_that_was_caught),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* A kernel against the fake launcher: its runs, and its end. hostile_test.c has the rest. */
#include <signal.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

/* --- the good --- */

static void a_kernel_gets_ready_and_runs(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    CHECK(kernel_state(s->kernel) == KERNEL_IDLE && s->pid > 1);
    world_run(
        s, "[\"frame\",1,null,\"hello\"],[\"frame\",2,null,\"oh\"],"
           "[\"json\",6,null,{\"data\":{\"text/plain\":\"2\"},\"metadata\":{}}],[\"done\",\"ok\"]");
    CHECK(kernel_state(s->kernel) == KERNEL_BUSY);
    world_wait(s, "done 1 ok\n");
    CHECK(kernel_state(s->kernel) == KERNEL_IDLE);
    CHECK(seen_is(s,
                  "ready\nout 1 hello\nerr 1 oh\n"
                  "result 1 {\"data\": {\"text/plain\": \"2\"}, \"metadata\": {}}\ndone 1 ok\n"));
    world_close(&w);
}

static void every_kind_of_message_becomes_an_event(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s,
              "[\"json\",3,null,{\"data\":{},\"metadata\":{},\"id\":\"a\"}],"
              "[\"json\",4,null,{\"data\":{},\"metadata\":{},\"id\":\"a\"}],"
              "[\"json\",5,null,{\"wait\":true}],"
              "[\"json\",7,null,{\"ename\":\"E\",\"evalue\":\"v\",\"line\":1,\"traceback\":\"t\"}],"
              "[\"done\",\"error\"]");
    world_wait(s, "done 1 error\n");
    CHECK(seen_has(s, "\ndisplay 1 {") && seen_has(s, "\nupdate 1 {"));
    CHECK(seen_has(s, "\nclear 1 {\"wait\": true}") && seen_has(s, "\nerror 1 {\"ename\": \"E\""));
    world_close(&w);
}

/* Runs the steps 50 times; every run must report exactly `events`: pairs of kind and text. */
static void check_order(const char *steps, const char *const *events)
{
    struct world w;
    struct text expected = TEXT(100000);
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    text_add(&expected, SPAN("ready\n"));
    for (int i = 1; i <= 50; i++) {
        world_run(s, steps);
        while (kernel_state(s->kernel) == KERNEL_BUSY) {
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        for (size_t e = 0; events[e] != NULL; e += 2) {
            text_addf(&expected, "%s %d %s\n", events[e], i, events[e + 1]);
        }
    }
    CHECK(seen_is(s, expected.p));
    text_free(&expected);
    world_close(&w);
}

static void raw_output_comes_before_the_frame_that_follows_it(void)
{
    static const char *const events[] = {"out", "a", "err", "b", "out", "c", "done", "ok", NULL};
    check_order("[\"fd\",1,\"a\"],[\"fd\",2,\"b\"],[\"frame\",1,null,\"c\"],[\"done\",\"ok\"]",
                events);
}

static void raw_output_comes_after_the_frame_before_it(void)
{
    static const char *const events[] = {"out", "a", "out", "b", "done", "ok", NULL};
    check_order("[\"frame\",1,null,\"a\"],[\"fd\",1,\"b\"],[\"done\",\"ok\"]", events);
}

static void a_sequence_cut_by_two_writes_is_joined(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"fd\",1,\"x\\u00e2\\u0082\"],[\"sleep\",0.1],[\"fd\",1,\"\\u00ac!\"],"
                 "[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(seen_is(s, "ready\nout 1 x\nout 1 \xE2\x82\xAC!\ndone 1 ok\n"));
    world_close(&w);
}

static void a_sequence_that_is_never_completed_is_replaced_in_its_run(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"fd\",2,\"x\\u00e2\"],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(seen_is(s, "ready\nerr 1 x\nerr 1 \xEF\xBF\xBD\ndone 1 ok\n"));
    world_close(&w);
}

static void late_output_keeps_its_run_and_only_the_current_run_can_be_done(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    world_run(s,
              "[\"frame\",1,1,\"late\"],[\"json\",8,1,{\"status\":\"ok\",\"ms\":1}],"
              "[\"json\",8,0,{\"status\":\"ok\",\"ms\":1}],[\"frame\",1,0,\"nobody\"],"
              "[\"sleep\",0.1],[\"frame\",1,null,\"now\"],[\"done\",\"ok\"],[\"done\",\"error\"]");
    world_wait(s, "done 2 ok\n");
    world_spin(&w, 50);
    CHECK(seen_is(s, "ready\ndone 1 ok\nout 1 late\nout 0 nobody\nout 2 now\ndone 2 ok\n"));
    world_close(&w);
}

static void input_is_answered(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"input\"],[\"done\",\"ok\"]");
    world_wait(s, "input 1 {\"prompt\": \"? \", \"password\": false}\n");
    kernel_input(s->kernel, SPAN("d\xC3\xA9j\xC3\xA0 \"vu\"\n"));
    world_wait(s, "done 1 ok\n");
    CHECK(seen_has(s, "out 1 d\xC3\xA9j\xC3\xA0 \"vu\"\n"));
    world_close(&w);
}

static void names_are_dropped_in_any_state(void)
{
    struct world w;
    world_open(&w, "slow", NULL);
    struct seen *s = world_kernel(&w, "normal");
    kernel_drop(s->kernel, SPAN("{\"names\":[\"early\"]}"));
    world_wait(s, "out 0 dropped {\"names\":[\"early\"]}\n");
    kernel_drop(s->kernel, SPAN("{\"names\":[\"idle\"]}"));
    world_wait(s, "idle");
    world_run(s, "[\"exit\",0]");
    kernel_drop(s->kernel, SPAN("{\"names\":[\"busy\"]}"));
    world_wait(s, "gone ");
    kernel_drop(s->kernel, SPAN("{\"names\":[\"gone\"]}"));
    kernel_input(s->kernel, SPAN("x"));
    kernel_interrupt(s->kernel);
    world_close(&w);
}

static void an_interrupt_reaches_a_busy_kernel_only(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    kernel_interrupt(s->kernel); /* idle: would kill the fake */
    world_spin(&w, 50);
    world_run(s, "[\"frame\",1,null,\"waiting\"],[\"wait\"]");
    world_wait(s, "waiting");
    world_spin(&w, 50);
    kernel_interrupt(s->kernel);
    world_wait(s, "done 1 interrupted\n");
    world_close(&w);
}

static void a_large_output_passes_and_its_memory_is_given_back(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"large\",16700000],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(s->events.n > 16700000);
    world_run(s, "[\"frame\",1,null,\"after\"],[\"done\",\"ok\"]");
    world_wait(s, "out 2 after\n");
    world_close(&w);
}

static void an_output_that_is_too_deep_is_left_out(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"deep\",5000],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(seen_has(s, "err 1 An output was left out: it has too many values, or is nested"));
    world_close(&w);
}

/* --- the end --- */

static void output_before_the_end_survives(void)
{
    static const struct {
        const char *steps, *end;
    } cases[] = {
        {"[\"frame\",1,null,\"last words\"],[\"exit\",3]", "gone The kernel exited with code 3.\n"},
        {"[\"fd\",1,\"last words\"],[\"exit\",0]", "gone The kernel exited with code 0.\n"},
        {"[\"fd\",1,\"last words\"],[\"kill\",9]", "killed by signal 9 (SIGKILL); its peak memory"},
        {"[\"frame\",1,null,\"last words\"],[\"kill\",11]", "killed by signal 11 (SIGSEGV); its"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        check_case(cases[i].steps);
        world_open(&w, "normal", NULL);
        struct seen *s = world_ready_kernel(&w, "normal");
        world_run(s, cases[i].steps);
        world_wait(s, "gone ");
        CHECK(kernel_state(s->kernel) == KERNEL_GONE);
        CHECK(seen_has(s, "out 1 last words\n") && seen_has(s, cases[i].end));
        world_close(&w);
    }
}

static void much_output_before_the_end_survives(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    s->counts_only = true;
    world_run(s, "[\"flood\",1,1000,2000],[\"flood_fd\",1,3000000],[\"exit\",1]");
    world_wait(s, "gone The kernel exited with code 1.\n");
    CHECK(s->out_bytes == 5000000);
    world_close(&w);
}

static void a_kernel_may_end_before_it_is_ready(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_kernel(&w, "exits");
    world_wait(s, "gone ");
    CHECK(seen_is(s, "err 0 cannot begin\ngone The kernel exited with code 71.\n"));
    struct seen *half = world_kernel(&w, "halfway");
    world_wait(half, "gone ");
    CHECK(seen_is(half, "gone The kernel exited with code 5.\n"));
    world_close(&w);
}

static void an_end_in_the_middle_of_a_frame_is_an_end(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"hex\",\"ff00000001000000010000000000000061626364\"],[\"exit\",7]");
    world_wait(s, "gone ");
    CHECK(seen_is(s, "ready\ngone The kernel exited with code 7.\n"));
    world_close(&w);
}

/* Death does not end the stream: a forked child holds the descriptors. */
static void death_is_known_even_while_a_child_holds_the_pipes(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    uint64_t before = clock_mono_us();
    world_run(s, "[\"fork\",3],[\"frame\",1,null,\"bye\"],[\"exit\",0]");
    world_wait(s, "gone The kernel exited with code 0.\n");
    CHECK(seen_has(s, "out 1 bye\n"));
    CHECK(clock_mono_us() - before < 2000000);
    world_close(&w);
}

/* The end of the stream is not death: but the kernel is of no use any more. */
static void a_kernel_that_closes_its_sockets_is_killed(void)
{
    static const char *const cases[] = {"[\"close\",\"out\"],[\"sleep\",60]",
                                        "[\"close\",\"ctl\"],[\"sleep\",60]"};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        check_case(cases[i]);
        world_open(&w, "normal", NULL);
        struct seen *s = world_ready_kernel(&w, "normal");
        world_run(s, cases[i]);
        world_wait(s, "gone The kernel closed its connection.\n");
        world_close(&w);
    }
}

static void closing_descriptors_1_and_2_harms_nothing(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"fd\",1,\"a\"],[\"close\",1],[\"close\",2],[\"sleep\",0.2],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    CHECK(seen_is(s, "ready\nout 1 a\ndone 1 ok\n"));
    world_close(&w);
}

static void closing_kills_a_kernel_that_ignores_signals(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"ignore\"],[\"frame\",1,null,\"deaf\"],[\"sleep\",60]");
    world_wait(s, "deaf");
    kernel_interrupt(s->kernel);
    world_spin(&w, 50);
    CHECK(is_alive(s->pid));
    world_close(&w);
}

static void a_kernel_may_be_closed_at_any_moment(void)
{
    struct world w;
    world_open(&w, "slow", NULL);
    struct seen *never = world_kernel(&w, "normal");
    never->close_on_any = true;
    struct seen *queued = world_kernel(&w, "normal");
    struct kernel *k = queued->kernel;
    queued->kernel = NULL;
    queued->closed = true;
    kernel_close(k, NULL, NULL); /* the launcher is not even warm */
    world_wait_closed(never);    /* inside the event that it is ready */
    for (unsigned i = 0; i < 10; i++) {
        struct seen *s = world_kernel(&w, "normal");
        s->close_on_any = true;
        world_spin(&w, 2 * i);
    }
    world_close(&w);
}

static void a_kernel_may_be_closed_inside_every_event(void)
{
    static const char *const cases[] = {
        "[\"frame\",1,null,\"x\"],[\"frame\",1,null,\"y\"]",
        "[\"fd\",1,\"x\"],[\"fd\",2,\"x\"],[\"frame\",1,null,\"y\"],[\"done\",\"ok\"]",
        "[\"fd\",1,\"\\u00e2\"],[\"done\",\"ok\"]",
        "[\"done\",\"ok\"]",
        "[\"flood\",1,60000,100]",
        "[\"exit\",0]",
        "[\"hex\",\"ffffffffffffffffffffffffffffffff\"]",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        check_case(cases[i]);
        world_open(&w, "normal", NULL);
        struct seen *s = world_ready_kernel(&w, "normal");
        s->close_on_any = true;
        world_run(s, cases[i]);
        world_wait_closed(s);
        world_close(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_kernel_gets_ready_and_runs),
        TEST(every_kind_of_message_becomes_an_event),
        TEST(raw_output_comes_before_the_frame_that_follows_it),
        TEST(raw_output_comes_after_the_frame_before_it),
        TEST(a_sequence_cut_by_two_writes_is_joined),
        TEST(a_sequence_that_is_never_completed_is_replaced_in_its_run),
        TEST(late_output_keeps_its_run_and_only_the_current_run_can_be_done),
        TEST(input_is_answered),
        TEST(names_are_dropped_in_any_state),
        TEST(an_interrupt_reaches_a_busy_kernel_only),
        TEST(a_large_output_passes_and_its_memory_is_given_back),
        TEST(an_output_that_is_too_deep_is_left_out),
        TEST(output_before_the_end_survives),
        TEST(much_output_before_the_end_survives),
        TEST(a_kernel_may_end_before_it_is_ready),
        TEST(an_end_in_the_middle_of_a_frame_is_an_end),
        TEST(death_is_known_even_while_a_child_holds_the_pipes),
        TEST(a_kernel_that_closes_its_sockets_is_killed),
        TEST(closing_descriptors_1_and_2_harms_nothing),
        TEST(closing_kills_a_kernel_that_ignores_signals),
        TEST(a_kernel_may_be_closed_at_any_moment),
        TEST(a_kernel_may_be_closed_inside_every_event),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

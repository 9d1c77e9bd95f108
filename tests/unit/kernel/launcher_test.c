/* The launcher's life, against fakes that break it. */
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

static void wait_until_warm(struct world *w)
{
    while (!launcher_is_warm(w->launcher)) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
}

static void it_gets_warm_and_closes(void)
{
    struct world w;
    world_open(&w, "slow", NULL);
    CHECK(!launcher_is_warm(w.launcher));
    wait_until_warm(&w);
    world_close(&w);
}

static void it_may_be_closed_before_it_is_warm(void)
{
    static const char *const modes[] = {"normal", "never-ready", "dies-at-once"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct world w;
        check_case(modes[i]);
        world_open(&w, modes[i], NULL);
        uint64_t before = clock_mono_us();
        world_close(&w);
        CHECK(clock_mono_us() - before < 1000000);
    }
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static void an_interpreter_that_is_missing_is_told_at_once(void)
{
    uv_loop_t loop;
    struct launcher *l = NULL;
    struct launcher_options o = {.python = "/nonexistent/python", .script_dir = "/nonexistent"};
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(launcher_open(&l, &loop, &o) == ERR_UNAVAILABLE && l == NULL);
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&loop) == 0);
}

static void it_is_started_again_but_not_too_often(void)
{
    struct world w;
    world_open(&w, "dies-at-once", NULL);
    world_spin(&w, 2600);
    CHECK(world_starts(&w) >= 2 && world_starts(&w) <= 3);
    world_close(&w);
}

static void a_kernel_of_a_launcher_that_fails_is_gone_and_told_why(void)
{
    static const struct {
        const char *mode, *words;
        struct launcher_options options;
    } cases[] = {
        {"dies-at-once", "gone The kernel launcher stopped; the kernel ended with it.\n", {0}},
        {"dies-when-asked", "gone The kernel launcher stopped; the kernel ended with it.\n", {0}},
        {"never-ready", "gone The kernel launcher did not get ready in time.\n", {.warm_ms = 200}},
        {"mute",
         "gone The kernel launcher stopped answering; the kernel ended with it.\n",
         {.answer_ms = 200}},
        {"garbage",
         "gone The kernel launcher broke its protocol; the kernel ended with it.\n",
         {0}},
        {"wrong-report",
         "gone The kernel launcher broke its protocol; the kernel ended with it.\n",
         {0}},
        {"fails-spawn", "gone The kernel could not be started: no more processes.\n", {0}},
        {"talks-after-death",
         "gone The kernel was killed by signal 9 (SIGKILL); its peak memory"
         " was 2 MB.\n",
         {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        check_case(cases[i].mode);
        world_open(&w, cases[i].mode, &cases[i].options);
        struct seen *a = world_kernel(&w, "normal");
        struct seen *b = world_kernel(&w, "silent");
        CHECK(!seen_has(a, "gone")); /* never inside kernel_open */
        world_wait(a, "gone ");
        CHECK(seen_has(a, cases[i].words)); /* it may have got ready before */
        world_wait(b, "gone ");
        a->pid = b->pid = 0; /* only the real launcher's children die with it */
        world_close(&w);
    }
}

static void kernels_work_again_after_a_launcher_died(void)
{
    struct world w;
    world_open(&w, "dies-once", NULL);
    struct seen *first = world_kernel(&w, "normal");
    world_wait(first, "gone ");
    struct seen *second = world_kernel(&w, "normal"); /* waits for the next launcher */
    world_wait(second, "ready\n");
    world_run(second, "[\"done\",\"ok\"]");
    world_wait(second, "done 1 ok\n");
    CHECK(world_starts(&w) == 2);
    world_close(&w);
}

/* `answer_ms` after the kill it is clear that the launcher does not obey. */
static void a_launcher_that_does_not_kill_is_killed(void)
{
    struct world w;
    world_open(&w, "deaf", &(struct launcher_options){.answer_ms = 300});
    struct seen *s = world_ready_kernel(&w, "normal");
    struct seen *bystander = world_ready_kernel(&w, "normal");
    world_run(s, "[\"frame\",1,null,\"busy\"],[\"sleep\",3]"); /* does not leave by itself */
    world_wait(s, "busy");
    bool closed = false;
    kernel_close(s->kernel, on_closed, &closed);
    s->kernel = NULL;
    s->closed = true;
    s->pid = 0; /* only the real launcher's children die with it */
    bystander->pid = 0;
    world_wait(bystander,
               "gone The kernel launcher stopped answering; the kernel ended with it.\n");
    CHECK(closed);
    world_close(&w);
}

/* More than it is told of at a time. */
static void many_kernels_start_at_once(void)
{
    struct world w;
    world_open(&w, "slow", NULL);
    for (int i = 0; i < WORLD_KERNELS; i++) {
        (void)world_kernel(&w, "normal");
    }
    for (int i = 0; i < WORLD_KERNELS; i++) {
        world_wait(&w.kernels[i], "ready\n");
        world_run(&w.kernels[i], "[\"done\",\"ok\"]");
    }
    for (int i = 0; i < WORLD_KERNELS; i++) {
        world_wait(&w.kernels[i], "done 1 ok\n");
    }
    world_close(&w);
}

static void descriptors_do_not_leak(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *first = world_ready_kernel(&w, "normal");
    world_run(first, "[\"fds\"],[\"exit\",0]");
    world_wait(first, "gone ");
    for (int i = 0; i < 5; i++) {
        struct seen *s = world_ready_kernel(&w, "normal");
        world_run(s, "[\"fds\"],[\"exit\",0]");
        world_wait(s, "gone ");
        CHECK(seen_is(s, first->events.p)); /* the same number of open files */
    }
    world_close(&w);
}

static size_t count_descriptors(void)
{
    struct world w;
    int64_t count = 0;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"fds\"],[\"done\",\"ok\"]");
    world_wait(s, "done 1 ok\n");
    struct span number = text_span(&s->events); /* "ready\nout 1 9\ndone" */
    (void)span_cut(&number, '1');
    CHECK(span_to_int(span_trim(span_cut(&number, '\n')), &count) && count > 3);
    world_close(&w);
    return (size_t)count;
}

/* Though libraries open some that would be. */
static void descriptors_of_the_server_are_not_inherited(void)
{
    int leaking[2];
    size_t before = count_descriptors();
    CHECK(pipe2(leaking, 0) == 0);
    CHECK(count_descriptors() == before);
    CHECK(close(leaking[0]) == 0 && close(leaking[1]) == 0);
}

static void interrupts_without_end_do_no_harm(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"ignore\"],[\"frame\",1,null,\"deaf\"],[\"sleep\",0.3],[\"done\",\"ok\"]");
    world_wait(s, "deaf");
    for (int i = 0; i < 20000; i++) {
        kernel_interrupt(s->kernel);
    }
    world_wait(s, "done 1 ok\n");
    world_close(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(it_gets_warm_and_closes),
        TEST(it_may_be_closed_before_it_is_warm),
        TEST(an_interpreter_that_is_missing_is_told_at_once),
        TEST(it_is_started_again_but_not_too_often),
        TEST(a_kernel_of_a_launcher_that_fails_is_gone_and_told_why),
        TEST(kernels_work_again_after_a_launcher_died),
        TEST(a_launcher_that_does_not_kill_is_killed),
        TEST(many_kernels_start_at_once),
        TEST(descriptors_do_not_leak),
        TEST(descriptors_of_the_server_are_not_inherited),
        TEST(interrupts_without_end_do_no_harm),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

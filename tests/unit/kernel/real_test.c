/* The real launcher, kernels and analyser, in Python. */
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

/* --- helpers --- */

static struct seen *open_kernel(struct world *w)
{
    return world_ready_kernel(w, "notebook");
}

static void run(struct seen *s, const char *code)
{
    struct text request = TEXT(100000);
    struct json_writer w = JSON_WRITER(&request);
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("python"));
    json_member_string(&w, SPAN("label"), SPAN("Cell [1]"));
    json_member_string(&w, SPAN("code"), span_str(code));
    json_member_raw(&w, SPAN("drop"), SPAN("[]"));
    json_close_object(&w);
    kernel_execute(s->kernel, ++s->run, text_span(&request));
    text_free(&request);
}

static void run_to_end(struct seen *s, const char *code)
{
    run(s, code);
    while (kernel_state(s->kernel) == KERNEL_BUSY) {
        (void)uv_run(&s->world->loop, UV_RUN_ONCE);
    }
}

/* --- cases: each with kernels of its own --- */

static void an_expression_has_a_result(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "1+1");
    CHECK(seen_has(s, "result 1 {") && seen_has(s, "\"text/plain\"") && seen_has(s, "\"2\""));
    CHECK(seen_has(s, "done 1 ok\n"));
}

static void output_of_all_kinds_is_in_order(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "import os, subprocess, sys\n"
                  "os.write(1, b'a')\nsubprocess.run(['echo', '-n', 'b'])\n"
                  "print('c', end='', flush=True)\nprint('d', file=sys.stderr, end='')");
    struct text out = TEXT(1000);
    struct span rest = text_span(&s->events);
    while (!span_is_null(rest)) {
        struct span line = span_cut(&rest, '\n');
        if (span_starts(line, SPAN("out 1 "))) {
            text_add(&out, span_sub(line, 6, line.n));
        }
    }
    CHECK(span_eq(text_span(&out), SPAN("abc")) && seen_has(s, "err 1 d\n"));
    CHECK(seen_has(s, "done 1 ok\n"));
    text_free(&out);
}

static void an_error_names_its_line(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "x = 1\n1/0");
    CHECK(seen_has(s, "error 1 {") && seen_has(s, "ZeroDivisionError"));
    CHECK(seen_has(s, "done 1 error\n"));
    run_to_end(s, "x");
    CHECK(seen_has(s, "result 2 {") && seen_has(s, "done 2 ok\n"));
}

static void a_sleep_is_interrupted(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "y = 5\nprint('sleeping', flush=True)\nimport time\ntime.sleep(60)");
    world_wait(s, "sleeping");
    uint64_t before = clock_mono_us();
    kernel_interrupt(s->kernel);
    world_wait(s, "done 1 interrupted\n");
    CHECK(clock_mono_us() - before < 2000000);
    run_to_end(s, "y");
    CHECK(seen_has(s, "\"5\"") && seen_has(s, "done 2 ok\n"));
}

static void names_are_dropped(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "z = 1");
    kernel_drop(s->kernel, SPAN("{\"names\":[\"z\"]}"));
    run_to_end(s, "z");
    CHECK(seen_has(s, "NameError") && seen_has(s, "done 2 error\n"));
}

static void input_is_asked_for(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "print('got', input('name? '))");
    world_wait(s, "input 1 {");
    kernel_input(s->kernel, SPAN("Ada"));
    world_wait(s, "done 1 ok\n");
    CHECK(seen_has(s, "got Ada"));
}

static void an_exit_is_told_with_what_came_before(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "import os\nprint('before')\nos._exit(3)");
    world_wait(s, "gone ");
    CHECK(seen_has(s, "before") && seen_has(s, "gone The kernel exited with code 3.\n"));
}

static void a_crash_is_told_with_what_came_before(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "import ctypes\nprint('before')\nctypes.string_at(0)");
    world_wait(s, "gone ");
    CHECK(seen_has(s, "before") && seen_has(s, "killed by signal 11 (SIGSEGV)"));
}

static void a_kernel_killed_from_outside_is_gone_and_others_live(struct world *w)
{
    struct seen *s = open_kernel(w);
    struct seen *other = world_ready_kernel(w, "other");
    CHECK(kill((pid_t)s->pid, SIGKILL) == 0);
    world_wait(s, "gone The kernel was killed by signal 9 (SIGKILL)");
    run_to_end(other, "'alive'");
    CHECK(seen_has(other, "alive"));
}

static void on_closed(void *data)
{
    struct seen *s = data;
    s->closed = true;
}

/* What it has started is gone as well. */
static void closing_leaves_no_process(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "import subprocess\np = subprocess.Popen(['sleep', '60'])\nprint('pid', p.pid)");
    int64_t pid = 0;
    struct span events = text_span(&s->events);
    const char *at = memmem(events.p, events.n, "pid ", 4);
    CHECK(at != NULL);
    struct span number = span_of(at + 4, (size_t)(events.p + events.n - at - 4));
    CHECK(span_to_int(span_cut(&number, '\n'), &pid) && is_alive(pid));
    kernel_close(s->kernel, on_closed, s);
    s->kernel = NULL;
    world_wait_closed(s);
    CHECK(!is_alive(s->pid));
    for (int i = 0; i < 100 && is_alive(pid); i++) {
        uv_sleep(10);
    }
    CHECK(!is_alive(pid));
}

static void a_user_who_writes_into_the_protocol_is_cut_off(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "import os\nfor fd in range(3, 300):\n"
           "    try: os.write(fd, b'\\xff' * 64)\n"
           "    except OSError: pass\n"
           "import time; time.sleep(5)");
    world_wait(s, "gone The kernel broke the protocol: it sent ");
}

/* --- questions, floods, interrupts --- */

struct told {
    bool done;
    enum err e;
    struct text raw;
};

static void on_answer(void *data, enum err e, const struct json *answer)
{
    struct told *t = data;
    t->done = true;
    t->e = e;
    t->raw = TEXT(1000000);
    if (answer != NULL) {
        text_add(&t->raw, answer->raw);
    }
}

/* Whether the answer holds `words`; NULL: whether there is none. */
static bool is_told(struct seen *s, enum kernel_question what, const char *request,
                    const char *words)
{
    struct told t = {0};
    kernel_ask(s->kernel, what, span_str(request), on_answer, &t);
    while (!t.done) {
        (void)uv_run(&s->world->loop, UV_RUN_ONCE);
    }
    bool told = words == NULL ? t.e == ERR_UNAVAILABLE
                              : t.e == OK && span_has(text_span(&t.raw), span_str(words));
    text_free(&t.raw);
    return told;
}

static void questions_are_answered_while_a_run_computes(struct world *w)
{
    struct seen *s = open_kernel(w);
    run_to_end(s, "alpha = [1, 2, 3]\ndef area(width): pass");
    run(s, "while True: pass");
    CHECK(is_told(s, KERNEL_COMPLETE, "{\"code\":\"alp\",\"cursor\":3}", "\"alpha\""));
    CHECK(is_told(s, KERNEL_INSPECT, "{\"code\":\"area\",\"cursor\":4}", "(width)"));
    CHECK(is_told(s, KERNEL_VARIABLES, "{}", "\"preview\":\"3 items\""));
    CHECK(kernel_state(s->kernel) == KERNEL_BUSY);
    kernel_interrupt(s->kernel);
    world_wait(s, "done 2 interrupted\n");
}

static void c_code_that_holds_the_interpreter_has_no_answer(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "import ctypes\nprint('held', flush=True)\nctypes.PyDLL(None).usleep(2600000)\n"
           "print('undisturbed')");
    world_wait(s, "held");
    CHECK(is_told(s, KERNEL_VARIABLES, "{}", NULL));
    world_wait(s, "done 1 ok\n");
    CHECK(seen_has(s, "undisturbed") && is_told(s, KERNEL_VARIABLES, "{}", "\"ctypes\""));
}

static void an_interrupt_that_is_caught_once_is_repeated(struct world *w)
{
    struct seen *s = open_kernel(w);
    run(s, "kept = 6\nprint('on', flush=True)\nimport time\n"
           "try:\n    while True: pass\nexcept KeyboardInterrupt: pass\ntime.sleep(60)");
    world_wait(s, "on");
    kernel_interrupt(s->kernel);
    world_wait(s, "done 1 interrupted\n");
    run_to_end(s, "kept * 7");
    CHECK(seen_has(s, "\"42\""));
}

static void a_paused_flood_is_answered_and_interrupted(struct world *w)
{
    struct seen *s = open_kernel(w);
    s->counts_only = true;
    run(s, "n = 0\nwhile True:\n    print('x' * 1000)\n    n += 1");
    while (s->out_bytes < 1000000) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    kernel_pause(s->kernel, true);
    size_t seen = s->out_bytes;
    world_spin(w, 300);
    CHECK(s->out_bytes == seen);
    CHECK(is_told(s, KERNEL_VARIABLES, "{}", "\"name\":\"n\""));
    kernel_interrupt(s->kernel);
    world_spin(w, 300);
    kernel_pause(s->kernel, false);
    world_wait(s, "done 1 interrupted\n");
}

static uint64_t cpu_us(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* 100 MB; each turn of the loop is timed in its own CPU time, as others use the machine too. The
 * callback counts only. */
static void a_flood_leaves_the_loop_its_turns(struct world *w)
{
    struct seen *s = open_kernel(w);
    uint64_t longest = 0;
    uint64_t began = clock_mono_us();
    s->counts_only = true;
    run(s, "for _ in range(1000000): print('x' * 99)");
    while (kernel_state(s->kernel) == KERNEL_BUSY) {
        size_t seen = s->out_bytes;
        uint64_t before = cpu_us();
        (void)uv_run(&w->loop, UV_RUN_NOWAIT);
        uint64_t turn = cpu_us() - before;
        longest = turn > longest ? turn : longest;
        CHECK(s->out_bytes - seen <= (size_t)3 * 262144);
    }
    CHECK(s->out_bytes == 100000000);
    fprintf(stderr, "# 100 MB in %llu ms, longest turn %llu us\n",
            (unsigned long long)(clock_mono_us() - began) / 1000, (unsigned long long)longest);
}

/* --- the analyser --- */

struct found {
    bool done;
    enum err e;
    struct text words;
};

static void on_analysis(void *data, enum err e, const struct analysis *a)
{
    struct found *f = data;
    f->done = true;
    f->e = e;
    f->words = TEXT(10000);
    for (size_t i = 0; a != NULL && i < a->read_count; i++) {
        text_addf(&f->words, "<%.*s", SPAN_ARGS(a->reads[i]));
    }
    for (size_t i = 0; a != NULL && i < a->write_count; i++) {
        text_addf(&f->words, ">%.*s", SPAN_ARGS(a->writes[i]));
    }
    text_addf(&f->words, "!%.*s", a == NULL ? 0 : (int)a->error.n,
              a == NULL || a->error.p == NULL ? "" : a->error.p);
}

static void the_analyser_tells_names_and_syntax_errors(void)
{
    static const struct {
        const char *code, *words;
    } cases[] = {
        {"y = x + 5", "<x>y!"},
        {"import pandas as pd\ndf = pd.DataFrame({'a': [n]})", "<n>df>pd!"},
        {"", "!"},
        {"def f():\n    return g(1)", "<g>f!"},
    };
    struct world w;
    world_open_real(&w, KERNEL_DIR);
    w.analyser = analyser_open(w.launcher);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct found f = {0};
        check_case(cases[i].code);
        analyser_ask(w.analyser, span_str(cases[i].code), on_analysis, &f);
        while (!f.done) {
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        CHECK(f.e == OK && strcmp(f.words.p, cases[i].words) == 0);
        text_free(&f.words);
    }
    struct found f = {0};
    analyser_ask(w.analyser, SPAN("1 +"), on_analysis, &f);
    while (!f.done) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    CHECK(f.e == OK && strstr(f.words.p, "SyntaxError") != NULL);
    text_free(&f.words);
    world_close(&w);
}

/* One launcher for all of them: it takes seconds to get warm. */
static void the_real_launcher_serves(void)
{
    static const struct {
        const char *name;
        void (*run)(struct world *w);
    } cases[] = {
#define CASE(fn) {#fn, fn}
        CASE(an_expression_has_a_result),
        CASE(output_of_all_kinds_is_in_order),
        CASE(an_error_names_its_line),
        CASE(a_sleep_is_interrupted),
        CASE(names_are_dropped),
        CASE(input_is_asked_for),
        CASE(questions_are_answered_while_a_run_computes),
        CASE(c_code_that_holds_the_interpreter_has_no_answer),
        CASE(an_interrupt_that_is_caught_once_is_repeated),
        CASE(a_paused_flood_is_answered_and_interrupted),
        CASE(a_flood_leaves_the_loop_its_turns),
        CASE(an_exit_is_told_with_what_came_before),
        CASE(a_crash_is_told_with_what_came_before),
        CASE(a_kernel_killed_from_outside_is_gone_and_others_live),
        CASE(closing_leaves_no_process),
        CASE(a_user_who_writes_into_the_protocol_is_cut_off),
    };
    struct world w;
    world_open_real(&w, KERNEL_DIR);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].name);
        cases[i].run(&w);
    }
    world_close(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_real_launcher_serves),
        TEST(the_analyser_tells_names_and_syntax_errors),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

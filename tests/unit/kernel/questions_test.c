/* Questions to a fake kernel: each has one answer, whatever happens. */
#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

#define ANSWER "{\"variables\":[],\"truncated\":false}"
#define ANSWERED "{\"reply\":" ANSWER "}"
#define HELD "{\"hold\":true,\"reply\":" ANSWER "}"

struct told {
    int times;
    enum err e;
    struct seen *closes, *asks; /* inside the callback */
    bool inside;                /* of kernel_ask */
};

static void on_closed(void *data)
{
    struct seen *s = data;
    s->closed = true;
}

static void on_answer(void *data, enum err e, const struct json *answer)
{
    struct told *t = data;
    CHECK(!t->inside && (e == OK) == (answer != NULL));
    CHECK(answer == NULL || json_get(answer, SPAN("variables")) != NULL);
    t->times++;
    t->e = e;
    if (t->asks != NULL && t->times < 3) {
        kernel_ask(t->asks->kernel, KERNEL_VARIABLES, SPAN(ANSWERED), on_answer, t);
    }
    if (t->closes != NULL) {
        kernel_close(t->closes->kernel, on_closed, t->closes);
        t->closes->kernel = NULL;
    }
}

static void ask(struct seen *s, struct told *t, const char *request)
{
    t->inside = true;
    kernel_ask(s->kernel, KERNEL_VARIABLES, span_str(request), on_answer, t);
    t->inside = false;
}

static void wait_for(struct seen *s, const struct told *t)
{
    while (t->times == 0) {
        (void)uv_run(&s->world->loop, UV_RUN_ONCE);
    }
}

static void a_question_is_answered_once_idle_or_busy(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    for (int i = 0; i < 100; i++) {
        struct told t = {0};
        ask(s, &t, ANSWERED);
        wait_for(s, &t);
        CHECK(t.times == 1 && t.e == OK);
    }
    world_close(&w);
}

/* In whatever order they come. */
static void each_question_gets_its_own_answer(void)
{
    struct world w;
    struct told t[4] = {0};
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    ask(s, &t[0], HELD);
    ask(s, &t[1], HELD);
    ask(s, &t[2], "{}");
    ask(s, &t[3], ANSWERED);
    wait_for(s, &t[3]);
    wait_for(s, &t[1]);
    CHECK(t[0].times == 1 && t[0].e == OK && t[1].e == OK && t[3].e == OK && t[2].times == 0);
    world_close(&w);
    CHECK(t[2].times == 1 && t[2].e == ERR_CANCELED);
}

/* And what comes late is dropped. */
static void silence_is_unavailable_after_two_seconds(void)
{
    struct world w;
    struct told t[2] = {0};
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    uint64_t before = clock_mono_us();
    ask(s, &t[0], HELD);
    wait_for(s, &t[0]);
    uint64_t elapsed = clock_mono_us() - before;
    CHECK(t[0].e == ERR_UNAVAILABLE && elapsed > 1900000 && elapsed < 3000000);
    ask(s, &t[1], ANSWERED); /* the late one follows it */
    wait_for(s, &t[1]);
    world_spin(&w, 100);
    CHECK(t[0].times == 1 && t[1].times == 1 && t[1].e == OK);
    CHECK(kernel_state(s->kernel) == KERNEL_IDLE);
    world_close(&w);
}

static void a_kernel_that_starts_or_is_gone_is_unavailable(void)
{
    struct world w;
    struct told t[3] = {0};
    world_open(&w, "normal", NULL);
    struct seen *s = world_kernel(&w, "normal");
    ask(s, &t[0], ANSWERED);
    wait_for(s, &t[0]);
    world_wait(s, "ready\n");
    ask(s, &t[1], "{}");
    world_run(s, "[\"exit\",3]");
    world_wait(s, "gone ");
    ask(s, &t[2], ANSWERED);
    wait_for(s, &t[1]);
    wait_for(s, &t[2]);
    for (int i = 0; i < 3; i++) {
        CHECK(t[i].times == 1 && t[i].e == ERR_UNAVAILABLE);
    }
    world_close(&w);
}

static void too_many_questions_are_refused(void)
{
    struct world w;
    struct told t[KERNEL_QUESTIONS_MAX + 5] = {0};
    struct told after = {0};
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    for (int i = 0; i < KERNEL_QUESTIONS_MAX + 5; i++) {
        ask(s, &t[i], "{}");
    }
    wait_for(s, &t[KERNEL_QUESTIONS_MAX + 4]);
    for (int i = 0; i < KERNEL_QUESTIONS_MAX + 5; i++) {
        bool fits = i < KERNEL_QUESTIONS_MAX;
        CHECK(t[i].times == (fits ? 0 : 1) && (fits || t[i].e == ERR_LIMIT));
    }
    wait_for(s, &t[KERNEL_QUESTIONS_MAX - 1]);
    CHECK(t[0].times == 1 && t[0].e == ERR_UNAVAILABLE);
    ask(s, &after, ANSWERED);
    wait_for(s, &after);
    CHECK(after.e == OK);
    world_close(&w);
}

/* A kernel that is stuck in C code reads nothing: it must not be taken for one that is broken. */
static void questions_that_nobody_reads_do_not_pile_up(void)
{
    struct world w;
    struct told t = {0};
    struct text big = TEXT(2000000);
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    world_run(s, "[\"sleep\",4],[\"done\",\"ok\"]");
    text_addf(&big, "{\"x\":\"%01000000d\"}", 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            ask(s, &t, big.p);
        }
        world_spin(&w, 50);
    }
    CHECK(t.times >= 50 && t.e == ERR_UNAVAILABLE);
    world_wait(s, "done 1 ok\n");
    CHECK(!seen_has(s, "gone") && t.times == 60);
    text_free(&big);
    world_close(&w);
}

static void closing_cancels_what_waits(void)
{
    struct world w;
    struct told t[2] = {0};
    world_open(&w, "normal", NULL);
    struct seen *s = world_ready_kernel(&w, "normal");
    ask(s, &t[0], "{}");
    ask(s, &t[1], "{}");
    kernel_close(s->kernel, on_closed, s);
    s->kernel = NULL;
    CHECK(t[0].times == 0); /* later */
    world_wait_closed(s);
    CHECK(t[0].times == 1 && t[0].e == ERR_CANCELED && t[1].e == ERR_CANCELED);
    world_close(&w);
}

static void a_callback_may_close_the_kernel_and_ask_again(void)
{
    struct world w;
    world_open(&w, "normal", NULL);
    struct seen *asking = world_ready_kernel(&w, "normal");
    struct told again = {.asks = asking};
    ask(asking, &again, ANSWERED);
    while (again.times < 3) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    for (int i = 0; i < 2; i++) {
        struct seen *s = world_ready_kernel(&w, "normal");
        struct told first = {.closes = s};
        struct told second = {0};
        ask(s, &first, i == 0 ? ANSWERED : "{}"); /* by an answer, and by the clock */
        ask(s, &second, "{}");
        wait_for(s, &first);
        world_wait_closed(s);
        CHECK(first.times == 1 && second.times == 1);
        CHECK(i == 1 || second.e == ERR_CANCELED);
    }
    world_close(&w);
}

static void a_false_answer_ends_the_kernel(void)
{
    static const struct {
        const char *request, *words;
    } cases[] = {
        {"{\"reply\":{}}", "an answer without the members it needs."},
        {"{\"reply\":[]}", "an answer that is not a JSON object."},
        {"{\"shift\":1,\"reply\":" ANSWER "}", "an answer to nothing."},
        {"{\"shift\":-1,\"reply\":" ANSWER "}", "an answer to nothing."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct told t = {0};
        check_case(cases[i].request);
        world_open(&w, "normal", NULL);
        struct seen *s = world_ready_kernel(&w, "normal");
        ask(s, &t, cases[i].request);
        world_wait(s, "gone The kernel broke the protocol: it sent ");
        CHECK(seen_has(s, cases[i].words));
        wait_for(s, &t);
        CHECK(t.times == 1 && t.e == ERR_UNAVAILABLE);
        world_close(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_question_is_answered_once_idle_or_busy),
        TEST(each_question_gets_its_own_answer),
        TEST(silence_is_unavailable_after_two_seconds),
        TEST(a_kernel_that_starts_or_is_gone_is_unavailable),
        TEST(too_many_questions_are_refused),
        TEST(questions_that_nobody_reads_do_not_pile_up),
        TEST(closing_cancels_what_waits),
        TEST(a_callback_may_close_the_kernel_and_ask_again),
        TEST(a_false_answer_ends_the_kernel),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

/* The analyser, against the fake: it answers with the words of the code as names. */
#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/kernel/world.h"

/* --- helpers --- */

struct question {
    struct world *world;
    struct question *then; /* asked inside the callback */
    const char *then_code;
    enum err e;
    bool answered;
    bool close_inside;
    char names[256]; /* "a,b|c" for reads a and b, writes c */
    char error[256];
};

static void on_closed(void *data)
{
    struct world *w = data;
    w->analyser_closed = true;
}

static void write_names(struct text *t, const struct span *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_add(t, i == 0 ? SPAN("") : SPAN(","));
        text_add(t, names[i]);
    }
}

static void take(struct question *q, const struct analysis *a)
{
    struct text t = TEXT(sizeof q->names - 1);
    write_names(&t, a->reads, a->read_count);
    text_add_char(&t, '|');
    write_names(&t, a->writes, a->write_count);
    (void)snprintf(q->names, sizeof q->names, "%s", t.p);
    (void)snprintf(q->error, sizeof q->error, "%.*s", SPAN_ARGS(a->error));
    text_free(&t);
}

static void on_answer(void *data, enum err e, const struct analysis *a)
{
    struct question *q = data;
    CHECK(!q->answered); /* exactly once */
    q->answered = true;
    q->e = e;
    CHECK((e == OK) == (a != NULL));
    if (a != NULL) {
        take(q, a);
    }
    if (q->then != NULL) {
        analyser_ask(q->world->analyser, span_str(q->then_code), on_answer, q->then);
        CHECK(!q->then->answered);
    }
    if (q->close_inside) {
        analyser_close(q->world->analyser, on_closed, q->world);
    }
}

static void open_analyser(struct world *w, const char *mode)
{
    world_open(w, mode, NULL);
    w->analyser = analyser_open(w->launcher);
}

static void ask(struct world *w, struct question *q, const char *code)
{
    q->world = w;
    analyser_ask(w->analyser, span_str(code), on_answer, q);
    CHECK(!q->answered); /* never inside the call */
}

static void wait_for(struct question *q)
{
    while (!q->answered) {
        (void)uv_run(&q->world->loop, UV_RUN_ONCE);
    }
}

static struct question ask_and_wait(struct world *w, const char *code)
{
    struct question q = {0};
    ask(w, &q, code);
    wait_for(&q);
    return q;
}

/* --- tests --- */

static void names_are_told(void)
{
    struct world w;
    open_analyser(&w, "normal");
    struct question q = ask_and_wait(&w, "b a c a");
    CHECK(q.e == OK && strcmp(q.names, "a,b,c|") == 0 && q.error[0] == '\0');
    q = ask_and_wait(&w, "");
    CHECK(q.e == OK && strcmp(q.names, "|") == 0);
    q = ask_and_wait(&w, "wrong");
    CHECK(q.e == OK && strcmp(q.error, "SyntaxError: m") == 0);
    q = ask_and_wait(&w, "pieces");
    CHECK(q.e == OK && strcmp(q.names, "pieces|") == 0);
    world_close(&w);
}

static void questions_wait_for_the_launcher(void)
{
    struct world w;
    open_analyser(&w, "slow");
    struct question q[3] = {0};
    ask(&w, &q[0], "x");
    ask(&w, &q[1], "y");
    ask(&w, &q[2], "x");
    wait_for(&q[2]);
    CHECK(q[0].e == OK && q[1].e == OK && q[2].e == OK);
    CHECK(strcmp(q[0].names, "x|") == 0 && strcmp(q[1].names, "y|") == 0);
    CHECK(strcmp(q[2].names, "x|") == 0);
    world_close(&w);
}

static void the_same_code_is_asked_once(void)
{
    struct world w;
    open_analyser(&w, "normal");
    struct question first = ask_and_wait(&w, "count");
    struct question second = ask_and_wait(&w, "count");
    CHECK(strcmp(first.names, second.names) == 0);
    struct question other = ask_and_wait(&w, "hang");
    CHECK(other.error[0] != '\0');
    second = ask_and_wait(&w, "count"); /* also across processes */
    CHECK(strcmp(first.names, second.names) == 0);
    world_close(&w);
}

static void a_question_may_follow_inside_an_answer(void)
{
    struct world w;
    open_analyser(&w, "normal");
    struct question third = {.world = &w};
    struct question second = {.world = &w, .then = &third, .then_code = "a"};
    struct question first = {.then = &second, .then_code = "b"};
    ask(&w, &first, "a");
    wait_for(&third);
    CHECK(strcmp(second.names, "b|") == 0 && strcmp(third.names, "a|") == 0);
    world_close(&w);
}

#define FAILED "This cell could not be analysed: the analysis failed."
#define SLOW "This cell could not be analysed: it took longer than 1 second."

/* The one to blame gets an error; those behind it are asked again, in a new process. */
static void a_question_that_breaks_the_process_is_told_so(void)
{
    static const struct {
        const char *code, *error;
    } cases[] = {
        {"hang", SLOW},    {"crash", FAILED},   {"unsorted", FAILED},
        {"other", FAILED}, {"garbage", FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct question q[4] = {0};
        check_case(cases[i].code);
        open_analyser(&w, "normal");
        ask(&w, &q[0], "before");
        ask(&w, &q[1], cases[i].code);
        ask(&w, &q[2], "x");
        ask(&w, &q[3], "y");
        wait_for(&q[3]);
        CHECK(q[0].e == OK && strcmp(q[0].names, "before|") == 0);
        CHECK(q[1].e == OK && strcmp(q[1].error, cases[i].error) == 0);
        CHECK(q[2].e == OK && strcmp(q[2].names, "x|") == 0 && q[2].error[0] == '\0');
        CHECK(q[3].e == OK && strcmp(q[3].names, "y|") == 0);
        world_close(&w);
    }
}

static void a_failure_takes_little_more_than_its_second(void)
{
    struct world w;
    open_analyser(&w, "normal");
    CHECK(ask_and_wait(&w, "x").e == OK);
    uint64_t before = clock_mono_us();
    struct question q[2] = {0};
    ask(&w, &q[0], "hang");
    ask(&w, &q[1], "y");
    wait_for(&q[1]);
    CHECK(clock_mono_us() - before < 1800000);
    world_close(&w);
}

static void code_that_cannot_be_sent_is_refused(void)
{
    struct world w;
    open_analyser(&w, "normal");
    struct text large = TEXT(300000);
    memset(text_reserve(&large, 262145), 'x', 262145);
    large.n = 262145;
    struct question q[4] = {{.world = &w}, {.world = &w}, {.world = &w}, {.world = &w}};
    analyser_ask(w.analyser, text_span(&large), on_answer, &q[0]);
    analyser_ask(w.analyser, SPAN("a\0b"), on_answer, &q[1]);
    analyser_ask(w.analyser, SPAN("a\xFF"), on_answer, &q[2]);
    large.n = 262144;
    analyser_ask(w.analyser, text_span(&large), on_answer, &q[3]);
    CHECK(!q[0].answered && !q[1].answered && !q[2].answered);
    wait_for(&q[3]);
    CHECK(strstr(q[0].error, "longer than 256 KiB") != NULL);
    CHECK(strstr(q[1].error, "NUL") != NULL && strstr(q[2].error, "UTF-8") != NULL);
    CHECK(q[3].e == OK && q[3].error[0] == '\0');
    text_free(&large);
    world_close(&w);
}

static void without_a_launcher_it_is_unavailable(void)
{
    static const char *const modes[] = {"dies-at-once", "dies-when-asked", "fails-spawn",
                                        "garbage"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct world w;
        check_case(modes[i]);
        open_analyser(&w, modes[i]);
        struct question q[2] = {0};
        ask(&w, &q[0], "x");
        ask(&w, &q[1], "y");
        wait_for(&q[1]);
        CHECK(q[0].e == ERR_UNAVAILABLE && q[1].e == ERR_UNAVAILABLE);
        world_close(&w);
    }
}

static void it_works_again_after_a_launcher_died(void)
{
    struct world w;
    open_analyser(&w, "dies-once");
    CHECK(ask_and_wait(&w, "x").e == ERR_UNAVAILABLE);
    struct question q = ask_and_wait(&w, "x");
    CHECK(q.e == OK && strcmp(q.names, "x|") == 0);
    world_close(&w);
}

/* Every question costs one process, not a storm of them. */
static void a_process_that_always_dies_answers_each_question_with_an_error(void)
{
    struct world w;
    open_analyser(&w, "analyser-dies");
    struct question q[3] = {0};
    for (int i = 0; i < 3; i++) {
        ask(&w, &q[i], i == 0 ? "x" : i == 1 ? "y" : "z");
    }
    wait_for(&q[2]);
    for (int i = 0; i < 3; i++) {
        CHECK(q[i].e == OK && strcmp(q[i].error, FAILED) == 0);
    }
    world_close(&w);
}

static void closing_cancels_what_waits(void)
{
    static const char *const modes[] = {"normal", "slow"};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        check_case(modes[i]);
        open_analyser(&w, modes[i]);
        if (i == 0) {
            CHECK(ask_and_wait(&w, "x").e == OK);
        }
        struct question q[3] = {0};
        ask(&w, &q[0], "hang");
        world_spin(&w, 50);
        ask(&w, &q[1], "y");
        ask(&w, &q[2], "x");
        world_close(&w);
        for (int k = 0; k < 3; k++) {
            CHECK(q[k].answered && q[k].e == ERR_CANCELED);
        }
    }
}

static void it_may_be_closed_inside_an_answer(void)
{
    static const char *const codes[] = {"x", "hang", "crash", ""};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct world w;
        check_case(codes[i]);
        open_analyser(&w, "normal");
        struct question q = {.close_inside = true};
        struct question behind = {0};
        ask(&w, &q, codes[i]);
        ask(&w, &behind, "y");
        while (!w.analyser_closed) {
            (void)uv_run(&w.loop, UV_RUN_ONCE);
        }
        CHECK(q.e == OK && behind.e == ERR_CANCELED);
        w.analyser = NULL;
        world_close(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(names_are_told),
        TEST(questions_wait_for_the_launcher),
        TEST(the_same_code_is_asked_once),
        TEST(a_question_may_follow_inside_an_answer),
        TEST(a_question_that_breaks_the_process_is_told_so),
        TEST(a_failure_takes_little_more_than_its_second),
        TEST(code_that_cannot_be_sent_is_refused),
        TEST(without_a_launcher_it_is_unavailable),
        TEST(it_works_again_after_a_launcher_died),
        TEST(a_process_that_always_dies_answers_each_question_with_an_error),
        TEST(closing_cancels_what_waits),
        TEST(it_may_be_closed_inside_an_answer),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/parse.h"

/* Runs `write_lines` in a child whose standard error is a pipe; returns all that came out of it. */
static struct text output_of(void (*write_lines)(void))
{
    int ends[2];
    fflush(NULL);
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (dup2(ends[1], STDERR_FILENO) != STDERR_FILENO || close(ends[0]) != 0) {
            _exit(9);
        }
        write_lines();
        exit(0); /* flushes */
    }
    close(ends[1]);
    struct text out = TEXT(1U << 26);
    ssize_t n;
    do {
        char *room = text_reserve(&out, 65536);
        CHECK(room != NULL);
        n = read(ends[0], room, 65536);
        CHECK(n >= 0);
        out.n += (size_t)n;
    } while (n > 0);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]);
    return out;
}

/* The next line, parsed. */
static struct parse next_line(struct span *rest)
{
    struct parse p = parse_text(span_cut(rest, '\n'));
    CHECK(p.e == OK && p.root->kind == JSON_OBJECT);
    CHECK(json_get_string(p.root, SPAN("time")).n == sizeof "2026-01-31T23:59:59.999Z" - 1);
    return p;
}

static void write_one_of_each(void)
{
    log_event(LOG_INFO, "listening", LOG_STR("host", "localhost"), LOG_INT("port", 8080),
              LOG_DOUBLE("ms", 0.25), LOG_STR("none", NULL), LOG_DOUBLE("nan", 0.0 / 0.0));
}

static void a_line_is_an_object_with_time_level_event_and_the_fields(void)
{
    struct text out = output_of(write_one_of_each);
    struct span rest = text_span(&out);
    struct parse p = next_line(&rest);
    CHECK(rest.n == 0 && p.root->count == 8);
    CHECK(span_eq(p.root->items[0].name, SPAN("time")));
    CHECK(span_eq(json_get_string(p.root, SPAN("level")), SPAN("info")));
    CHECK(span_eq(json_get_string(p.root, SPAN("event")), SPAN("listening")));
    CHECK(span_eq(json_get_string(p.root, SPAN("host")), SPAN("localhost")));
    CHECK(json_get(p.root, SPAN("port"))->integer == 8080);
    CHECK(json_get(p.root, SPAN("ms"))->number == 0.25);
    CHECK(json_get(p.root, SPAN("none"))->kind == JSON_NULL);
    CHECK(json_get(p.root, SPAN("nan"))->kind == JSON_NULL);
    parse_free(&p);
    text_free(&out);
}

static const struct span hostile[] = {
    {"\",\"level\":\"error\"}\n{\"forged\":1}", 30},
    {"\r\n\t\b\f\0\x1B[31m", 11},
    {"\xFF\xFE\xC3", 3},
    {"\xED\xA0\x80", 3},
    {"\\", 1},
    {"\xE2\x80\xA8", 3},
};
enum { HOSTILE = sizeof hostile / sizeof *hostile };

static void write_hostile(void)
{
    for (size_t i = 0; i < HOSTILE; i++) {
        log_event(LOG_WARN, "hostile", LOG_SPAN("value", hostile[i]), LOG_INT("i", (int64_t)i));
    }
}

static void hostile_values_cannot_leave_their_field(void)
{
    struct text out = output_of(write_hostile);
    struct span rest = text_span(&out);
    for (size_t i = 0; i < HOSTILE; i++) {
        struct parse p = next_line(&rest);
        CHECK(p.root->count == 5 && json_get(p.root, SPAN("i"))->integer == (int64_t)i);
        CHECK(span_eq(json_get_string(p.root, SPAN("level")), SPAN("warn")));
        struct span value = json_get_string(p.root, SPAN("value"));
        CHECK(span_is_utf8(value));
        CHECK(span_eq(value, hostile[i]) == span_is_utf8(hostile[i]));
        parse_free(&p);
    }
    CHECK(rest.n == 0);
    text_free(&out);
}

static void write_long_values(void)
{
    static char euro[9001];
    static char nuls[4000];
    for (size_t i = 0; i < sizeof euro - 1; i++) {
        euro[i] = "\xE2\x82\xAC"[i % 3];
    }
    struct span wide = span_of(nuls, sizeof nuls); /* each becomes six bytes */
    log_event(LOG_ERROR, "long", LOG_STR("euro", euro), LOG_INT("after", 1));
    log_event(LOG_ERROR, "longer", LOG_SPAN("a", wide), LOG_SPAN("b", wide), LOG_INT("after", 2));
    log_event(LOG_ERROR, euro, LOG_INT("after", 3));
}

static void long_values_are_cut_and_the_line_says_so(void)
{
    struct text out = output_of(write_long_values);
    struct span rest = text_span(&out);
    for (int64_t i = 1; i <= 3; i++) {
        size_t length = span_find(rest, '\n');
        CHECK(length < 16384);
        struct parse p = next_line(&rest);
        CHECK(json_get(p.root, SPAN("after"))->integer == i);
        CHECK(json_get(p.root, SPAN("truncated"))->boolean);
        struct span euro = json_get_string(p.root, SPAN("euro"));
        CHECK(i != 1 || (euro.n > 2000 && euro.n % 3 == 0));
        parse_free(&p);
    }
    CHECK(rest.n == 0);
    text_free(&out);
}

static void write_every_level(void)
{
    log_event(LOG_DEBUG, "hidden", LOG_INT("i", 0));
    log_event(LOG_INFO, "shown", LOG_INT("i", 1));
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "hidden", LOG_INT("i", 2));
    log_event(LOG_ERROR, "shown", LOG_INT("i", 3));
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "shown", LOG_INT("i", 4));
}

static void lines_below_the_level_are_dropped(void)
{
    struct text out = output_of(write_every_level);
    struct span rest = text_span(&out);
    static const int64_t shown[] = {1, 3, 4};
    for (size_t i = 0; i < 3; i++) {
        struct parse p = next_line(&rest);
        CHECK(json_get(p.root, SPAN("i"))->integer == shown[i]);
        CHECK(span_eq(json_get_string(p.root, SPAN("event")), SPAN("shown")));
        parse_free(&p);
    }
    CHECK(rest.n == 0);
    text_free(&out);
}

static bool has_output(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void drain(int fd)
{
    char bytes[4096];
    CHECK(read(fd, bytes, sizeof bytes) > 0);
}

/* Exits with the number of the expectation that failed: its standard error is the pipe. */
static int lines_wait_in(const int *ends)
{
    log_event(LOG_INFO, "waits", LOG_INT("i", 1));
    if (has_output(ends[0])) {
        return 1;
    }
    log_flush();
    if (!has_output(ends[0])) {
        return 2;
    }
    drain(ends[0]);
    log_flush();
    if (has_output(ends[0])) {
        return 3;
    }
    log_event(LOG_WARN, "leaves", LOG_INT("i", 1));
    return has_output(ends[0]) ? 0 : 4;
}

static void lines_below_warning_wait_for_the_flush(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(dup2(ends[1], STDERR_FILENO) < 0 ? 9 : lines_wait_in(ends));
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

enum { THREADS = 4, LINES = 3000 };

static void *write_many(void *thread)
{
    for (int i = 0; i < LINES; i++) {
        log_event(i % 1000 == 0 ? LOG_WARN : LOG_INFO, "many", LOG_INT("thread", *(int *)thread),
                  LOG_INT("i", i), LOG_STR("filler", "0123456789012345678901234567890123456789"));
    }
    return NULL;
}

static void write_from_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, write_many, &numbers[i]) != 0) {
            _exit(9);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static void lines_of_many_threads_stay_whole_and_in_order(void)
{
    struct text out = output_of(write_from_threads); /* far more than the buffer holds */
    struct span rest = text_span(&out);
    int64_t next[THREADS] = {0};
    for (int i = 0; i < THREADS * LINES; i++) {
        struct parse p = next_line(&rest);
        int64_t thread = json_get(p.root, SPAN("thread"))->integer;
        CHECK(thread >= 0 && thread < THREADS);
        CHECK(json_get(p.root, SPAN("i"))->integer == next[thread]++);
        parse_free(&p);
    }
    CHECK(rest.n == 0);
    text_free(&out);
}

static void write_to_a_pipe_that_does_not_block(void)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK) != 0) {
        _exit(9);
    }
    int number = 0;
    write_many(&number);
}

static void a_full_pipe_that_does_not_block_loses_nothing(void)
{
    struct text out = output_of(write_to_a_pipe_that_does_not_block);
    struct span rest = text_span(&out);
    for (int i = 0; i < LINES; i++) {
        struct parse p = next_line(&rest);
        CHECK(json_get(p.root, SPAN("i"))->integer == i);
        parse_free(&p);
    }
    text_free(&out);
}

static void a_closed_standard_error_is_survived(void)
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        int number = 0;
        write_many(&number);
        log_flush();
        _exit(0);
    }
    int status = 1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_line_is_an_object_with_time_level_event_and_the_fields),
        TEST(hostile_values_cannot_leave_their_field),
        TEST(long_values_are_cut_and_the_line_says_so),
        TEST(lines_below_the_level_are_dropped),
        TEST(lines_below_warning_wait_for_the_flush),
        TEST(lines_of_many_threads_stay_whole_and_in_order),
        TEST(a_full_pipe_that_does_not_block_loses_nothing),
        TEST(a_closed_standard_error_is_survived),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

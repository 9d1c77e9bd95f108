/* The channel of a kernel: frames reach the other end whole, in order and soon, and never block who
 * must not be blocked. Each test runs in a process of its own, which is what a channel needs. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "process.h"
#include "tests/unit/check.h"

#define STDOUT_KIND 1
#define RESULT_KIND 6
#define HEADER_SIZE 16
#define FULL_SIZE ((size_t)256 * 1024)

static int server; /* the other end */

static void open_channel(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    server = pair[0];
    CHECK(channel_open(pair[1]));
    (void)alarm(30); /* a frame that never comes fails the test */
}

static enum channel_result put(uint8_t kind, uint64_t run, const char *text)
{
    return channel_put(&(struct channel_frame){.kind = kind,
                                               .stream = kind == STDOUT_KIND,
                                               .run = run,
                                               .data = text,
                                               .size = strlen(text)});
}

struct received {
    uint8_t kind;
    bool after_raw;
    uint64_t run;
    uint32_t size;
    char *data;
};

static void receive_exactly(void *out, size_t size)
{
    CHECK(recv(server, out, size, MSG_WAITALL) == (ssize_t)size);
}

static struct received receive(void)
{
    unsigned char header[HEADER_SIZE];
    struct received r = {0};
    receive_exactly(header, sizeof header);
    memcpy(&r.size, header, sizeof r.size);
    r.kind = header[4];
    r.after_raw = header[5] == 1;
    CHECK(header[5] <= 1 && header[6] == 0 && header[7] == 0);
    memcpy(&r.run, header + 8, sizeof r.run);
    r.data = calloc(1, r.size + 1U);
    CHECK(r.data != NULL);
    if (r.size > 0) {
        receive_exactly(r.data, r.size);
    }
    return r;
}

static void expect(uint8_t kind, uint64_t run, const char *text)
{
    struct received r = receive();
    CHECK(r.kind == kind);
    CHECK(r.run == run);
    CHECK(strcmp(r.data, text) == 0);
    free(r.data);
}

static bool readable_within(int ms)
{
    struct pollfd p = {.fd = server, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Until nothing more is taken. */
static size_t fill(void)
{
    char *text = calloc(1, CHANNEL_STREAM_MAX);
    CHECK(text != NULL);
    memset(text, 'x', CHANNEL_STREAM_MAX);
    struct channel_frame f = {
        .kind = STDOUT_KIND, .stream = true, .run = 1, .data = text, .size = CHANNEL_STREAM_MAX};
    size_t taken = 0;
    for (int i = 0; i < 50;) {
        if (channel_put(&f) == CHANNEL_OK) {
            taken += f.size;
            continue;
        }
        channel_wait_space(2);
        i++;
    }
    free(text);
    return taken;
}

static void before_it_is_open_nothing_is_taken(void)
{
    CHECK(put(STDOUT_KIND, 1, "a") == CHANNEL_CLOSED);
    CHECK(channel_drain(10));
    channel_flush();
    channel_flush_dying();
}

static void a_line_leaves_at_once_and_text_without_an_end_soon(void)
{
    open_channel();
    CHECK(put(STDOUT_KIND, 1, "line\n") == CHANNEL_OK);
    CHECK(readable_within(2));
    expect(STDOUT_KIND, 1, "line\n");
    CHECK(put(STDOUT_KIND, 1, "text") == CHANNEL_OK);
    CHECK(readable_within(200));
    expect(STDOUT_KIND, 1, "text");
}

/* Frames say when text waits in the pipes behind 1 and 2, and joining depends on it. */
static void quiet_pipes(int before[2])
{
    int null = open("/dev/null", O_WRONLY);
    before[0] = dup(STDOUT_FILENO);
    before[1] = dup(STDERR_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
}

static void put_back(const int before[2])
{
    (void)dup2(before[0], STDOUT_FILENO);
    (void)dup2(before[1], STDERR_FILENO);
}

static void text_of_one_run_is_joined_and_everything_else_is_not(void)
{
    open_channel();
    int before[2];
    quiet_pipes(before);
    bool taken = put(STDOUT_KIND, 1, "a") == CHANNEL_OK && put(STDOUT_KIND, 1, "b") == CHANNEL_OK &&
                 put(STDOUT_KIND, 2, "c") == CHANNEL_OK && put(2, 2, "d") == CHANNEL_OK &&
                 put(RESULT_KIND, 2, "{}") == CHANNEL_OK &&
                 put(RESULT_KIND, 2, "{}") == CHANNEL_OK && put(STDOUT_KIND, 2, "") == CHANNEL_OK;
    put_back(before);
    CHECK(taken);
    expect(STDOUT_KIND, 1, "ab");
    expect(STDOUT_KIND, 2, "c");
    expect(2, 2, "d");
    expect(RESULT_KIND, 2, "{}");
    expect(RESULT_KIND, 2, "{}");
    expect(STDOUT_KIND, 2, "");
}

static void frames_say_whether_text_waits_in_the_pipes(void)
{
    open_channel();
    int raw[2];
    int before[2];
    CHECK(pipe(raw) == 0);
    quiet_pipes(before);
    (void)dup2(raw[1], STDOUT_FILENO); /* as the server does */
    bool taken = put(STDOUT_KIND, 1, "a") == CHANNEL_OK && write(STDOUT_FILENO, "b", 1) == 1;
    sleep_ms(1); /* a flood of lines is not asked about one by one */
    taken = taken && put(STDOUT_KIND, 1, "c") == CHANNEL_OK;
    put_back(before);
    CHECK(taken);
    struct received first = receive();
    struct received second = receive();
    CHECK(!first.after_raw && strcmp(first.data, "a") == 0);
    CHECK(second.after_raw && strcmp(second.data, "c") == 0);
    free(first.data);
    free(second.data);
}

static void flushed_frames_are_there_when_flush_returns(void)
{
    open_channel();
    CHECK(put(RESULT_KIND, 7, "{}") == CHANNEL_OK);
    channel_flush();
    CHECK(readable_within(0));
    expect(RESULT_KIND, 7, "{}");
}

static void frames_beyond_the_limits_are_refused(void)
{
    open_channel();
    static char large[CHANNEL_FRAME_MAX + 1];
    struct channel_frame f = {.kind = STDOUT_KIND, .stream = true, .data = large};
    f.size = CHANNEL_STREAM_MAX + 1;
    CHECK(channel_put(&f) == CHANNEL_TOO_LARGE);
    f = (struct channel_frame){.kind = RESULT_KIND, .data = large, .size = sizeof large};
    CHECK(channel_put(&f) == CHANNEL_TOO_LARGE);
}

static void the_largest_frame_arrives_whole(void)
{
    open_channel();
    char *large = calloc(1, CHANNEL_FRAME_MAX + 1);
    CHECK(large != NULL);
    memset(large, 'y', CHANNEL_FRAME_MAX);
    CHECK(put(RESULT_KIND, 3, large) == CHANNEL_OK);
    expect(RESULT_KIND, 3, large);
    CHECK(put(RESULT_KIND, 3, large) == CHANNEL_OK);
    expect(RESULT_KIND, 3, large);
    CHECK(put(RESULT_KIND, 4, "{}") == CHANNEL_OK);
    expect(RESULT_KIND, 4, "{}");
    free(large);
}

static void a_server_that_does_not_read_bounds_what_is_taken(void)
{
    open_channel();
    size_t taken = fill();
    CHECK(taken < 4 * FULL_SIZE);
    CHECK(put(RESULT_KIND, 2, "{}") == CHANNEL_FULL);
    CHECK(!channel_drain(20));
    for (size_t got = 0; got < taken;) {
        struct received r = receive();
        CHECK(r.kind == STDOUT_KIND && r.size <= CHANNEL_STREAM_MAX);
        CHECK(strspn(r.data, "x") == r.size);
        got += r.size;
        free(r.data);
    }
    CHECK(channel_drain(1000));
    CHECK(put(RESULT_KIND, 2, "{}") == CHANNEL_OK);
    expect(RESULT_KIND, 2, "{}");
}

#define WRITERS 4
#define LINES 20000

static void *write_lines(void *number)
{
    char text[64];
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(text, sizeof text, "%c%d\n", *(const char *)number, i);
        while (put(STDOUT_KIND, (uint64_t) * (const char *)number, text) == CHANNEL_FULL) {
            channel_wait_space(20);
        }
        if (i % 1000 == 0) {
            channel_flush();
        }
    }
    return NULL;
}

/* Every run's lines count up from 0; returns how many there were. */
static int check_lines(const struct received *r, int *next)
{
    int lines = 0;
    for (const char *p = r->data; *p != '\0'; p = strchr(p, '\n') + 1) {
        CHECK(p[0] == (char)r->run);
        CHECK(strtol(p + 1, NULL, 10) == next[r->run - 'a']);
        next[r->run - 'a']++;
        lines++;
    }
    return lines;
}

static void many_writers_lose_nothing_and_keep_their_order(void)
{
    open_channel();
    pthread_t threads[WRITERS];
    static const char names[WRITERS] = {'a', 'b', 'c', 'd'};
    for (int i = 0; i < WRITERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, write_lines, (void *)&names[i]) == 0);
    }
    int next[WRITERS] = {0};
    for (int lines = 0; lines < WRITERS * LINES;) {
        struct received r = receive();
        lines += check_lines(&r, next);
        free(r.data);
    }
    for (int i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void a_non_blocking_socket_works_as_well(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    server = pair[0];
    CHECK(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK(channel_open(pair[1]));
    size_t taken = fill();
    while (taken > 0) {
        struct received r = receive();
        taken -= r.size;
        free(r.data);
    }
}

static void a_fork_has_no_channel_and_does_not_disturb_it(void)
{
    open_channel();
    CHECK(put(STDOUT_KIND, 1, "mine") == CHANNEL_OK); /* still gathered at the fork */
    pid_t child = fork();
    if (child == 0) {
        bool closed = put(STDOUT_KIND, 1, "not mine") == CHANNEL_CLOSED && channel_drain(0);
        channel_flush_dying();
        _exit(closed ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    expect(STDOUT_KIND, 1, "mine");
    CHECK(!readable_within(20));
}

/* In a child, since it dies: 70 says that the server is gone. */
static void when_nobody_reads_any_more_the_process_ends(void)
{
    pid_t child = fork();
    if (child == 0) {
        open_channel();
        (void)close(server);
        (void)put(STDOUT_KIND, 1, "text");
        sleep_ms(5000);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}

static void die(int signal_number)
{
    process_flush_on_death();
    (void)put(STDOUT_KIND, 1, "last words");
    if (signal_number == SIGSEGV) {
        char *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile char *)page = 1; /* a real fault, not a signal that somebody sent */
    }
    (void)raise(signal_number);
    _exit(0);
}

static void text_leaves_even_when_the_process_dies(void)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGTERM, SIGBUS, SIGFPE, SIGILL, SIGXCPU};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        server = pair[0];
        pid_t child = fork();
        if (child == 0) {
            CHECK(channel_open(pair[1]));
            die(signals[i]);
        }
        (void)close(pair[1]);
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
        expect(STDOUT_KIND, 1, "last words");
        (void)close(server);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(before_it_is_open_nothing_is_taken),
        TEST(a_line_leaves_at_once_and_text_without_an_end_soon),
        TEST(text_of_one_run_is_joined_and_everything_else_is_not),
        TEST(frames_say_whether_text_waits_in_the_pipes),
        TEST(flushed_frames_are_there_when_flush_returns),
        TEST(frames_beyond_the_limits_are_refused),
        TEST(the_largest_frame_arrives_whole),
        TEST(a_server_that_does_not_read_bounds_what_is_taken),
        TEST(many_writers_lose_nothing_and_keep_their_order),
        TEST(a_non_blocking_socket_works_as_well),
        TEST(a_fork_has_no_channel_and_does_not_disturb_it),
        TEST(when_nobody_reads_any_more_the_process_ends),
        TEST(text_leaves_even_when_the_process_dies),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}

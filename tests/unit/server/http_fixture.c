#include "tests/unit/server/http_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/server/http_app.h"

#define PATIENCE_MS 5000

struct http_timing fixture_timing;

struct http_options fixture_options(void)
{
    static const struct span origins[] = {{"http://localhost:3000", 21}};
    fixture_timing = http_timing_default;
    fixture_timing.close_ms = 300;
    fixture_timing.sweep_ms = 20;
    return (struct http_options){.host = "127.0.0.1",
                                 .on_call = app_on_call,
                                 .body_max = 1048576,
                                 .connections_max = 1000,
                                 .keep_alive_ms = 60000,
                                 .origins = origins,
                                 .origin_count = 1,
                                 .timing = &fixture_timing};
}

/* --- the child --- */
struct child {
    uv_loop_t loop;
    uv_signal_t term;
    struct http *http;
};

static void on_http_closed(void *data)
{
    struct child *c = data;
    app_release_held();
    uv_close((uv_handle_t *)&c->term, NULL);
}

static void on_term(uv_signal_t *term, int number)
{
    struct child *c = term->data;
    (void)uv_signal_stop(term);
    http_close(c->http, FIXTURE_DEADLINE_MS, on_http_closed, c);
}

static _Noreturn void run_child(const struct http_options *options, int port_pipe)
{
    static struct child c;
    struct http_options mine = *options;
    mine.app = (struct app *)(void *)&c.loop;
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); /* a failed test does not leave a server */
    CHECK(uv_loop_init(&c.loop) == 0);
    CHECK(uv_signal_init(&c.loop, &c.term) == 0);
    c.term.data = &c;
    CHECK(uv_signal_start(&c.term, on_term, SIGTERM) == 0);
    CHECK(http_open(&c.http, &c.loop, &mine) == OK);
    unsigned port = http_port(c.http);
    CHECK(write(port_pipe, &port, sizeof port) == sizeof port);
    close(port_pipe);
    CHECK(uv_run(&c.loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&c.loop) == 0);
    exit(0); /* where leaks are looked for */
}

struct fixture fixture_start(const struct http_options *options)
{
    struct fixture f = {.log = memfd_create("log", 0)};
    int ends[2];
    CHECK(f.log >= 0 && pipe(ends) == 0);
    f.child = fork();
    CHECK(f.child >= 0);
    if (f.child == 0) {
        close(ends[0]);
        CHECK(dup2(f.log, STDERR_FILENO) == STDERR_FILENO);
        run_child(options, ends[1]);
    }
    close(ends[1]);
    CHECK(read(ends[0], &f.port, sizeof f.port) == sizeof f.port);
    close(ends[0]);
    return f;
}

char *fixture_log(const struct fixture *f)
{
    off_t size = lseek(f->log, 0, SEEK_END);
    char *p = mem_alloc((size_t)size + 1);
    CHECK(pread(f->log, p, (size_t)size, 0) == size);
    return p;
}

void fixture_signal(const struct fixture *f)
{
    CHECK(kill(f->child, SIGTERM) == 0);
}

bool fixture_wait(struct fixture *f)
{
    int status = 0;
    CHECK(waitpid(f->child, &status, 0) == f->child);
    if (status != 0) {
        char *log = fixture_log(f);
        fprintf(stderr, "# child: %d\n%s\n", status, log);
        mem_free(log);
    }
    close(f->log);
    return status == 0;
}

bool fixture_stop(struct fixture *f)
{
    fixture_signal(f);
    return fixture_wait(f);
}

/* --- the client --- */
int client_dial(const struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
    return fd;
}

bool client_try(int fd, struct span bytes)
{
    while (bytes.n != 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes = span_sub(bytes, (size_t)n, bytes.n);
    }
    return true;
}

/* The other side may have closed already; what it said before is still to be heard. */
void client_say(int fd, struct span bytes)
{
    (void)client_try(fd, bytes);
}

static bool is_readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

bool client_read(int fd, char *p, size_t n)
{
    while (n != 0) {
        ssize_t got = is_readable(fd, PATIENCE_MS) ? recv(fd, p, n, 0) : 0;
        if (got <= 0) {
            return false;
        }
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
    }
    return c;
}

static bool read_head(int fd, struct text *head)
{
    char c = 0;
    bool whole = false;
    while (!whole && client_read(fd, &c, 1)) {
        text_add_char(head, lower(c));
        whole = span_ends(text_span(head), SPAN("\r\n\r\n"));
    }
    return whole;
}

static int64_t number_after(const struct text *head, const char *words)
{
    const char *at = strstr(head->p, words);
    return at == NULL ? -1 : strtoll(at + strlen(words), NULL, 10);
}

static bool read_body(int fd, struct answer *a, int64_t n)
{
    if (n <= 0) {
        return n == 0;
    }
    char *p = text_reserve(&a->body, (size_t)n);
    if (p == NULL || !client_read(fd, p, (size_t)n)) {
        return false;
    }
    a->body.n = (size_t)n;
    return true;
}

struct answer client_hear(int fd, bool headless)
{
    struct answer a = {.head = TEXT(65536), .body = TEXT(67108864)};
    int status = 100;
    while (status == 100) {
        text_clear(&a.head);
        if (!read_head(fd, &a.head)) {
            return a;
        }
        bool begins = span_starts(text_span(&a.head), SPAN("http/1.1 "));
        status = begins ? (int)number_after(&a.head, "http/1.1 ") : 0;
    }
    bool bodiless = headless || status == 101 || status == 204 || status == 304;
    if (bodiless || read_body(fd, &a, number_after(&a.head, "\r\ncontent-length: "))) {
        a.status = status;
    }
    return a;
}

void client_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    close(fd);
}

void answer_free(struct answer *a)
{
    text_free(&a->head);
    text_free(&a->body);
}

bool answer_has(const struct answer *a, const char *line)
{
    struct text wanted = TEXT(1024);
    text_addf(&wanted, "\r\n%s\r\n", line);
    bool found = span_has(text_span(&a->head), text_span(&wanted));
    text_free(&wanted);
    return found;
}

bool answer_is(const struct answer *a, const char *body)
{
    return span_eq(text_span(&a->body), span_str(body));
}

int client_status(const struct fixture *f, struct span bytes)
{
    int fd = client_dial(f);
    client_say(fd, bytes);
    struct answer a = client_hear(fd, false);
    answer_free(&a);
    close(fd);
    return a.status;
}

bool client_is_closed(int fd, int ms)
{
    char bytes[4096];
    while (is_readable(fd, ms)) {
        if (recv(fd, bytes, sizeof bytes, 0) <= 0) {
            return true;
        }
    }
    return false;
}

/* broadcast: how fast one message goes out to many WebSockets. The parent is a server on
 * server/http; its child holds CLIENTS plain sockets and reads what comes. Bursts of BURST messages
 * of SIZE bytes are sent to all of them, as fast as the queues empty, until MESSAGES were sent to
 * each. Prints deliveries per second of wall time, and per second of the server's own CPU time.
 *
 *   ws-broadcast */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/http/http.h"

enum {
    CLIENTS = 50,
    SIZE = 200,
    FRAME = SIZE + 4, /* RFC 6455 5.2: two bytes, and two of length */
    BURST = 100,
    MESSAGES = 60000,
    ROUNDS = 3,
    LOW_WATER = 64 * 1024,
    HIGH_WATER = 256 * 1024,
    QUEUE_MAX = 1024 * 1024,
};

struct bench {
    uv_loop_t loop;
    struct http *http;
    struct ws *sockets[CLIENTS];
    size_t open, closed;
    uv_idle_t idle; /* runs while there is something to send */
    int sent;       /* to each */
    uint64_t started_us, cpu_started_us;
    double wall_s, cpu_s;
};

static uint64_t cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- the server --- */
static size_t most_queued(const struct bench *b)
{
    size_t most = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        size_t queued = ws_queued(b->sockets[i]);
        most = queued > most ? queued : most;
    }
    return most;
}

static void send_burst(struct bench *b)
{
    static char message[SIZE];
    memset(message, 'm', SIZE);
    for (int n = 0; n < BURST && b->sent < MESSAGES; n++, b->sent++) {
        for (size_t i = 0; i < CLIENTS; i++) {
            ws_send(b->sockets[i], span_of(message, SIZE));
        }
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct bench *b = idle->data;
    if (most_queued(b) <= HIGH_WATER) {
        send_burst(b);
    }
    if (b->sent == MESSAGES) {
        (void)uv_idle_stop(idle);
    }
}

static void begin(struct bench *b)
{
    b->started_us = clock_mono_us();
    b->cpu_started_us = cpu_us();
    (void)uv_idle_start(&b->idle, on_idle);
}

static void on_http_closed(void *data)
{
    struct bench *b = data;
    b->http = NULL;
}

/* The client hangs up when it has everything. */
static void on_ws_closed(void *data)
{
    struct bench *b = data;
    if (b->closed++ > 0) {
        return;
    }
    b->wall_s = (double)(clock_mono_us() - b->started_us) / 1e6;
    b->cpu_s = (double)(cpu_us() - b->cpu_started_us) / 1e6;
    uv_close((uv_handle_t *)&b->idle, NULL);
    http_close(b->http, 1000, on_http_closed, b);
}

static void on_message(void *data, struct span text)
{
}

static const struct ws_handler handler = {.on_message = on_message, .on_closed = on_ws_closed};

static void on_call(struct call *c)
{
    struct bench *b = (struct bench *)c->app;
    struct ws_options options = {.handler = &handler,
                                 .data = b,
                                 .message_max = 1024,
                                 .queue_max = QUEUE_MAX,
                                 .low_water = LOW_WATER};
    struct ws *ws = http_upgrade(c, &options);
    if (ws == NULL || b->open == CLIENTS) {
        abort(); /* only our own child knows the port */
    }
    b->sockets[b->open++] = ws;
    if (b->open == CLIENTS) {
        begin(b);
    }
}

/* --- the clients --- */
static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static int dial(unsigned port)
{
    static const char hello[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    must(write(fd, hello, sizeof hello - 1) == sizeof hello - 1, "write");
    return fd;
}

/* The answer to the handshake goes with the first bytes: it ends with an empty line. */
static size_t skip_head(const char *bytes, size_t n)
{
    const char *end = memmem(bytes, n, "\r\n\r\n", 4);
    must(end != NULL, "the handshake's answer");
    return n - (size_t)(end + 4 - bytes);
}

struct client {
    size_t got;
    bool greeted;
};

/* True with the last byte. */
static bool read_some(struct client *c, int fd)
{
    static char bytes[1024 * 1024];
    ssize_t n = read(fd, bytes, sizeof bytes);
    must(n > 0, "read");
    c->got += c->greeted ? (size_t)n : skip_head(bytes, (size_t)n);
    c->greeted = true;
    return c->got == (size_t)FRAME * MESSAGES;
}

static void read_all(struct pollfd *fds)
{
    struct client clients[CLIENTS] = {0};
    size_t done = 0;
    while (done < CLIENTS) {
        must(poll(fds, CLIENTS, -1) > 0, "poll");
        for (size_t i = 0; i < CLIENTS; i++) {
            done += fds[i].revents != 0 && read_some(&clients[i], fds[i].fd);
        }
    }
}

static int run_clients(unsigned port)
{
    struct pollfd clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct pollfd){.fd = dial(port), .events = POLLIN};
    }
    read_all(clients);
    return 0;
}

/* --- one round --- */
static void run(struct bench *b)
{
    struct http_options options = {.host = "127.0.0.1",
                                   .app = (struct app *)b,
                                   .on_call = on_call,
                                   .body_max = 1024,
                                   .connections_max = CLIENTS + 10,
                                   .keep_alive_ms = 10000};
    must(uv_loop_init(&b->loop) == 0, "loop");
    (void)uv_idle_init(&b->loop, &b->idle);
    b->idle.data = b;
    must(http_open(&b->http, &b->loop, &options) == OK, "listen");
    unsigned port = http_port(b->http);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        _exit(run_clients(port));
    }
    (void)uv_run(&b->loop, UV_RUN_DEFAULT);
    int status = 1;
    must(waitpid(child, &status, 0) == child && status == 0, "the clients");
    must(uv_loop_close(&b->loop) == 0, "loop");
}

int main(void)
{
    double best = 0;
    double best_cpu = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct bench b = {.sent = 0};
        run(&b);
        double deliveries = (double)CLIENTS * MESSAGES;
        best = deliveries / b.wall_s > best ? deliveries / b.wall_s : best;
        best_cpu = deliveries / b.cpu_s > best_cpu ? deliveries / b.cpu_s : best_cpu;
    }
    (void)printf("%.0f %.0f\n", best, best_cpu);
    return 0;
}

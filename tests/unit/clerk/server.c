#include "tests/unit/clerk/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define HEAD_SIZE 4096

struct server {
    int listener;
    int stop; /* an eventfd: readable for ever once the server is to stop */
    int port;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, up to `count` */
    enum server_mood mood;
    const char *document;
    const char *status;  /* of SERVER_REPLIES */
    const char *headers; /* likewise */
    atomic_int count;
    atomic_int elsewhere;
    char head[HEAD_SIZE];
};

/* True when it is time to stop; false after `ms`, or when `fd` (-1 for none) can be read. */
static bool wait_for(const struct server *s, int fd, int ms)
{
    struct pollfd fds[2] = {{.fd = s->stop, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int n = poll(fds, 2, ms);
    return n > 0 && fds[0].revents != 0;
}

static bool send_all(int fd, struct span what)
{
    while (what.n > 0) {
        ssize_t n = send(fd, what.p, what.n, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        what = span_sub(what, (size_t)n, what.n);
    }
    return true;
}

static void answer(int fd, const char *status, const char *headers, const char *body)
{
    struct text out = TEXT(4194304);
    text_addf(&out, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
              headers, strlen(body), body);
    (void)send_all(fd, text_span(&out));
    text_free(&out);
}

static void flood(const struct server *s, int fd)
{
    char block[8192];
    memset(block, ' ', sizeof block);
    (void)send_all(fd, SPAN("HTTP/1.1 200 OK\r\n\r\n"));
    while (send_all(fd, span_of(block, sizeof block)) && !wait_for(s, -1, 0)) {
    }
}

static void trickle(const struct server *s, int fd)
{
    (void)send_all(fd, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
    while (send_all(fd, SPAN(" ")) && !wait_for(s, -1, 30)) {
    }
}

static void be_huge(int fd)
{
    size_t n = (size_t)2 * 1024 * 1024;
    char *body = mem_alloc(n + 1);
    memset(body, ' ', n);
    answer(fd, "200 OK", "", body);
    mem_free(body);
}

static void hang(const struct server *s, int fd)
{
    char byte;
    if (!wait_for(s, fd, -1)) {
        (void)!read(fd, &byte, 1); /* the client has gone */
    }
}

static void respond(struct server *s, int fd, enum server_mood mood, const char *document)
{
    switch (mood) {
    case SERVER_SERVES:
        answer(fd, "200 OK", "", document);
        break;
    case SERVER_HANGS:
        hang(s, fd);
        break;
    case SERVER_TRICKLES:
        trickle(s, fd);
        break;
    case SERVER_IS_SLOW:
        (void)wait_for(s, -1, 300);
        answer(fd, "200 OK", "", document);
        break;
    case SERVER_FAILS:
        answer(fd, "500 Internal Server Error", "", document);
        break;
    case SERVER_REDIRECTS:
        answer(fd, "302 Found", "Location: /elsewhere\r\n", "");
        break;
    case SERVER_FLOODS:
        flood(s, fd);
        break;
    case SERVER_IS_HUGE:
        be_huge(fd);
        break;
    case SERVER_BABBLES:
        answer(fd, "200 OK", "", "<html>keys</html>");
        break;
    case SERVER_HAS_NONE:
        answer(fd, "200 OK", "", "{\"keys\":[]}");
        break;
    case SERVER_CUTS:
        (void)send_all(fd, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\":["));
        break;
    case SERVER_HANGS_UP:
        break;
    case SERVER_IS_NO_HTTP:
        (void)send_all(fd, SPAN("220 mail.example ESMTP\r\n"));
        break;
    case SERVER_REPLIES:
        answer(fd, s->status, s->headers, document);
        break;
    }
}

static void serve(struct server *s, int fd)
{
    ssize_t n = recv(fd, s->head, sizeof s->head - 1, 0);
    s->head[n < 0 ? 0 : n] = '\0';
    pthread_mutex_lock(&s->lock);
    enum server_mood mood = s->mood;
    const char *document = s->document;
    pthread_mutex_unlock(&s->lock);
    bool elsewhere = strncmp(s->head, "GET /elsewhere", strlen("GET /elsewhere")) == 0;
    atomic_fetch_add(&s->elsewhere, elsewhere);
    atomic_fetch_add(&s->count, 1);
    respond(s, fd, elsewhere ? SERVER_SERVES : mood, document);
}

static void *run(void *data)
{
    struct server *s = data;
    while (!wait_for(s, s->listener, -1)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0) {
            serve(s, fd);
            close(fd);
        }
    }
    return NULL;
}

struct server *server_start(void)
{
    struct server *s = mem_alloc(sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->stop = eventfd(0, EFD_CLOEXEC);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = s->stop >= 0 && s->listener >= 0 &&
                bind(s->listener, (struct sockaddr *)&address, size) == 0 &&
                listen(s->listener, 64) == 0 &&
                getsockname(s->listener, (struct sockaddr *)&address, &size) == 0;
    assert(good);
    s->port = ntohs(address.sin_port);
    int code = pthread_mutex_init(&s->lock, NULL);
    assert(code == 0);
    code = pthread_create(&s->thread, NULL, run, s);
    assert(code == 0);
    return s;
}

void server_stop(struct server *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->stop, &one, sizeof one);
    assert(n == sizeof one);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    close(s->listener);
    close(s->stop);
    mem_free(s);
}

int server_port(const struct server *s)
{
    return s->port;
}

void server_set(struct server *s, enum server_mood mood, const char *document)
{
    pthread_mutex_lock(&s->lock);
    s->mood = mood;
    s->document = document;
    pthread_mutex_unlock(&s->lock);
}

void server_reply(struct server *s, const char *status, const char *headers, const char *document)
{
    pthread_mutex_lock(&s->lock);
    s->mood = SERVER_REPLIES;
    s->status = status;
    s->headers = headers;
    s->document = document;
    pthread_mutex_unlock(&s->lock);
}

int server_count(const struct server *s)
{
    return atomic_load(&s->count);
}

int server_elsewhere_count(const struct server *s)
{
    return atomic_load(&s->elsewhere);
}

const char *server_last(const struct server *s)
{
    return s->head;
}

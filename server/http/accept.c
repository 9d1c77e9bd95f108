#include "http/accept.h"

#include <errno.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/conn.h"

enum {
    BACKLOG = 4096,
    TURN_MAX = 64, /* connections accepted before others get their turn */
    RETRY_MS = 100,
    DESCRIPTORS_MIN = 64
};

/* --- accepting --- */
static void pause_accept(struct http *h)
{
    h->accept_paused = true;
    (void)uv_poll_stop(&h->listener);
}

static void on_retry(uv_timer_t *timer)
{
    accept_resume(timer->data);
}

/* No descriptor or no memory: the connections stay in the queue. Said once, not every time. */
static void wait_for_descriptors(struct http *h, int error)
{
    if (!h->accept_starved) {
        log_event(LOG_WARN, "accept_paused", LOG_STR("reason", strerror(error)),
                  LOG_INT("connections", (int64_t)h->conn_count));
    }
    h->accept_starved = true;
    pause_accept(h);
    (void)uv_timer_start(&h->retry, on_retry, RETRY_MS, 0);
}

/* accept(2): an error of the connection that was to be accepted concerns nobody else. */
static bool is_exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_readable(uv_poll_t *listener, int status, int events)
{
    struct http *h = listener->data;
    for (int i = 0; i < TURN_MAX; i++) {
        if (h->conn_count >= h->conn_max) {
            pause_accept(h);
            return;
        }
        int fd = accept4(h->listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            h->accept_starved = false;
            conn_start(h, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (is_exhausted(errno)) {
            wait_for_descriptors(h, errno);
            return;
        }
    }
}

void accept_resume(struct http *h)
{
    if (h->accept_paused && h->listener_fd >= 0) {
        h->accept_paused = false;
        (void)uv_poll_start(&h->listener, UV_READABLE, on_readable);
    }
}

/* --- listening --- */
/* Names are for "localhost"; resolving blocks, once, before the loop runs. */
static struct addrinfo *resolve(const struct http_options *options)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[16];
    (void)snprintf(port, sizeof port, "%u", options->port);
    if (options->port > UINT16_MAX || getaddrinfo(options->host, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return NULL;
    }
    return found;
}

/* An address of IPv6 takes IPv4 too. -1 and errno. */
static int listen_at(const struct addrinfo *at)
{
    static const int on = 1;
    static const int off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int listen_on(const struct http_options *options)
{
    struct addrinfo *found = resolve(options);
    if (found == NULL) {
        return -1;
    }
    int fd = listen_at(found);
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

/* Raises the process's limit as far as the connections need it, and caps them where it ends: a
 * quarter is for kernels, the store and everything else. */
static size_t settle_cap(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    rlim_t needed = wanted / 3 * 4 + DESCRIPTORS_MIN;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    size_t cap = limit.rlim_cur / 4 * 3;
    if (cap < wanted) {
        log_event(LOG_WARN, "connections_limited", LOG_INT("descriptors", (int64_t)limit.rlim_cur),
                  LOG_INT("connections", (int64_t)cap));
    }
    return cap < wanted ? cap : wanted;
}

static int start_polling(struct http *h)
{
    int r = uv_poll_init(h->loop, &h->listener, h->listener_fd);
    if (r != 0) {
        (void)close(h->listener_fd);
        return r;
    }
    (void)uv_timer_init(h->loop, &h->retry);
    h->listener.data = h->retry.data = h;
    h->handles += 2;
    (void)uv_poll_start(&h->listener, UV_READABLE, on_readable);
    return 0;
}

enum err accept_open(struct http *h)
{
    h->listener_fd = listen_on(&h->options);
    int r = h->listener_fd < 0 ? -errno : start_polling(h);
    if (r != 0) {
        log_event(LOG_ERROR, "listen", LOG_STR("host", h->options.host),
                  LOG_INT("port", h->options.port), LOG_STR("reason", uv_strerror(r)));
        return ERR_UNAVAILABLE;
    }
    h->conn_max = settle_cap(h->options.connections_max);
    return OK;
}

unsigned accept_port(const struct http *h)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t size = sizeof address;
    if (h->listener_fd < 0 || getsockname(h->listener_fd, &address.any, &size) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void accept_close(struct http *h, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&h->listener, closed); /* forgets the descriptor at once */
    (void)uv_timer_stop(&h->retry);
    (void)close(h->listener_fd);
    h->listener_fd = -1;
}

#include "tests/unit/server/http_app_edge.h"

#include <assert.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static void answer_own_headers(struct call *c, int64_t n)
{
    http_answer(c, (struct reply){.status = 200,
                                  .body = SPAN("{}"),
                                  .headers = {{SPAN("cache-control"), SPAN("no-cache")},
                                              {SPAN("content-security-policy"), SPAN("own")}},
                                  .header_count = 2});
}

/* Without a turn of the loop in between. */
static void answer_busy(struct call *c, int64_t ms)
{
    uint64_t end = clock_mono_us() + (uint64_t)ms * 1000;
    while (clock_mono_us() < end) {
        usleep(1000);
    }
    http_answer(c, (struct reply){.status = 200, .body = SPAN("{}")});
}

/* --- clients that leave --- */
static size_t waiting;
static size_t told;

static void on_gone(struct call *c)
{
    assert(http_call_is_gone(c));
    assert(c->data == &waiting);
    told++;
    waiting--;
    http_answer(c, (struct reply){.status = 200, .body = SPAN("{\"gone\":true}")});
}

static void wait_until_gone(struct call *c, int64_t n)
{
    waiting++; /* it may have left already */
    c->data = &waiting;
    c->on_gone = on_gone;
}

static void answer_waiting(struct call *c, int64_t n)
{
    struct span body = arena_printf(c->arena, "{\"waiting\":%zu,\"told\":%zu}", waiting, told);
    http_answer(c, (struct reply){.status = 200, .body = body});
}

/* --- the process --- */
static size_t count_descriptors(bool only_slow)
{
    size_t n = 0;
    for (int fd = 0; fd < 4096; fd++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int no_delay = 0;
        socklen_t flag_size = sizeof no_delay;
        bool slow = getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
                    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &flag_size) == 0 &&
                    no_delay == 0;
        n += only_slow ? slow : fcntl(fd, F_GETFD) != -1;
    }
    return n;
}

static void answer_usage(struct call *c, int64_t n)
{
    struct span body =
        arena_printf(c->arena, "{\"descriptors\":%zu,\"slow\":%zu,\"bytes\":%zu}",
                     count_descriptors(false), count_descriptors(true), mallinfo2().uordblks);
    http_answer(c, (struct reply){.status = 200, .body = body});
}

static rlim_t set_limit(rlim_t soft)
{
    struct rlimit limit;
    assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = soft == 0 ? before : soft;
    assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return before;
}

/* From now on only `n` more descriptors can be had; over 100: as many as at first. */
static void limit_descriptors(struct call *c, int64_t n)
{
    static rlim_t first;
    if (first == 0) {
        first = set_limit(0);
    }
    if (n > 100) {
        (void)set_limit(first);
    } else {
        int lowest = dup(STDERR_FILENO);
        assert(lowest >= 0);
        (void)close(lowest);
        (void)set_limit((rlim_t)lowest + (rlim_t)n);
    }
    http_answer(c, (struct reply){.status = 200, .body = SPAN("{}")});
}

/* Freed memory stays with the process: its end does not move. */
static void answer_heap(struct call *c, int64_t n)
{
    enum { BLOCKS = 1000, BLOCK = 10000 };
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = mem_alloc(BLOCK);
    }
    const void *top = sbrk(0);
    for (size_t i = 0; i < BLOCKS; i++) {
        mem_free(blocks[i]);
    }
    struct span body = sbrk(0) == top ? SPAN("kept") : SPAN("given back");
    http_answer(c, (struct reply){.status = 200, .body = body});
}

bool app_edge_answers(struct call *c, struct span first, int64_t n)
{
    static const struct {
        const char *name;
        void (*answer)(struct call *c, int64_t n);
    } routes[] = {
        {"busy", answer_busy},
        {"own", answer_own_headers},
        {"wait", wait_until_gone},
        {"waiting", answer_waiting},
        {"usage", answer_usage},
        {"heap", answer_heap},
        {"descriptors", limit_descriptors},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (span_eq(first, span_str(routes[i].name))) {
            routes[i].answer(c, n);
            return true;
        }
    }
    return false;
}

#include "channel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Above HIGH nobody may append: memory is bounded by HIGH and one frame, twice. */
#define HIGH ((size_t)256 * 1024)
/* From here on gathering longer would only delay. */
#define ENOUGH (HIGH / 4)
#define JOINED_MAX ((size_t)60 * 1024)
#define INITIAL ((size_t)512 * 1024)
/* A buffer that one huge frame has blown up is not kept. */
#define KEEP_MAX ((size_t)1024 * 1024)
#define GATHER_US 8000
#define ASK_US 50
#define EXIT_SERVER_GONE 70
#define NO_TAIL ((size_t)-1)
/* A flag of the header (schema/kernel.yaml). */
#define AFTER_RAW 1

struct header {
    uint32_t size;
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    uint64_t run;
};
_Static_assert(sizeof(struct header) == 16, "the header is laid out as in schema/kernel.yaml");

struct buffer {
    char *data;
    size_t size, cap;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, space;
    int fd;
    struct buffer front; /* appended to */
    struct buffer back;  /* being written by the thread while `writing` */
    size_t tail; /* offset of the last frame in `front` if text may still join it, or NO_TAIL */
    bool writing, urgent;
    uint64_t left_at;  /* when text last left at once, us */
    uint64_t asked_at; /* when the pipes were last asked for text, us */
} channel = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .fd = -1,
    .tail = NO_TAIL,
};

static void lock(void)
{
    (void)pthread_mutex_lock(&channel.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&channel.lock);
}

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U;
}

static struct timespec in_us(uint64_t us)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t nanoseconds = (uint64_t)t.tv_nsec + us * 1000U;
    t.tv_sec += (time_t)(nanoseconds / 1000000000U);
    t.tv_nsec = (long)(nanoseconds % 1000000000U);
    return t;
}

static void init_conditions(void)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&channel.work, &monotonic);
    (void)pthread_cond_init(&channel.space, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

/* --- the thread that writes --- */

/* The socket may be non-blocking: the server made it. */
static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Called with the lock: waits for something worth sending. */
static void gather(void)
{
    while (channel.front.size == 0) {
        (void)pthread_cond_wait(&channel.work, &channel.lock);
    }
    struct timespec end = in_us(GATHER_US);
    while (!channel.urgent && channel.front.size < ENOUGH) {
        if (pthread_cond_timedwait(&channel.work, &channel.lock, &end) == ETIMEDOUT) {
            break;
        }
    }
}

static void empty(struct buffer *b)
{
    b->size = 0;
    if (b->cap > KEEP_MAX) {
        free(b->data);
        *b = (struct buffer){0};
    }
}

/* Called with the lock, which is given up while the socket takes its time. */
static void write_out(void)
{
    struct buffer swapped = channel.front;
    channel.front = channel.back;
    channel.back = swapped;
    channel.tail = NO_TAIL;
    channel.urgent = false;
    channel.writing = true;
    (void)pthread_cond_broadcast(&channel.space);
    unlock();
    if (!send_all(channel.fd, channel.back.data, channel.back.size)) {
        /* Nobody reads this kernel any more, or its own code closed the socket. */
        _exit(EXIT_SERVER_GONE);
    }
    lock();
    empty(&channel.back);
    channel.writing = false;
    (void)pthread_cond_broadcast(&channel.space);
}

static void *run_writer(void *unused)
{
    (void)unused;
    lock();
    for (;;) {
        gather();
        if (channel.front.size > 0) { /* else another thread has sent it meanwhile */
            write_out();
        }
    }
    return NULL;
}

/* All signals are blocked in the thread: Python's handlers must wake the main thread's system
 * calls. */
static bool start_writer(void)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t small;
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, 64UL * 1024);
    (void)pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    bool started = pthread_create(&thread, &small, run_writer, NULL) == 0;
    (void)pthread_attr_destroy(&small);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* --- appending; all of these are called with the lock --- */

static bool reserve(struct buffer *b, size_t more)
{
    if (b->cap - b->size >= more) {
        return true;
    }
    size_t cap = b->cap > 0 ? b->cap : INITIAL;
    while (cap - b->size < more) {
        cap *= 2; /* at most HIGH + a frame, doubled: no overflow */
    }
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

static void append(struct buffer *b, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(b->data + b->size, data, size);
        b->size += size;
    }
}

/* Does text wait in the pipes that the server reads behind descriptors 1 and 2? FIONREAD asks the
 * pipe, so it works at the writing end. A descriptor that user code has pointed elsewhere has none.
 */
static uint8_t ask_pipes(void)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        int n = 0;
        if (ioctl(fd, FIONREAD, &n) == 0 && n > 0) {
            return AFTER_RAW;
        }
    }
    return 0;
}

/* The flags of a frame. Asking costs two system calls, many times what appending a line costs, so
 * text that would join a frame asks once in 50 us: less than a child process needs to write
 * anything. Code that writes to the descriptors itself between two prints is in order when it
 * flushes, as it has to everywhere. */
static uint8_t flags_of(bool joins)
{
    uint64_t now = now_us(CLOCK_MONOTONIC);
    if (joins && now - channel.asked_at < ASK_US) {
        return 0;
    }
    channel.asked_at = now;
    return ask_pipes();
}

/* Headers in the buffer are not aligned. */
static bool joins_tail(const struct channel_frame *f, struct header *h)
{
    if (!f->stream || channel.tail == NO_TAIL) {
        return false;
    }
    memcpy(h, channel.front.data + channel.tail, sizeof *h);
    return h->kind == f->kind && h->run == f->run && h->size + f->size <= JOINED_MAX;
}

static void join_tail(const struct channel_frame *f, struct header *h)
{
    h->size += (uint32_t)f->size;
    memcpy(channel.front.data + channel.tail, h, sizeof *h);
    append(&channel.front, f->data, f->size);
}

static void append_frame(const struct channel_frame *f, uint8_t flags)
{
    struct header h = {.size = (uint32_t)f->size, .kind = f->kind, .flags = flags, .run = f->run};
    channel.tail = f->stream ? channel.front.size : NO_TAIL;
    append(&channel.front, &h, sizeof h);
    append(&channel.front, f->data, f->size);
}

/* Sends what the socket takes without waiting. Text cannot join a frame that has begun to leave. */
static void send_some(void)
{
    struct buffer *b = &channel.front;
    if (channel.writing || b->size == 0) {
        return;
    }
    ssize_t n = send(channel.fd, b->data, b->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) {
        return; /* full or broken: the thread finds out */
    }
    b->size -= (size_t)n;
    memmove(b->data, b->data + n, b->size);
    channel.tail = NO_TAIL;
    if (b->size == 0) {
        empty(b);
        (void)pthread_cond_broadcast(&channel.space);
    }
}

static bool ends_line(const struct channel_frame *f)
{
    return f->stream && f->size > 0 &&
           (f->data[f->size - 1] == '\n' || f->data[f->size - 1] == '\r');
}

/* The first line after a pause leaves at once; the lines of a flood are gathered. */
static void send_first_line(const struct channel_frame *f)
{
    if (!ends_line(f) || channel.front.size >= ENOUGH) {
        return;
    }
    uint64_t now = now_us(CLOCK_MONOTONIC_COARSE);
    if (now - channel.left_at >= GATHER_US) {
        channel.left_at = now;
        send_some();
    }
}

static void wake_writer(bool was_empty)
{
    bool enough = channel.front.size >= ENOUGH && !channel.urgent;
    if (enough) {
        channel.urgent = true;
    }
    if (channel.front.size > 0 && (was_empty || enough)) {
        (void)pthread_cond_signal(&channel.work);
    }
}

static enum channel_result put_locked(const struct channel_frame *f)
{
    if (channel.front.size >= HIGH) {
        channel.urgent = true;
        (void)pthread_cond_signal(&channel.work);
        return CHANNEL_FULL;
    }
    if (!reserve(&channel.front, sizeof(struct header) + f->size)) {
        return CHANNEL_NO_MEMORY;
    }
    bool was_empty = channel.front.size == 0;
    struct header h;
    bool joins = joins_tail(f, &h);
    uint8_t flags = flags_of(joins);
    if (joins && flags == 0) {
        join_tail(f, &h);
    } else { /* text that comes after other text in the pipes begins a frame of its own */
        append_frame(f, flags);
    }
    send_first_line(f);
    wake_writer(was_empty);
    return CHANNEL_OK;
}

/* --- the calls --- */

/* User code has forked this process. The frames belong to the parent; the child writes plain text
 * to descriptors 1 and 2. The locks may have been held by threads that do not exist here. */
static void on_fork_child(void)
{
    (void)pthread_mutex_init(&channel.lock, NULL);
    init_conditions();
    if (channel.fd >= 0) {
        (void)close(channel.fd);
    }
    channel.fd = -1;
    channel.front.size = 0;
    channel.tail = NO_TAIL;
    channel.writing = false;
}

bool channel_open(int fd)
{
    assert(channel.fd < 0);
    init_conditions();
    channel.fd = fd;
    return pthread_atfork(NULL, NULL, on_fork_child) == 0 && start_writer();
}

enum channel_result channel_put(const struct channel_frame *frame)
{
    if (channel.fd < 0) {
        return CHANNEL_CLOSED;
    }
    if (frame->size > (frame->stream ? CHANNEL_STREAM_MAX : CHANNEL_FRAME_MAX)) {
        return CHANNEL_TOO_LARGE;
    }
    lock();
    enum channel_result r = put_locked(frame);
    unlock();
    return r;
}

void channel_wait_space(unsigned ms)
{
    struct timespec end = in_us(ms * UINT64_C(1000));
    lock();
    if (channel.front.size >= HIGH) {
        (void)pthread_cond_timedwait(&channel.space, &channel.lock, &end);
    }
    unlock();
}

void channel_flush(void)
{
    if (channel.fd < 0) {
        return;
    }
    lock();
    send_some();
    if (channel.front.size > 0) {
        channel.urgent = true;
        (void)pthread_cond_signal(&channel.work);
    }
    unlock();
}

bool channel_drain(unsigned ms)
{
    if (channel.fd < 0) {
        return true;
    }
    channel_flush();
    struct timespec end = in_us(ms * UINT64_C(1000));
    lock();
    while (channel.front.size > 0 || channel.writing) {
        if (pthread_cond_timedwait(&channel.space, &channel.lock, &end) == ETIMEDOUT) {
            break;
        }
    }
    bool drained = channel.front.size == 0 && !channel.writing;
    unlock();
    return drained;
}

static bool seize_now(void)
{
    if (pthread_mutex_trylock(&channel.lock) != 0) {
        return false;
    }
    if (channel.writing) {
        unlock();
        return false;
    }
    return true;
}

/* The lock, with nobody writing, within 100 ms. The thread that crashed may hold it itself. */
static bool seize(void)
{
    bool seized = seize_now();
    for (unsigned i = 0; i < 100 && !seized; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        seized = seize_now();
    }
    return seized;
}

void channel_flush_dying(void)
{
    if (channel.fd < 0 || !seize()) {
        return;
    }
    const char *data = channel.front.data;
    size_t left = channel.front.size;
    while (left > 0) {
        ssize_t n = send(channel.fd, data, left, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            left -= (size_t)n;
            continue;
        }
        struct pollfd p = {.fd = channel.fd, .events = POLLOUT};
        if (n == 0 || errno != EAGAIN || poll(&p, 1, 100) <= 0) {
            return; /* the lock is kept: nobody may send the rest of a torn buffer */
        }
    }
}

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

/* A value is cut at VALUE_MAX bytes; a field that does not fit in the line with the others is left
 * out; either way the line says `"truncated":true`. */
enum { BUFFER_SIZE = 64 * 1024, LINE_SIZE = 16 * 1024, VALUE_MAX = 2048, TAIL_ROOM = 32 };
enum { STUCK_MS = 1000 };

static atomic_int least_level = LOG_INFO;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the buffer and the descriptor */
static char buffer[BUFFER_SIZE];
static size_t buffered;
static pthread_once_t exit_is_watched = PTHREAD_ONCE_INIT;

/* A reader of our pipe that does not read must not stop the server for good. */
static bool wait_writable(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, STUCK_MS) > 0;
}

/* One write when the kernel takes it whole. What cannot be written is dropped: there is nobody to
 * tell. */
static void write_out(void)
{
    const char *p = buffer;
    const char *end = buffer + buffered;
    buffered = 0;
    while (p < end) {
        ssize_t n = write(STDERR_FILENO, p, (size_t)(end - p));
        if (n >= 0) {
            p += n;
        } else if (errno != EINTR && (errno != EAGAIN || !wait_writable())) {
            return;
        }
    }
}

void log_flush(void)
{
    pthread_mutex_lock(&mutex);
    write_out();
    pthread_mutex_unlock(&mutex);
}

static void watch_exit(void)
{
    if (atexit(log_flush) != 0) {
        abort();
    }
}

static void append(struct span line, bool at_once)
{
    pthread_once(&exit_is_watched, watch_exit);
    pthread_mutex_lock(&mutex);
    if (line.n > BUFFER_SIZE - buffered) {
        write_out();
    }
    memcpy(buffer + buffered, line.p, line.n);
    buffered += line.n;
    if (at_once) {
        write_out();
    }
    pthread_mutex_unlock(&mutex);
}

static struct span level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return SPAN("debug");
    case LOG_INFO:
        return SPAN("info");
    case LOG_WARN:
        return SPAN("warn");
    case LOG_ERROR:
        return SPAN("error");
    }
    return SPAN("unknown");
}

/* False when it was cut. */
static bool put_string(struct json_writer *w, struct span value)
{
    size_t n = span_utf8_prefix(value, VALUE_MAX);
    json_put_string(w, span_of(value.p, n));
    return n == value.n;
}

static bool put_value(struct json_writer *w, const struct log_field *f)
{
    switch (f->type) {
    case LOG_FIELD_SPAN:
        return put_string(w, f->span);
    case LOG_FIELD_INT:
        json_put_int(w, f->integer);
        return true;
    case LOG_FIELD_DOUBLE:
        json_put_double(w, f->number);
        return true;
    }
    return true;
}

/* All of the field or nothing of it; false when it was cut or left out. */
static bool put_field(struct json_writer *w, const struct log_field *f)
{
    size_t before = w->out->n;
    json_put_name(w, span_str(f->name));
    bool whole = put_value(w, f);
    if (w->out->overflowed) {
        w->out->n = before;
        w->out->overflowed = false;
        return false;
    }
    return whole;
}

static bool put_head(struct json_writer *w, enum log_level level, const char *event)
{
    char time[CLOCK_RFC3339_SIZE];
    json_open_object(w);
    json_member_string(w, SPAN("time"), clock_rfc3339(clock_unix_ms(), time));
    json_member_string(w, SPAN("level"), level_name(level));
    json_put_name(w, SPAN("event"));
    return put_string(w, span_str(event));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) {
        return;
    }
    char bytes[LINE_SIZE]; /* as large as `line` may become, so that it never allocates */
    struct text line = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes - 1 - TAIL_ROOM};
    struct json_writer w = JSON_WRITER(&line);
    bool whole = put_head(&w, level, event);
    for (size_t i = 0; i < count; i++) {
        whole = put_field(&w, &fields[i]) && whole;
    }
    line.max += TAIL_ROOM;
    if (!whole) {
        json_member_bool(&w, SPAN("truncated"), true);
    }
    json_close_object(&w);
    text_add_char(&line, '\n');
    append(text_span(&line), level >= LOG_WARN);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

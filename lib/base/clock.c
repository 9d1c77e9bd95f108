#include "base/clock.h"

#include <time.h>

int64_t clock_unix_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* fails only for an unknown clock */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_mono_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* `digits` decimal digits of `value`, which is not negative. */
static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

struct span clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE])
{
    if (unix_ms < 0 || unix_ms > CLOCK_MAX_MS) {
        unix_ms = unix_ms < 0 ? 0 : CLOCK_MAX_MS;
    }
    time_t seconds = unix_ms / 1000;
    struct tm tm;
    (void)gmtime_r(&seconds, &tm); /* cannot fail inside the bounds above */
    const struct {
        int value, digits;
        char after;
    } parts[] = {{tm.tm_year + 1900, 4, '-'},    {tm.tm_mon + 1, 2, '-'}, {tm.tm_mday, 2, 'T'},
                 {tm.tm_hour, 2, ':'},           {tm.tm_min, 2, ':'},     {tm.tm_sec, 2, '.'},
                 {(int)(unix_ms % 1000), 3, 'Z'}};
    char *p = out;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        p = put_digits(p, parts[i].value, parts[i].digits);
        *p++ = parts[i].after;
    }
    *p = '\0';
    return span_of(out, (size_t)(p - out));
}

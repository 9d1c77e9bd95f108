#include "range.h"

/* 1*DIGIT: no sign, no blanks. What no size_t can hold is beyond everything anyway. */
static bool read_digits(struct span s, size_t *out)
{
    size_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        size_t digit = (size_t)(s.p[i] - '0');
        value = value > (SIZE_MAX - digit) / 10 ? SIZE_MAX : value * 10 + digit;
    }
    *out = value;
    return s.n > 0;
}

/* "-n": the last n bytes. */
static enum range_kind read_suffix(struct span digits, size_t total, size_t *start, size_t *size)
{
    size_t n;
    if (!read_digits(digits, &n)) {
        return RANGE_REFUSED;
    }
    *size = n < total ? n : total;
    *start = total - *size;
    return *size > 0 ? RANGE_PART : RANGE_REFUSED;
}

enum range_kind range_read(struct span header, size_t total, size_t *start, size_t *size)
{
    struct span last = header;
    if (!span_eq_nocase(span_trim(span_cut(&last, '=')), SPAN("bytes"))) {
        return RANGE_NONE;
    }
    last = span_trim(last);
    struct span first = span_cut(&last, '-');
    if (first.n == 0) {
        return read_suffix(last, total, start, size);
    }
    size_t from;
    size_t to = SIZE_MAX;
    if (!read_digits(first, &from) || span_is_null(last) ||
        (last.n > 0 && !read_digits(last, &to)) || to < from) {
        return RANGE_REFUSED;
    }
    if (from >= total) {
        return RANGE_REFUSED;
    }
    *start = from;
    *size = (to < total ? to + 1 : total) - from;
    return RANGE_PART;
}

#include "kernel/repair.h"

/* Length that the first byte promises; 1 also for bytes that begin nothing. */
static size_t promised(char first)
{
    unsigned char c = (unsigned char)first;
    if (c < 0xC2 || c > 0xF4) {
        return 1;
    }
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Length of the valid sequence at `i`, or 0. */
static size_t sequence(struct span s, size_t i)
{
    size_t n = promised(s.p[i]);
    return n <= s.n - i && span_is_utf8(span_sub(s, i, n)) ? n : 0;
}

struct span repair(struct span s, struct text *scratch)
{
    if (span_is_utf8(s)) {
        return s;
    }
    text_clear(scratch);
    size_t sound = 0; /* start of the valid run that ends at i */
    size_t i = 0;
    while (i < s.n) {
        size_t n = sequence(s, i);
        if (n == 0) {
            text_add(scratch, span_sub(s, sound, i - sound));
            text_add(scratch, SPAN("\xEF\xBF\xBD"));
            n = 1;
            sound = i + 1;
        }
        i += n;
    }
    text_add(scratch, span_sub(s, sound, i - sound));
    return text_span(scratch);
}

/* A cut sequence is worth waiting for only if some completion is valid: the second byte's range
 * narrows after E0, ED, F0 and F4 (RFC 3629, section 4). */
static bool can_be_completed(struct span tail)
{
    static const char fill[][4] = {"\x80\x80\x80", "\xBF\xBF\xBF"};
    for (size_t i = 0; i < 2; i++) {
        char whole[4];
        size_t n = promised(tail.p[0]);
        memcpy(whole, tail.p, tail.n);
        memcpy(whole + tail.n, fill[i], n - tail.n);
        if (span_is_utf8(span_of(whole, n))) {
            return true;
        }
    }
    return false;
}

size_t repair_open_tail(struct span s)
{
    for (size_t n = 1; n <= 3 && n <= s.n; n++) {
        char first = s.p[s.n - n];
        if (promised(first) > n) {
            return can_be_completed(span_sub(s, s.n - n, n)) ? n : 0;
        }
        if (promised(first) > 1) {
            return 0;
        }
    }
    return 0;
}

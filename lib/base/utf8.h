/* utf8: one sequence at a time (RFC 3629). Private to base; others use span_is_utf8. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the sequence that begins at `s`, of which `n` > 0 bytes may be read; 0 when it is
 * malformed, overlong, a surrogate, above U+10FFFF, or cut short (RFC 3629, section 4). */
static inline size_t utf8_length(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xC2 || p[0] > 0xF4 || n < 2 || !utf8_is_tail(p[1])) {
        return 0;
    }
    if (p[0] < 0xE0) {
        return 2;
    }
    if (n < 3 || !utf8_is_tail(p[2]) || (p[0] == 0xE0 && p[1] < 0xA0) ||
        (p[0] == 0xED && p[1] > 0x9F)) {
        return 0;
    }
    if (p[0] < 0xF0) {
        return 3;
    }
    bool bad = n < 4 || !utf8_is_tail(p[3]) || (p[0] == 0xF0 && p[1] < 0x90) ||
               (p[0] == 0xF4 && p[1] > 0x8F);
    return bad ? 0 : 4;
}

/* Writes a code point that is not a surrogate and at most U+10FFFF; returns its length, 1 to 4. */
static inline size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF0U << (4 - n) & 0xF0U) | code);
    return n;
}

/* json_plain: the run of bytes that JSON strings hold as they are. Private to base. */
#pragma once

#include "base/span.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "json_plain_run counts from the low end");

#define JSON_PLAIN_EACH(byte) (0x0101010101010101U * (uint64_t)(byte))

static inline bool json_plain_is(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The high bit of each zero byte of `x`; above the first of them it may be wrong. */
static inline uint64_t json_plain_zeros(uint64_t x)
{
    return (x - JSON_PLAIN_EACH(1)) & ~x;
}

/* How many bytes from `p` on are ASCII without controls, quotes and backslashes: eight at a time.
 */
static inline size_t json_plain_run(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x;
        memcpy(&x, p + i, 8);
        uint64_t controls = (x - JSON_PLAIN_EACH(0x20)) & ~x;
        uint64_t quotes = json_plain_zeros(x ^ JSON_PLAIN_EACH('"'));
        uint64_t backslashes = json_plain_zeros(x ^ JSON_PLAIN_EACH('\\'));
        uint64_t special = (x | controls | quotes | backslashes) & JSON_PLAIN_EACH(0x80);
        if (special != 0) {
            return i + (size_t)__builtin_ctzll(special) / 8;
        }
    }
    while (i < n && json_plain_is((unsigned char)p[i])) {
        i++;
    }
    return i;
}

#include "base/id.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void id_random(void *p, size_t n)
{
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR) {
            abort(); /* no randomness: every identifier and hash key would be guessable */
        }
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

static bool is_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

struct id id_new(void)
{
    unsigned char bytes[16];
    id_random(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40); /* version 4 (RFC 9562, 5.4) */
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80); /* variant 10 */
    struct id id = {0};
    size_t nibble = 0;
    for (size_t i = 0; i < ID_LENGTH; i++) {
        if (is_dash_at(i)) {
            id.s[i] = '-';
            continue;
        }
        unsigned char byte = bytes[nibble / 2];
        id.s[i] = "0123456789abcdef"[nibble % 2 == 0 ? byte >> 4 : byte & 0x0F];
        nibble++;
    }
    return id;
}

bool id_is_valid(struct span s)
{
    if (s.n != ID_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < ID_LENGTH; i++) {
        char c = s.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_dash_at(i) ? c != '-' : !hex) {
            return false;
        }
    }
    return true;
}

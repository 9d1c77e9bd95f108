#include "http/utf8.h"

/* First bytes of characters: how many follow, and what the next one may be. Leaves out what would
 * be overlong, a surrogate, or beyond U+10FFFF (RFC 3629, 4). */
static const struct lead {
    unsigned char first, last;
    struct utf8 next;
} leads[] = {
    {0xC2, 0xDF, {1, 0x80, 0xBF}}, {0xE1, 0xEC, {2, 0x80, 0xBF}}, {0xE0, 0xE0, {2, 0xA0, 0xBF}},
    {0xED, 0xED, {2, 0x80, 0x9F}}, {0xEE, 0xEF, {2, 0x80, 0xBF}}, {0xF0, 0xF0, {3, 0x90, 0xBF}},
    {0xF1, 0xF3, {3, 0x80, 0xBF}}, {0xF4, 0xF4, {3, 0x80, 0x8F}},
};

static bool begin_character(struct utf8 *u, unsigned char c)
{
    if (c < 0x80) {
        return true;
    }
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (c >= leads[i].first && c <= leads[i].last) {
            *u = leads[i].next;
            return true;
        }
    }
    return false;
}

static bool continue_character(struct utf8 *u, unsigned char c)
{
    bool fits = c >= u->low && c <= u->high;
    *u = (struct utf8){(unsigned char)(u->missing - 1), 0x80, 0xBF};
    return fits;
}

/* Eight bytes at a time: most text is ASCII. */
static size_t skip_ascii(struct span s, size_t i)
{
    uint64_t eight = 0;
    while (s.n - i >= sizeof eight) {
        memcpy(&eight, s.p + i, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        i += sizeof eight;
    }
    return i;
}

bool utf8_add(struct utf8 *u, struct span piece)
{
    size_t i = 0;
    while (i < piece.n) {
        if (u->missing == 0) {
            i = skip_ascii(piece, i);
        }
        if (i == piece.n) {
            break;
        }
        unsigned char c = (unsigned char)piece.p[i++];
        if (!(u->missing == 0 ? begin_character(u, c) : continue_character(u, c))) {
            return false;
        }
    }
    return true;
}

bool utf8_is_whole(const struct utf8 *u)
{
    return u->missing == 0;
}

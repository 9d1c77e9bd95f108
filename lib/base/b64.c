#include "base/b64.h"

/* The two alphabets differ in their last two letters (RFC 4648, sections 4 and 5). */
#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char standard[] = COMMON "+/";
static const char url[] = COMMON "-_";

enum { NOT_A_DIGIT = 64 };

/* Inlined, so that `last` are constants. */
static inline unsigned value_of(char c, const char last[2])
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == last[0] ? 62U : c == last[1] ? 63U : (unsigned)NOT_A_DIGIT;
}

/* `in` has no padding. Four digits make 24 bits; a last group of 2 or 3 makes 1 or 2 bytes, and the
 * bits left over must be zero, or one value would have several spellings (RFC 4648, 3.5). */
static inline enum err decode(struct span in, const char last[2], uint8_t *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < in.n; i++) {
        unsigned value = value_of(in.p[i], last);
        if (value == NOT_A_DIGIT) {
            return ERR_INVALID;
        }
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *out++ = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1U << held) - 1)) == 0 ? OK : ERR_INVALID;
}

static size_t decoded_length(size_t digits)
{
    return digits / 4 * 3 + (digits % 4 == 0 ? 0 : digits % 4 - 1);
}

enum err b64_decode_url(struct span in, uint8_t *out, size_t cap, size_t *n)
{
    if (in.n % 4 == 1) {
        return ERR_INVALID;
    }
    size_t length = decoded_length(in.n);
    if (length > cap) {
        return ERR_TOO_LARGE;
    }
    enum err e = decode(in, url + 62, out);
    if (e == OK) {
        *n = length;
    }
    return e;
}

enum err b64_decode(struct span in, uint8_t *out, size_t cap, size_t *n)
{
    if (in.n % 4 != 0) {
        return ERR_INVALID;
    }
    for (int i = 0; i < 2 && in.n > 0 && in.p[in.n - 1] == '='; i++) {
        in.n--;
    }
    size_t length = decoded_length(in.n);
    if (length > cap) {
        return ERR_TOO_LARGE;
    }
    enum err e = decode(in, standard + 62, out);
    if (e == OK) {
        *n = length;
    }
    return e;
}

/* A group of 1 to 3 bytes becomes 2 to 4 digits; returns how many. */
static size_t encode_group(const unsigned char *in, size_t n, const char *alphabet, char *out)
{
    uint32_t bits = (uint32_t)in[0] << 16;
    bits |= n > 1 ? (uint32_t)in[1] << 8 : 0;
    bits |= n > 2 ? (uint32_t)in[2] : 0;
    for (size_t i = 0; i <= n; i++) {
        out[i] = alphabet[bits >> (18 - 6 * i) & 63];
    }
    return n + 1;
}

static size_t encode(struct span in, const char *alphabet, char *out)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t written = 0;
    for (size_t i = 0; i < in.n; i += 3) {
        written += encode_group(p + i, in.n - i < 3 ? in.n - i : 3, alphabet, out + written);
    }
    return written;
}

void b64_encode(struct text *out, struct span in)
{
    char *p = text_reserve(out, (in.n + 2) / 3 * 4);
    if (p == NULL) {
        return;
    }
    size_t n = encode(in, standard, p);
    while (n % 4 != 0) {
        p[n++] = '=';
    }
    out->n += n;
}

void b64_encode_url(struct text *out, struct span in)
{
    size_t n = in.n / 3 * 4 + (in.n % 3 == 0 ? 0 : in.n % 3 + 1);
    char *p = text_reserve(out, n);
    if (p != NULL) {
        out->n += encode(in, url, p);
    }
}

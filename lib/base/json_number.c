#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/json_reader.h"

_Static_assert(FLT_EVAL_METHOD == 0, "exact_double needs plain double arithmetic");

enum { MAX_DIGITS = 19, MAX_EXPONENT = 1000000, MAX_EXACT_POWER = 22 };

/* mantissa * 10^exponent, where the mantissa has room for `digits`. */
struct decimal {
    uint64_t mantissa; /* meaningless beyond MAX_DIGITS */
    size_t digits;
    int exponent;
    bool negative;
    bool whole; /* no fraction and no exponent */
};

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool skip(struct json_reader *r, char c)
{
    bool found = json_reader_peek(r) == (unsigned char)c;
    r->at += found;
    return found;
}

/* False when there is no digit. */
static bool scan_digits(struct json_reader *r, struct decimal *d)
{
    const char *first = r->at;
    for (; r->at < r->end && is_digit(*r->at); r->at++) {
        d->mantissa = d->mantissa * 10 + (uint64_t)(*r->at - '0');
    }
    d->digits += (size_t)(r->at - first);
    return r->at > first;
}

static bool scan_fraction(struct json_reader *r, struct decimal *d)
{
    if (!skip(r, '.')) {
        return true;
    }
    const char *first = r->at;
    d->whole = false;
    if (!scan_digits(r, d)) {
        return false;
    }
    ptrdiff_t digits = r->at - first;
    d->exponent -= digits < MAX_EXPONENT ? (int)digits : MAX_EXPONENT;
    return true;
}

static bool scan_exponent(struct json_reader *r, struct decimal *d)
{
    if (!skip(r, 'e') && !skip(r, 'E')) {
        return true;
    }
    d->whole = false;
    bool negative = skip(r, '-');
    if (!negative) {
        skip(r, '+');
    }
    if (!is_digit(json_reader_peek(r))) {
        return false;
    }
    int exponent = 0;
    for (; r->at < r->end && is_digit(*r->at); r->at++) {
        exponent = exponent < MAX_EXPONENT ? exponent * 10 + (*r->at - '0') : exponent;
    }
    d->exponent += negative ? -exponent : exponent;
    return true;
}

/* The grammar of RFC 8259, section 6: a zero leads only alone. */
static bool scan(struct json_reader *r, struct decimal *d)
{
    d->negative = skip(r, '-');
    bool whole = skip(r, '0') || scan_digits(r, d);
    return whole && scan_fraction(r, d) && scan_exponent(r, d);
}

static bool is_integer(const struct decimal *d)
{
    return d->whole && d->digits <= MAX_DIGITS && d->mantissa <= (uint64_t)INT64_MAX + d->negative;
}

/* Up to 2^53 and 10^22 both are doubles, so that one division or multiplication rounds once,
 * correctly (Clinger 1990). */
static bool exact_double(const struct decimal *d, double *out)
{
    static const double powers[MAX_EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->digits > MAX_DIGITS || d->mantissa > (UINT64_C(1) << 53) ||
        abs(d->exponent) > MAX_EXACT_POWER) {
        return false;
    }
    double value = (double)d->mantissa;
    value = d->exponent < 0 ? value / powers[-d->exponent] : value * powers[d->exponent];
    *out = d->negative ? -value : value;
    return true;
}

/* A quotient of 64 bits or more whose lowest bit also stands for all that was cut off below it, so
 * that the conversion to 53 bits rounds once, correctly. `mantissa` is not 0. */
static double divide(uint64_t mantissa, uint64_t divisor)
{
    int up = __builtin_clzll(mantissa);
    unsigned __int128 dividend = (unsigned __int128)(mantissa << up) << 64;
    unsigned __int128 quotient = dividend / divisor;
    bool rest = quotient * divisor != dividend;
    uint64_t high = (uint64_t)(quotient >> 64);
    int down = high == 0 ? 0 : 64 - __builtin_clzll(high);
    uint64_t top = (uint64_t)(quotient >> down);
    rest = rest || (unsigned __int128)top << down != quotient;
    return ldexp((double)(top | rest), down - 64 - up);
}

/* Full precision, 16 to 19 digits, as programs print it: a third of the time that strtod takes. */
static bool long_fraction(const struct decimal *d, double *out)
{
    if (d->digits > MAX_DIGITS || d->mantissa == 0 || d->exponent >= 0 ||
        d->exponent < -MAX_DIGITS) {
        return false;
    }
    uint64_t divisor = 1;
    for (int i = d->exponent; i < 0; i++) {
        divisor *= 10;
    }
    double value = divide(d->mantissa, divisor);
    *out = d->negative ? -value : value;
    return true;
}

/* strtod wants a NUL. The process keeps the C locale, so that its decimal point is a point. */
static double any_double(struct span text)
{
    char small[64];
    if (text.n < sizeof small) {
        memcpy(small, text.p, text.n);
        small[text.n] = '\0';
        return strtod(small, NULL);
    }
    CLEANUP(mem_free_ptr) char *large = mem_copy(text);
    return strtod(large, NULL);
}

bool json_reader_number(struct json_reader *r, struct json *v)
{
    const char *first = r->at;
    struct decimal d = {.whole = true};
    if (!scan(r, &d)) {
        return json_reader_refuse(r, ERR_INVALID, "malformed number");
    }
    if (is_integer(&d)) {
        v->is_integer = true;
        v->integer = (int64_t)(d.negative ? -d.mantissa : d.mantissa);
        v->number = d.negative ? -(double)d.mantissa : (double)d.mantissa;
        return true;
    }
    if (!exact_double(&d, &v->number) && !long_fraction(&d, &v->number)) {
        v->number = any_double(span_of(first, (size_t)(r->at - first)));
    }
    if (isinf(v->number)) {
        r->at = first;
        return json_reader_refuse(r, ERR_INVALID, "number out of range");
    }
    return true;
}

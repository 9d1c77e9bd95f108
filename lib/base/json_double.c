#include "base/json_double.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Most doubles people write have few decimals. With m below 10^15, m / 10^k is a decimal of at most
 * 15 digits, and the division rounds it correctly: when it gives `v` back, it is what %.15g would
 * say. False when there is no such m for k <= 6, and where %.15g would use an exponent. */
static bool to_decimal(double v, uint64_t *m, int *decimals)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    if (v >= 1e9 || (v < 1e-4 && v != 0)) {
        return false;
    }
    for (int k = 0; k <= 6; k++) {
        double scaled = nearbyint(v * powers[k]);
        if (scaled / powers[k] == v) {
            *m = (uint64_t)scaled;
            *decimals = k;
            return true;
        }
    }
    return false;
}

static size_t put_decimal(uint64_t m, int decimals, char *out)
{
    char reversed[JSON_DOUBLE_SIZE];
    size_t n = 0;
    for (int place = 0; m != 0 || place <= decimals; place++) {
        if (place == decimals && decimals != 0) {
            reversed[n++] = '.';
        }
        reversed[n++] = (char)('0' + m % 10);
        m /= 10;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = reversed[n - 1 - i];
    }
    out[n] = '\0';
    return n;
}

size_t json_double_format(double v, char out[JSON_DOUBLE_SIZE])
{
    uint64_t m = 0;
    int decimals = 0;
    size_t sign = signbit(v) ? 1 : 0;
    out[0] = '-';
    if (to_decimal(fabs(v), &m, &decimals)) {
        return sign + put_decimal(m, decimals, out + sign);
    }
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, JSON_DOUBLE_SIZE, "%.*g", digits, v);
        if (strtod(out, NULL) == v) {
            break;
        }
    }
    return (size_t)n;
}

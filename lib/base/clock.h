/* clock: the two clocks. Monotonic for durations and timers, wall for what is stored or compared
 * with a token's times. Any thread. */
#pragma once

#include "base/span.h"

#define CLOCK_RFC3339_SIZE sizeof("2026-01-31T23:59:59.999Z")
#define CLOCK_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */

int64_t clock_unix_ms(void); /* UTC milliseconds */
uint64_t clock_mono_us(void);
/* "2026-01-31T23:59:59.999Z" (RFC 3339, UTC) in `out`, NUL-terminated. Times before 1970 or after
 * 9999 are clamped. */
struct span clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE]);

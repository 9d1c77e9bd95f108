/* range: one range of bytes (RFC 9110, section 14). Pure. */
#pragma once

#include "base/span.h"

enum range_kind {
    RANGE_NONE,    /* no header, or another unit than bytes: the whole is wanted */
    RANGE_PART,    /* [start, start + size) of what is there */
    RANGE_REFUSED, /* 416: beyond what is there, malformed, or several ranges */
};

/* `total`: bytes that there are. A part is never empty and never beyond them; the caller may send
 * less of it. */
enum range_kind range_read(struct span header, size_t total, size_t *start, size_t *size);

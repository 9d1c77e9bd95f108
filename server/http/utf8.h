/* utf8: strict UTF-8 (RFC 3629) that comes in pieces, cut anywhere, also inside a character; the
 * first byte that cannot be right is noticed at once. Pure. */
#pragma once

#include "base/span.h"

/* Zeroed: nothing came yet. */
struct utf8 {
    unsigned char missing;   /* bytes that the last character still lacks */
    unsigned char low, high; /* what its next byte may be */
};

/* False when no continuation could make this UTF-8; `u` is of no use then. */
bool utf8_add(struct utf8 *u, struct span piece);
/* No character is cut. */
bool utf8_is_whole(const struct utf8 *u);

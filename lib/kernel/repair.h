/* repair: what a program prints becomes valid UTF-8 (RFC 3629). Pure. */
#pragma once

#include "base/text.h"

/* `s` itself when it is valid UTF-8; otherwise a copy in `scratch` (which is emptied first) with
 * U+FFFD for every byte that belongs to no sequence. The copy is at most three times as long; what
 * `scratch` may not hold is left out. */
struct span repair(struct span s, struct text *scratch);
/* How many bytes at the end of `s` begin a sequence that may be completed by the next chunk: 0
 * to 3. */
size_t repair_open_tail(struct span s);

/* id: random identifiers (UUID version 4, RFC 9562), lower case. */
#pragma once

#include "base/span.h"

#define ID_LENGTH 36

struct id {
    char s[ID_LENGTH + 1];
};

/* From getrandom(2); ends the process when the system has no randomness. */
struct id id_new(void);
/* The canonical form only: 8-4-4-4-12 lower-case hexadecimal digits. */
bool id_is_valid(struct span s);
/* Fills `p` from getrandom(2). */
void id_random(void *p, size_t n);

static inline struct span id_span(const struct id *id)
{
    return (struct span){id->s, ID_LENGTH};
}

/* reply: what a kernel answers to a question, checked. Pure. */
#pragma once

#include "kernel/kernel.h"

#define REPLY_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define REPLY_VALUES_MAX 20000

/* *out is the answer, an object with the members that schema/kernel.yaml names, of the right types;
 * it borrows the payload and the arena. ERR_INVALID: it breaks the protocol, *problem says how
 * (static words). */
MUST_CHECK enum err reply_check(enum kernel_question what, struct span payload, struct arena *a,
                                const struct json **out, const char **problem);

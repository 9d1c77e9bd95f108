/* message: what a frame of a kernel says, checked. Pure. Streams are repaired to valid UTF-8;
 * everything else is one JSON object with the members that its kind needs (schema/kernel.yaml), of
 * the right types. Knows nothing of runs: whether a frame may come now is the kernel's business. */
#pragma once

#include "kernel/frame.h"
#include "kernel/kernel.h"

#define MESSAGE_VALUES_MAX                                                                         \
    500000 /* JSON values in one payload; each costs about 100 bytes while it is checked */
#define MESSAGE_DEPTH_MAX 64

struct message_space {
    struct arena *arena;   /* the tree of `body`; the caller frees it */
    struct text *repaired; /* room for 3 * FRAME_STREAM_MAX bytes */
};

/* Fills *out, which borrows the frame's payload and `space`. ERR_INVALID: it breaks the protocol,
 * *problem says how (static words: "a result whose data is not an object"). ERR_TOO_LARGE: a
 * display, update or result with more values, or nested deeper, than the limits; an honest cell can
 * make one, so it is left out and its kernel lives. */
MUST_CHECK enum err message_check(const struct frame *f, const struct message_space *space,
                                  struct kernel_event *out, const char **problem);
/* The answer to FRAME_ANALYSE. *out borrows the payload and the arena. ERR_INVALID with *problem.
 */
MUST_CHECK enum err message_check_analysis(struct span payload, struct arena *a,
                                           struct analysis *out, const char **problem);

/* channel: the framed output of a kernel (schema/kernel.yaml, kinds 1 to 10).
 * One per process. Frames are appended to a buffer under a lock and leave it by a thread of their
 * own that never needs Python's lock, so output is live while Python code computes, and a slow
 * server holds up only who writes. Text that ends a line leaves at once when the line is the first
 * for 8 ms; everything else is gathered for at most 8 ms (design KERNEL.md 3). Knows nothing of
 * Python. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_FRAME_MAX ((size_t)16 * 1024 * 1024) /* payload bytes of one frame */
#define CHANNEL_STREAM_MAX ((size_t)64 * 1024)       /* payload bytes of one frame of text */

struct channel_frame {
    uint8_t kind;
    bool stream; /* text: may be joined with text of the same kind and run before it */
    uint64_t run;
    const char *data; /* borrowed for the call */
    size_t size;
};

enum channel_result {
    CHANNEL_OK,
    CHANNEL_FULL,   /* nothing was taken: wait, then try again */
    CHANNEL_CLOSED, /* never opened, or this process is a fork of the kernel */
    CHANNEL_TOO_LARGE,
    CHANNEL_NO_MEMORY,
};

/* Takes over `fd`, a connected stream socket, and starts the thread. Once per process; false when
 * the thread cannot be started. */
bool channel_open(int fd);
/* Any thread; never blocks on the socket. */
enum channel_result channel_put(const struct channel_frame *frame);
/* Waits until there may be space, at most `ms`. */
void channel_wait_space(unsigned ms);
/* What is gathered leaves now, in this thread if the socket takes it. */
void channel_flush(void);
/* Waits until everything has left, at most `ms`; false when something is still here. */
bool channel_drain(unsigned ms);
/* For the handler of a fatal signal: pushes out what it can within 100 ms. The channel is unusable
 * afterwards. Async-signal-safe as far as glibc's pthread_mutex_trylock is. */
void channel_flush_dying(void);

/* raw: the read end of a kernel's descriptor 1 or 2, where C code and child processes print. The
 * bytes become valid UTF-8: a sequence that a read cut in two is held back and joined. */
#pragma once

#include <uv.h>

#include "base/span.h"

#define RAW_READ_MAX ((size_t)64 * 1024) /* bytes of one read */

struct raw;
typedef void (*raw_text_cb)(struct raw *r, struct span text); /* may close `r` */
typedef void (*raw_cb)(struct raw *r);

struct raw {
    uv_poll_t poll;
    int fd;       /* owned; -1 once closed */
    bool ended;   /* all writers are gone */
    bool paused;  /* not watched */
    char held[3]; /* the beginning of a sequence */
    size_t held_count;
    raw_text_cb on_text;
    raw_cb on_readable; /* there are bytes, or the end: raw_read finds out */
    raw_cb on_closed;
    void *data;
};

/* `r` holds the callbacks and data already. Takes `fd`, which does not block. */
void raw_open(struct raw *r, uv_loop_t *loop, int fd);
/* While paused, on_readable does not come; raw_read is the caller's own business. */
void raw_pause(struct raw *r, bool paused);
/* Reads once, at most `most` bytes; stops watching at the end. Returns how many there were; 0 also
 * when `r` is closed. */
size_t raw_read(struct raw *r, size_t most);
/* How many bytes can be read now. */
size_t raw_waiting(const struct raw *r);
/* No more will come that belongs to what is held back: it goes out as U+FFFD. */
void raw_flush(struct raw *r);
/* on_closed follows, later; on_text no more. */
void raw_close(struct raw *r);

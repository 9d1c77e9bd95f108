/* world: a loop, a launcher and kernels for tests. What kernels report is written down as lines of
 * text, so that a test can wait for some and compare. Every wait ends the test after
 * WORLD_PATIENCE_S. */
#pragma once

#include "kernel/kernel.h"

#define WORLD_PATIENCE_S 30
#define WORLD_KERNELS 32

struct seen {
    struct world *world;
    struct kernel *kernel; /* NULL once closed */
    /* "ready", "out 1 text", "err 1 text", "done 1 ok", "display 1 {...}", "gone words", each with
     * a newline */
    struct text events;
    size_t out_bytes;  /* of stdout */
    bool counts_only;  /* streams are counted, not written down */
    bool close_on_any; /* kernel_close inside the next event */
    int64_t pid;       /* from ready; 0 before */
    uint64_t run;
    bool closed;
};

struct world {
    char folder[64]; /* own temporary folder; removed by world_close */
    uv_loop_t loop;
    uv_timer_t patience;
    struct launcher *launcher;
    struct seen kernels[WORLD_KERNELS];
    size_t count;
    struct analyser *analyser;
    bool launcher_closed, analyser_closed;
};

/* With the fake launcher in a folder that is called `mode`. The limits of `options` are kept; NULL:
 * the defaults. */
void world_open(struct world *w, const char *mode, const struct launcher_options *options);
/* With the launcher in `script_dir`. */
void world_open_real(struct world *w, const char *script_dir);
/* In a folder of its own, whose last part is `mode`. */
struct seen *world_kernel(struct world *w, const char *mode);
/* The same, and waits until it is ready. */
struct seen *world_ready_kernel(struct world *w, const char *mode);
/* Starts the next run: the fake kernel performs the steps, a JSON array without its brackets. */
void world_run(struct seen *s, const char *steps);
/* Runs the loop until the events contain `text`. */
void world_wait(struct seen *s, const char *text);
void world_wait_closed(const struct seen *s);
/* Runs the loop for a while. */
void world_spin(struct world *w, unsigned ms);
/* Closes what is open, checks that the loop is empty, and that no kernel is left. */
void world_close(struct world *w);
/* How often the fake launcher was started. */
size_t world_starts(const struct world *w);

bool seen_has(const struct seen *s, const char *text);
/* Whether the events are exactly these. */
bool seen_is(const struct seen *s, const char *text);
/* Whether this process exists. A zombie does. */
bool is_alive(int64_t pid);

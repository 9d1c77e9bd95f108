/* spawn: executes the launcher. What a kernel may see of the server's surroundings is decided here.
 */
#pragma once

#include <uv.h>

struct spawn_options {
    char *python;
    char *script; /* launcher.py */
    const char *home;
    int socket; /* becomes its descriptor 3; stays ours to close */
    uv_exit_cb on_exit;
};

/* 0, or libuv's error; `process` must be closed in any case. Every descriptor of the server above 2
 * is made close-on-exec first. */
int spawn_launcher(uv_loop_t *loop, uv_process_t *process, const struct spawn_options *o);

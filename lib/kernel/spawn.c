#include "kernel/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { SOCKET_FD = 3, ENVIRONMENT_MAX = 8 };

/* The whole environment of the launcher, and so of every kernel: nothing of the server's own gets
 * through, as it holds secrets. */
static void make_environment(const char *home, struct arena *a, char *env[ENVIRONMENT_MAX])
{
    size_t n = 0;
    const char *zone = getenv("TZ");
    env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    env[n++] = "LANG=C.UTF-8";
    env[n++] = (char *)arena_printf(a, "HOME=%s", home).p;
    if (zone != NULL) {
        env[n++] = (char *)arena_printf(a, "TZ=%s", zone).p;
    }
    env[n] = NULL;
}

/* Libraries open descriptors that would be inherited (libcurl's wake-up sockets). Not close_range
 * with CLOSE_RANGE_CLOEXEC: it needs Linux 5.11. */
static void inherit_nothing(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL) {
        log_event(LOG_WARN, "the launcher may inherit descriptors",
                  LOG_STR("cannot read", "/proc"));
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(d)) != NULL) {
        int64_t fd = 0;
        if (span_to_int(span_str(entry->d_name), &fd) && fd > STDERR_FILENO) {
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        }
    }
    (void)closedir(d);
}

/* In a session of its own, so that Ctrl-C in a terminal reaches the server only, which then stops
 * it in good order. -I: neither variables nor the user's own packages change what it loads. */
int spawn_launcher(uv_loop_t *loop, uv_process_t *process, const struct spawn_options *o)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    char *env[ENVIRONMENT_MAX];
    make_environment(o->home, a, env);
    char *args[] = {o->python, "-I", o->script, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [SOCKET_FD] = {.flags = UV_INHERIT_FD, .data.fd = o->socket},
    };
    uv_process_options_t options = {
        .file = o->python,
        .args = args,
        .env = env,
        .exit_cb = o->on_exit,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = sizeof stdio / sizeof *stdio,
    };
    inherit_nothing();
    return uv_spawn(loop, process, &options);
}

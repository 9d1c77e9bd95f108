#include "kernel/exit.h"

#include <sys/wait.h>

static void add_signal(struct text *out, int signal, int64_t peak_kb)
{
    const char *name = sigabbrev_np(signal);
    text_addf(out, "The kernel was killed by signal %d", signal);
    if (name != NULL) {
        text_addf(out, " (SIG%s)", name);
    }
    if (peak_kb > 0) {
        int64_t mb = (peak_kb + 1023) / 1024;
        text_addf(out, "; its peak memory was %lld MB", (long long)mb);
    }
    text_add_char(out, '.');
}

void exit_describe(struct text *out, int status, int64_t peak_kb)
{
    if (WIFSIGNALED(status)) {
        add_signal(out, WTERMSIG(status), peak_kb);
    } else if (WIFEXITED(status)) {
        text_addf(out, "The kernel exited with code %d.", WEXITSTATUS(status));
    } else {
        text_addf(out, "The kernel ended with wait status %d.", status);
    }
}

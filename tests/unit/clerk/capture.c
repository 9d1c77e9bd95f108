#include "tests/unit/clerk/capture.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/check.h"

void capture_begin(struct capture *c)
{
    CHECK(pipe(c->pipe) == 0);
    c->saved = dup(STDERR_FILENO);
    CHECK(c->saved >= 0 && dup2(c->pipe[1], STDERR_FILENO) == STDERR_FILENO);
}

void capture_end(struct capture *c)
{
    log_flush();
    CHECK(dup2(c->saved, STDERR_FILENO) == STDERR_FILENO);
    close(c->saved);
    close(c->pipe[1]);
    ssize_t n = 0;
    size_t used = 0;
    while ((n = read(c->pipe[0], c->log + used, CAPTURE_SIZE - 1 - used)) > 0) {
        used += (size_t)n;
    }
    close(c->pipe[0]);
    c->log[used] = '\0';
}

int capture_count(const struct capture *c, const char *what)
{
    int count = 0;
    for (const char *at = strstr(c->log, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

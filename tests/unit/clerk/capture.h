/* capture: what is logged meanwhile. Only one at a time; a CHECK that fails within is captured too,
 * so there should be none. */
#pragma once

#define CAPTURE_SIZE 65536

struct capture {
    int saved;
    int pipe[2];
    char log[CAPTURE_SIZE]; /* NUL-terminated after capture_end */
};

/* Standard error goes into a pipe, which holds 64 KiB. */
void capture_begin(struct capture *c);
void capture_end(struct capture *c);
/* How often `what` stands in the log. */
int capture_count(const struct capture *c, const char *what);

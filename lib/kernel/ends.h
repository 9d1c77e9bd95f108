/* ends: the descriptors between the server and one of its processes (schema/kernel.yaml, spawn):
 * made in pairs, one end sent to the launcher. All are close-on-exec; ours never block. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

enum { ENDS_CTL, ENDS_OUT, ENDS_STDOUT, ENDS_STDERR, ENDS_MAX };
#define ENDS_OF_ANALYSER 1
#define ENDS_OF_KERNEL ENDS_MAX

struct ends {
    int fd[ENDS_MAX];
    size_t count;
};

/* The first `count` pairs: stream sockets, then pipes that are ours to read. ERR_UNAVAILABLE when
 * there are no descriptors left (logged). */
MUST_CHECK enum err ends_open(struct ends *ours, struct ends *theirs, size_t count);
/* The launcher's own socket (SOCK_SEQPACKET). Same errors. */
MUST_CHECK enum err ends_open_launcher(int *ours, int *theirs);
/* Closes what is left in it; leaves it empty. */
void ends_close(struct ends *e);

/* One packet, with descriptors. ERR_LIMIT: the socket is full, try when it is writable.
 * ERR_UNAVAILABLE: nobody listens any more. */
MUST_CHECK enum err ends_send(int socket, struct span packet, const struct ends *with);

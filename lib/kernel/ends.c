#include "kernel/ends.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

static void unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    int result = fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    assert(flags >= 0 && result == 0);
}

/* Like pipe2 and socketpair; the first is ours. Only ours is made non-blocking: the flag belongs to
 * the open file, which for a socketpair or a pipe is one per end. */
static bool open_pair(size_t which, int pair[2])
{
    int result = which < ENDS_STDOUT ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
                                     : pipe2(pair, O_CLOEXEC);
    if (result != 0) {
        log_event(LOG_ERROR, "cannot make descriptors for a kernel",
                  LOG_STR("error", strerror(errno)));
        return false;
    }
    unblock(pair[0]);
    return true;
}

enum err ends_open(struct ends *ours, struct ends *theirs, size_t count)
{
    struct ends a = {.count = 0};
    struct ends b = {.count = 0};
    assert(count <= ENDS_MAX);
    while (a.count < count) {
        int pair[2];
        if (!open_pair(a.count, pair)) {
            ends_close(&a);
            ends_close(&b);
            return ERR_UNAVAILABLE;
        }
        a.fd[a.count++] = pair[0];
        b.fd[b.count++] = pair[1];
    }
    *ours = a;
    *theirs = b;
    return OK;
}

enum err ends_open_launcher(int *ours, int *theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        log_event(LOG_ERROR, "cannot make the launcher's socket",
                  LOG_STR("error", strerror(errno)));
        return ERR_UNAVAILABLE;
    }
    unblock(pair[0]);
    *ours = pair[0];
    *theirs = pair[1];
    return OK;
}

void ends_close(struct ends *e)
{
    for (size_t i = 0; i < e->count; i++) {
        (void)close(e->fd[i]); /* nothing was written through them that could be lost */
    }
    e->count = 0;
}

/* unix(7), cmsg(3) */
static void attach(struct msghdr *m, char *control, const struct ends *with)
{
    size_t size = with->count * sizeof(int);
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), with->fd, size);
}

enum err ends_send(int socket, struct span packet, const struct ends *with)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * ENDS_MAX)];
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct iovec bytes = {.iov_base = (char *)packet.p, .iov_len = packet.n};
    struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (with->count > 0) {
        attach(&m, control.bytes, with);
    }
    if (sendmsg(socket, &m, MSG_NOSIGNAL) >= 0) {
        return OK;
    }
    return errno == EAGAIN || errno == EINTR ? ERR_LIMIT : ERR_UNAVAILABLE;
}

#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static enum err failed(const char *doing, const char *path)
{
    log_event(LOG_ERROR, "store_failed", LOG_STR("doing", doing), LOG_STR("path", path),
              LOG_INT("errno", errno));
    return errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_INTERNAL;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing was written through it */
    }
}

static enum err lock(int fd, const char *dir)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return OK;
    }
    if (errno != EWOULDBLOCK) {
        return failed("lock", dir);
    }
    log_event(LOG_ERROR, "store_locked", LOG_STR("dir", dir),
              LOG_STR("do", "stop the other server, or give this one its own DATA_DIR"));
    return ERR_CONFLICT;
}

enum err dir_lock(const char *dir, int *out)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return failed("mkdir", dir);
    }
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *path = arena_printf(a, "%s/lock", dir).p;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return failed("open", path);
    }
    enum err e = lock(fd, dir);
    if (e != OK) {
        close_fd(&fd);
        return e;
    }
    *out = fd;
    return OK;
}

enum err dir_size(const char *path, int64_t *size)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : failed("stat", path);
    }
    *size = st.st_size;
    return OK;
}

enum err dir_create_file(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return failed("unlink", path);
    }
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? failed("create", path) : OK;
}

enum err dir_allocate_file(const char *path, int64_t size)
{
    enum err e = dir_create_file(path);
    if (e != OK) {
        return e;
    }
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int failure = fd < 0 ? errno : posix_fallocate(fd, 0, size);
    if (failure == 0) {
        return OK;
    }
    dir_remove_file(path);
    errno = failure;
    return failure == ENOSPC || failure == EDQUOT ? ERR_DISK_FULL : failed("allocate", path);
}

void dir_remove_file(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        (void)failed("unlink", path);
    }
}

bool dir_is_newer(const char *a, const char *b)
{
    struct stat left, right;
    if (stat(a, &left) != 0 || stat(b, &right) != 0) {
        (void)failed("stat", a);
        return true;
    }
    const struct timespec *x = &left.st_mtim, *y = &right.st_mtim;
    return x->tv_sec != y->tv_sec ? x->tv_sec > y->tv_sec : x->tv_nsec > y->tv_nsec;
}

static enum err sync_file(const char *path, int flags)
{
    CLEANUP(close_fd) int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? failed("fsync", path) : OK;
}

enum err dir_publish(const char *dir, const char *from, const char *to)
{
    enum err e = sync_file(from, O_RDWR);
    if (e != OK) {
        return e;
    }
    if (rename(from, to) != 0) {
        return failed("rename", from);
    }
    return sync_file(dir, O_RDONLY | O_DIRECTORY);
}

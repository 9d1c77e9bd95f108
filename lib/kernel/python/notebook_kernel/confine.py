"""What a process does to itself between the fork and its work. The order matters; see each step."""
import fcntl
import os
import resource
import signal
import tempfile

from . import _nbk

CTL_FD, OUT_FD = 100, 101
ANALYSER_BYTES = 1024 * 1024 * 1024
OOM_FIRST = 1000  # when memory runs out, a kernel goes before the server
NICE = 10  # a kernel that computes leaves the processor to the server whenever it has something to do
FDS_MAX = 65536


def kernel(request, fds, parent):
    """A kernel's descriptors, folder, limits and rights. `fds` as in the spawn message."""
    os.setsid()
    ctl, out, stdout, stderr = fds
    move_fds([(stdout, 1), (stderr, 2), (ctl, CTL_FD), (out, OUT_FD)])
    live_in(request["cwd"])
    os.nice(NICE)
    limits = request["limits"]
    limit(resource.RLIMIT_DATA, limits["data_bytes"])
    limit(resource.RLIMIT_NOFILE, max(limits["files"], OUT_FD + 1))
    limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    finish(parent)


def analyser(fds, parent):
    """The analyser never runs user code; its limits are against hostile source text."""
    os.setsid()
    move_fds([(fds[0], CTL_FD)])
    os.chdir("/")
    limit(resource.RLIMIT_AS, address_space() + ANALYSER_BYTES)
    limit(resource.RLIMIT_FSIZE, 0)
    finish(parent)


def move_fds(moves):
    """Puts descriptors where they belong and closes everything else but 0, 1 and 2.

    The sources are first copied out of the way of the targets. Other ends of the pairs may be
    non-blocking; these must not be."""
    copies = [
        (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, OUT_FD + 1), target)
        for fd, target in moves
    ]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    for fd, target in copies:
        os.dup2(fd, target, inheritable=target <= 2)
        os.set_blocking(target, True)
    targets = sorted({target for _, target in moves if target > 2})
    low = 3
    for target in targets:
        os.closerange(low, target)
        low = target + 1
    os.closerange(low, FDS_MAX)


def live_in(folder):
    os.chdir(folder)
    os.environ["HOME"] = os.environ["TMPDIR"] = os.environ["PWD"] = folder
    tempfile.tempdir = None  # the template's own is remembered


def limit(which, value):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def address_space():
    """What the template has mapped already: libraries and thread stacks, most of it never touched."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def finish(parent):
    limit(resource.RLIMIT_CORE, 0)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as adjustment:
        adjustment.write(str(OOM_FIRST))
    _nbk.no_new_privileges()
    _nbk.adopt_orphans()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _nbk.die_with_parent()  # last: some of the steps above would clear it
    if os.getppid() != parent:
        os._exit(0)  # the launcher ended before that

"""The launcher's processes: forked, signalled, reaped. Single-threaded; the only place that forks."""
import os
import signal
import sys
import time
import traceback

from . import _nbk

EXIT_BROKEN = 71  # the process could not be set up; its standard error says why
END_S = 5


class Children:
    def __init__(self, mains):
        self.mains = (
            mains  # kind -> function(request, fds, parent) that does not return
        )
        self.ids = {}  # pid -> id of the spawn request, of all that are not reaped
        _nbk.adopt_orphans()

    def spawn(self, request, fds, leave_parent):
        """The pid. `leave_parent` drops what the child must not hold of the launcher."""
        assert len(os.listdir("/proc/self/task")) == 1, "a fork copies one thread only"
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(request, fds, parent, leave_parent)
        self.ids[pid] = request["id"]
        return pid

    def _become(self, request, fds, parent, leave_parent):
        try:
            leave_parent()
            self.ids = {}
            self.mains[request["kind"]](request, fds, parent)
        except BaseException:
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        finally:
            os._exit(EXIT_BROKEN)

    def signal(self, pid, number, group):
        """Only processes that are not reaped, whose pid is therefore still theirs."""
        if pid in self.ids:
            kill(pid, number, group)

    def reap(self):
        """(id, pid, wait status, peak KB) of all that have ended; what they leave behind is killed."""
        ended = []
        while (pid := self._next_ended()) != 0:
            if pid in self.ids:
                # Before it is reaped: until then nobody else can have its group's number.
                kill(pid, signal.SIGKILL, True)
            _, status, usage = os.wait4(pid, 0)
            if pid in self.ids:
                ended.append((self.ids.pop(pid), pid, status, usage.ru_maxrss))
        self._kill_strays()
        return ended

    @staticmethod
    def _next_ended():
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return 0
        return ended.si_pid if ended else 0

    def _kill_strays(self):
        """Kernels adopt their orphans, and the launcher adopts a dead kernel's: whatever is a child here
        and was not spawned here belonged to a dead kernel. The death of each brings us here again.
        """
        for pid in children_of_self():
            if pid not in self.ids:
                kill(pid, signal.SIGKILL, False)

    def end(self):
        """Kills everything and waits until nothing is left, at most 5 s."""
        for pid in self.ids:
            kill(pid, signal.SIGKILL, True)
        deadline = time.monotonic() + END_S
        while time.monotonic() < deadline:
            self.reap()
            if not children_of_self():
                return
            time.sleep(0.005)
        print("launcher: some processes did not end", file=sys.stderr, flush=True)


def children_of_self():
    pid = os.getpid()
    with open(f"/proc/self/task/{pid}/children", encoding="ascii") as children:
        return [int(p) for p in children.read().split()]


def kill(pid, number, group):
    """The group, or the process alone when it has not made its group yet."""
    try:
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        if group:
            kill(pid, number, False)

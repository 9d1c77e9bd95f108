"""The launcher: a warm process that forks the kernels and the analyser of a server, and reaps them.

Started by the server as `python -I launcher.py` with a scrubbed environment; descriptor 3 is a
SOCK_SEQPACKET socket (schema/kernel.yaml, `launcher`). It never runs user code. When the server closes
the socket, or dies, everything below is killed.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import array
import json
import platform
import select
import signal
import socket
import time

SERVER_FD = 3
MESSAGE_MAX = 65536
FDS = {"kernel": 4, "analyser": 1}


class Launcher:
    def __init__(self, server):
        self.server = server
        self.shell = None
        self.children = None
        self.early = (
            []
        )  # spawns of kernels that came before it was warm, with their descriptors
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def open(self):
        """What it takes to fork the analyser, which answers long before the libraries are imported."""
        # Ctrl-C in a terminal is for the server, which ends us when it has finished.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        from notebook_kernel import analyser, children, confine

        def become_kernel(request, fds, parent):
            from notebook_kernel import kernel

            confine.kernel(request, fds, parent)
            kernel.main(self.shell, confine.CTL_FD, confine.OUT_FD)

        def become_analyser(_request, fds, parent):
            confine.analyser(fds, parent)
            analyser.main(confine.CTL_FD)

        self.children = children.Children(
            {"kernel": become_kernel, "analyser": become_analyser}
        )
        signal.set_wakeup_fd(self.wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def warm(self):
        started = time.monotonic()
        self.serve_now()
        from notebook_kernel import kernel, warm

        assert kernel is not None  # imported here so that kernels find it imported
        shell = warm.warm(self.serve_now)
        sys.path[0] = ""  # from here on the notebook's own folder, as in a script
        self.shell = shell
        elapsed = round((time.monotonic() - started) * 1000)
        self.tell(
            {"event": "ready", "python": platform.python_version(), "ms": elapsed}
        )
        for message, fds in self.early:
            self.spawn(message, fds)
            close_all(fds)
        self.early.clear()

    def serve_now(self):
        """What is there already. A kernel waits until everything is warm."""
        while ready := select.select([self.server, self.wake_read], [], [], 0)[0]:
            if self.wake_read in ready:
                self.reap()
            if self.server in ready and not self.receive():
                raise BrokenPipeError("the server is gone")

    def serve(self):
        """Until the server is gone."""
        while True:
            ready, _, _ = select.select([self.server, self.wake_read], [], [])
            if self.wake_read in ready:
                self.reap()
            if self.server in ready and not self.receive():
                return

    def reap(self):
        try:
            os.read(self.wake_read, 4096)
        except BlockingIOError:
            pass
        for number, pid, status, peak in self.children.reap():
            self.tell(
                {
                    "event": "exited",
                    "id": number,
                    "pid": pid,
                    "status": status,
                    "peak_kb": peak,
                }
            )

    def receive(self):
        """One message; False at the end."""
        data, ancillary, flags, _ = self.server.recvmsg(
            MESSAGE_MAX, socket.CMSG_SPACE(64), socket.MSG_CMSG_CLOEXEC
        )
        fds = descriptors(ancillary)
        try:
            if not data and not fds:
                return False
            self.obey(data if not flags & socket.MSG_TRUNC else b"", fds)
        finally:
            close_all(fds)
        return True

    def obey(self, data, fds):
        try:
            message = json.loads(data)
            operation = message["op"]
            if operation == "spawn" and message["kind"] == "kernel" and not self.shell:
                self.early.append((message, [os.dup(fd) for fd in fds]))
            elif operation == "spawn":
                self.spawn(message, fds)
            elif operation == "signal":
                self.children.signal(
                    message["pid"], message["signal"], message["group"]
                )
            else:
                raise ValueError(f"no such operation: {operation}")
        except (ValueError, KeyError, TypeError) as error:
            print(
                f"launcher: cannot read a message: {error!r}",
                file=sys.stderr,
                flush=True,
            )

    def spawn(self, message, fds):
        number = message["id"]
        try:
            if FDS.get(message["kind"]) != len(fds):
                raise ValueError(
                    f"wrong descriptors for a process of kind {message['kind']}"
                )
            pid = self.children.spawn(message, fds, self.leave)
        except (ValueError, KeyError, OSError) as error:
            self.tell({"event": "failed", "id": number, "error": str(error)})
        else:
            self.tell({"event": "spawned", "id": number, "pid": pid})

    def leave(self):
        """In a child: the launcher's descriptors are about to be closed, their objects must not do it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.server.detach()

    def tell(self, event):
        self.server.send(json.dumps(event).encode())


def close_all(fds):
    for fd in fds:
        os.close(fd)


def descriptors(ancillary):
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)


def main():
    launcher = Launcher(socket.socket(fileno=SERVER_FD))
    try:
        launcher.open()
        launcher.warm()
        launcher.serve()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server is gone, as at the end of file
    finally:
        if launcher.children is not None:
            launcher.children.end()
    # No clean-up of the interpreter: the libraries have nothing to save.
    os._exit(0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""A launcher for tests: the real protocol (schema/kernel.yaml), and misbehaviour on request.

The folder it is started from names what the launcher does (see LAUNCHERS), the last part of a kernel's
cwd what the kernel does at its start (see STARTS). After that a kernel does what the `steps` of each
execute request say (see STEPS). Standard library only.
"""
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import time

QUESTIONS = (36, 37, 38)
HEADER = struct.Struct("<IBBHQ")
STDOUT, DONE, INPUT_REQUEST, READY, EXECUTE, INPUT_REPLY, DROP, REPLY = (
    1,
    8,
    9,
    10,
    32,
    33,
    34,
    48,
)


def frame(kind, run, payload, flags=0):
    return HEADER.pack(len(payload), kind, flags, 0, run) + payload


def after_raw():
    """1 when text waits in the pipes behind descriptors 1 and 2, as a real kernel says it."""
    for fd in (1, 2):
        try:
            if any(fcntl.ioctl(fd, termios.FIONREAD, bytes(4))):
                return 1
        except OSError:
            pass  # closed by a step
    return 0


def encode(value):
    return json.dumps(value).encode()


def receive(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def read_frame(sock):
    length, kind, _, _, run = HEADER.unpack(receive(sock, HEADER.size))
    return kind, run, receive(sock, length)


class Kernel:
    def __init__(self, fds):
        self.ctl, self.out = (socket.socket(fileno=fd) for fd in fds[:2])
        os.dup2(fds[2], 1)
        os.dup2(fds[3], 2)
        os.close(fds[2])
        os.close(fds[3])
        self.run = 0
        self.held = []

    def send(self, kind, payload, run=None):
        run = self.run if run is None else run
        self.out.sendall(frame(kind, run, payload, after_raw()))

    # --- steps of an execute request ---
    def step_frame(self, kind, run, text):
        self.send(kind, text.encode(), run)

    def step_json(self, kind, run, value):
        self.send(kind, encode(value), run)

    def step_hex(self, data):
        self.out.sendall(bytes.fromhex(data))

    def step_ctl(self, data):
        self.ctl.sendall(bytes.fromhex(data))

    def step_fd(self, fd, text):
        """One byte per character."""
        data = text.encode("latin-1")
        while data:
            data = data[os.write(fd, data) :]

    def step_sleep(self, seconds):
        time.sleep(seconds)

    def step_exit(self, code):
        os._exit(code)

    def step_kill(self, number):
        os.kill(os.getpid(), number)

    def step_flood(self, kind, size, count):
        data = frame(kind, self.run, b"x" * size)
        for _ in range(count):
            self.out.sendall(data)

    def step_flood_fd(self, fd, size):
        self.step_fd(fd, "y" * size)

    def step_large(self, size):
        self.send(6, encode({"data": {"text/plain": "z" * size}, "metadata": {}}))

    def step_deep(self, depth):
        text = '{"metadata":{},"data":{"a":' + "[" * depth + "]" * depth + "}}"
        self.send(3, text.encode())

    def step_done(self, status):
        self.send(DONE, encode({"status": status, "ms": 1.5}))

    def step_ignore(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def step_wait(self):
        """Until SIGINT."""
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            self.step_done("interrupted")

    def step_catch(self):
        """One SIGINT, and goes on."""
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            self.send(STDOUT, b"caught")

    def step_input(self):
        self.send(INPUT_REQUEST, encode({"prompt": "? ", "password": False}))
        kind, _, payload = read_frame(self.ctl)
        assert kind == INPUT_REPLY
        self.send(STDOUT, json.loads(payload)["value"].encode())

    def step_close(self, what):
        if isinstance(what, int):
            os.close(what)
        else:
            getattr(self, what).close()

    def step_fork(self, seconds):
        """A child that keeps every descriptor, outlives this process and then leaves."""
        if os.fork() == 0:
            time.sleep(seconds)
            os._exit(0)

    def step_env(self):
        self.send(STDOUT, " ".join(sorted(os.environ)).encode())

    def step_fds(self):
        self.send(STDOUT, str(len(os.listdir("/proc/self/fd"))).encode())

    # --- life ---
    def ready(self):
        self.send(READY, encode({"pid": os.getpid(), "python": "3.fake"}))

    def start_normal(self):
        self.ready()

    def start_silent(self):
        pass

    def start_exits(self):
        os.write(2, b"cannot begin")
        os._exit(71)

    def start_impatient(self):
        self.send(STDOUT, b"too early")
        self.ready()

    def start_twice(self):
        self.ready()
        self.ready()

    def start_halfway(self):
        self.out.sendall(frame(READY, 0, encode({"pid": 1, "python": "3"}))[:20])
        os._exit(5)

    def answer(self, number, request):
        """As the question itself says: {reply: object, shift: added to the number, hold: kept for the next}"""
        if request.get("hold"):
            self.held.append((number, request))
            return
        for number, request in [(number, request), *self.held]:
            if "reply" in request:
                number += request.get("shift", 0)
                self.ctl.sendall(frame(REPLY, number, encode(request["reply"])))
        self.held = []

    def serve(self, start):
        getattr(self, "start_" + start, self.start_normal)()
        while True:
            kind, run, payload = read_frame(self.ctl)
            if kind == DROP:
                self.send(STDOUT, b"dropped " + payload, 0)
            if kind in QUESTIONS:
                self.answer(run, json.loads(payload))
            if kind != EXECUTE:
                continue
            self.run = run
            for name, *arguments in json.loads(payload)["steps"]:
                getattr(self, "step_" + name)(*arguments)


def analyse(ctl, mode):
    if mode == "analyser-dies":
        os._exit(9)
    while True:
        _, run, payload = read_frame(ctl)
        code = json.loads(payload)["code"]
        answer = {"reads": sorted(set(code.split())), "writes": [], "error": None}
        if code == "hang":
            time.sleep(60)
        elif code == "crash":
            os._exit(1)
        elif code == "wrong":
            answer = {
                "error": {"message": "m", "line": 1, "text": "SyntaxError: m"},
                "reads": [],
                "writes": [],
            }
        elif code == "unsorted":
            answer["reads"] = ["b", "a"]
        elif code == "other":
            run += 1
        elif code == "garbage":
            ctl.sendall(b"\xff" * 64)
        elif (
            code == "count"
        ):  # a different answer each time: shows what came from the cache
            answer["reads"] = [f"n{time.monotonic_ns()}"]
        data = frame(REPLY, run, encode(answer))
        for at in range(0, len(data), 7 if code == "pieces" else len(data)):
            ctl.sendall(data[at : at + (7 if code == "pieces" else len(data))])


class Launcher:
    """LAUNCHERS: normal slow never-ready dies-at-once dies-when-asked dies-once fails-spawn mute
    garbage wrong-report deaf leaves-signals analyser-dies talks-after-death"""

    def __init__(self, mode, folder):
        self.mode = mode
        self.socket = socket.socket(fileno=3)
        self.children = {}
        with open(os.path.join(folder, "starts"), "a+", encoding="utf-8") as f:
            f.write("x")
            f.flush()
            f.seek(0)
            self.starts = len(f.read())

    def report(self, **members):
        self.socket.send(encode(members))

    def child(self, request, fds):
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        self.socket.close()
        if request["kind"] == "analyser":
            analyse(socket.socket(fileno=fds[0]), self.mode)
        Kernel(fds).serve(os.path.basename(request["cwd"]).replace("-", "_"))

    def spawn(self, request, fds):
        if self.mode == "dies-when-asked" or (
            self.mode == "dies-once" and self.starts == 1
        ):
            os._exit(4)
        if self.mode == "fails-spawn":
            self.report(event="failed", id=request["id"], error="no more processes")
            return
        if self.mode == "wrong-report":
            self.report(event="spawned", id=request["id"] + 1000, pid=77)
            return
        if self.mode == "mute":
            return
        pid = os.fork()
        if pid == 0:
            try:
                self.child(request, fds)
            except (
                BaseException
            ) as e:  # noqa: B902 - whatever it is, a fake kernel ends here
                os.write(2, repr(e).encode())
            os._exit(72)
        self.children[pid] = request["id"]
        self.report(event="spawned", id=request["id"], pid=pid)
        if self.mode == "talks-after-death":
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.report(
                event="exited", id=request["id"], pid=pid, status=9, peak_kb=2048
            )
            os._exit(0)

    def handle(self):
        message, fds, _, _ = socket.recv_fds(self.socket, 65536, 4)
        if not message:
            for pid in self.children:
                os.killpg(pid, signal.SIGKILL)
            os._exit(0)
        request = json.loads(message)
        if request["op"] == "spawn":
            self.spawn(request, fds)
        elif self.mode != "deaf" and request["pid"] in self.children:
            (os.killpg if request["group"] else os.kill)(
                request["pid"], request["signal"]
            )
        for fd in fds:
            os.close(fd)

    def reap(self):
        while self.children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            self.report(
                event="exited",
                id=self.children.pop(pid),
                pid=pid,
                status=status,
                peak_kb=usage.ru_maxrss,
            )

    def serve(self):
        if self.mode == "dies-at-once":
            os._exit(1)
        if self.mode == "never-ready":
            time.sleep(60)
        if self.mode == "slow":
            time.sleep(0.3)
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.report(event="ready", python="3.fake", ms=1)
        if self.mode == "garbage":
            self.socket.send(b"{not json")
        while True:
            readable, _, _ = select.select([self.socket, reader], [], [])
            if reader in readable:
                os.read(reader, 4096)
                self.reap()
            if self.socket in readable:
                self.handle()


def main():
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    Launcher(os.path.basename(folder), folder).serve()


main()

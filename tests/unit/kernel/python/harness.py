"""Plays the server: starts launcher.py and speaks schema/kernel.yaml with it and its kernels."""
import array
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
KERNEL_DIR = Path(os.environ.get("KERNEL_DIR") or ROOT / "build" / "kernel")
PYTHON = os.environ.get("KERNEL_PYTHON") or "/usr/bin/python3"
HEADER = struct.Struct("<IBBHQ")
KINDS = dict(
    enumerate(
        "stdout stderr display update clear result error done input_request ready".split(),
        start=1,
    )
)
EXECUTE, INPUT_REPLY, DROP, PING, REPLY, ANALYSE = 32, 33, 34, 35, 48, 64
QUESTIONS = {"complete": 36, "inspect": 37, "variables": 38}
LIMITS = {"data_bytes": 2 << 30, "files": 512, "file_bytes": 256 << 20}
WAIT_S = 30

Frame = namedtuple("Frame", "kind run payload at after_raw")


class Launcher:
    def __init__(self, script_dir=KERNEL_DIR):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket = ours
        self.pending = {}  # id -> events
        self.next_id = 1
        self.process = subprocess.Popen(
            [PYTHON, "-I", str(script_dir / "launcher.py")],
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),
            pass_fds=(3,),
        )
        theirs.close()
        self.ready = None

    def close(self):
        self.socket.close()
        self.process.wait(WAIT_S)

    def send(self, message, fds=()):
        ancillary = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            if fds
            else []
        )
        self.socket.sendmsg([json.dumps(message).encode()], ancillary)

    def receive(self, timeout=WAIT_S):
        if not select.select([self.socket], [], [], timeout)[0]:
            raise TimeoutError("the launcher says nothing")
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the launcher has ended")
        event = json.loads(data)
        if event["event"] == "ready":
            self.ready = event
        else:
            self.pending.setdefault(event["id"], []).append(event)
        return event

    def event(self, number, names, timeout=WAIT_S):
        """The next event of one of these names about one spawn."""
        end = time.monotonic() + timeout
        while True:
            for event in self.pending.get(number, []):
                if event["event"] in names:
                    self.pending[number].remove(event)
                    return event
            self.receive(max(0.0, end - time.monotonic()))

    def wait_ready(self):
        while self.ready is None:
            self.receive()
        return self.ready

    def spawn(self, message, fds):
        number = self.next_id
        self.next_id += 1
        self.send({"op": "spawn", "id": number, **message}, fds)
        return number

    def signal(self, pid, number, group=True):
        self.send({"op": "signal", "pid": pid, "signal": int(number), "group": group})


class Frames:
    """One framed socket; keeps what has not been asked for yet."""

    def __init__(self, sock):
        self.socket = sock
        self.buffer = b""

    def send(self, kind, run, payload):
        data = json.dumps(payload).encode()
        self.socket.sendall(HEADER.pack(len(data), kind, 0, 0, run) + data)

    def take(self):
        """A whole frame of the buffer, or None."""
        if len(self.buffer) < HEADER.size:
            return None
        size, kind, flags, reserved, run = HEADER.unpack_from(self.buffer)
        assert flags in (0, 1) and reserved == 0
        assert size <= 16 * 1024 * 1024
        if len(self.buffer) < HEADER.size + size:
            return None
        payload = self.buffer[HEADER.size : HEADER.size + size]
        self.buffer = self.buffer[HEADER.size + size :]
        text = payload.decode("utf-8")  # strict
        if kind in (1, 2):
            assert size <= 64 * 1024
            return Frame(KINDS[kind], run, text, time.monotonic(), flags == 1)
        value = json.loads(text, parse_constant=refuse)
        return Frame(KINDS.get(kind, kind), run, value, time.monotonic(), flags == 1)

    def receive(self, timeout=WAIT_S):
        end = time.monotonic() + timeout
        while (frame := self.take()) is None:
            if not select.select(
                [self.socket], [], [], max(0.0, end - time.monotonic())
            )[0]:
                raise TimeoutError("no frame")
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError("the kernel's output has ended")
            self.buffer += data
        return frame


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


class Kernel:
    def __init__(self, launcher, cwd, limits=None):
        self.launcher = launcher
        self.cwd = str(cwd)
        ctl, ctl_theirs = socket.socketpair()
        out, out_theirs = socket.socketpair()
        # As a server with an event loop may leave them.
        ctl_theirs.setblocking(False)
        out_theirs.setblocking(False)
        self.stdout, stdout_theirs = os.pipe()
        self.stderr, stderr_theirs = os.pipe()
        self.ctl, self.out = Frames(ctl), Frames(out)
        theirs = [
            ctl_theirs.fileno(),
            out_theirs.fileno(),
            stdout_theirs,
            stderr_theirs,
        ]
        message = {
            "kind": "kernel",
            "cwd": self.cwd,
            "limits": {**LIMITS, **(limits or {})},
        }
        self.id = launcher.spawn(message, theirs)
        ctl_theirs.close()
        out_theirs.close()
        os.close(stdout_theirs)
        os.close(stderr_theirs)
        self.pid = None
        self.number = 0
        self.question = 0
        self.gone = None

    def wait_ready(self):
        event = self.launcher.event(self.id, ("spawned", "failed"))
        assert event["event"] == "spawned", event
        self.pid = event["pid"]
        self.ready = self.out.receive()
        assert self.ready.kind == "ready"
        return self

    def start(self, request):
        self.number += 1
        self.ctl.send(
            EXECUTE,
            self.number,
            {"label": f"Cell [{self.number}]", "drop": [], **request},
        )
        return self.number

    def start_code(self, code, **more):
        return self.start({"type": "python", "code": code, **more})

    def finish(self, number, timeout=WAIT_S):
        """All frames up to the `done` of this run."""
        frames = []
        while not frames or (frames[-1].kind, frames[-1].run) != ("done", number):
            frames.append(self.out.receive(timeout))
        return Outcome(frames, number)

    def run(self, code, timeout=WAIT_S, **more):
        return self.finish(self.start_code(code, **more), timeout)

    def sql(self, parts, timeout=WAIT_S, **more):
        parts = [{"kind": "text", "text": parts}] if isinstance(parts, str) else parts
        request = {
            "type": "sql",
            "parts": parts,
            "tables": [],
            "output_name": None,
            "connection": None,
        }
        return self.finish(self.start({**request, **more}), timeout)

    def send_question(self, what, **request):
        self.question += 1
        self.ctl.send(QUESTIONS[what], self.question, request)
        return self.question

    def ask(self, what, timeout=WAIT_S, **request):
        """The answer to a question."""
        number = self.send_question(what, **request)
        frame = self.ctl.receive(timeout)
        assert (frame.kind, frame.run) == (REPLY, number)
        return frame.payload

    def complete(self, code, cursor=None):
        cursor = len(code) if cursor is None else cursor
        answer = self.ask("complete", code=code, cursor=cursor)
        assert 0 <= answer["start"] <= answer["end"] <= len(code)
        return answer

    def completions(self, code, cursor=None):
        """{text: type}"""
        return {m["text"]: m["type"] for m in self.complete(code, cursor)["matches"]}

    def inspect(self, code, cursor=None, detail=0):
        cursor = len(code) if cursor is None else cursor
        return self.ask("inspect", code=code, cursor=cursor, detail=detail)

    def variables(self):
        """{name: variable}"""
        return {v["name"]: v for v in self.ask("variables")["variables"]}

    def interrupt(self):
        self.launcher.signal(self.pid, signal.SIGINT)

    def raw(self, which, timeout=0.2):
        """What has come through the pipe behind descriptor 1 or 2."""
        fd, data = getattr(self, which), b""
        while select.select([fd], [], [], timeout)[0]:
            piece = os.read(fd, 65536)
            if not piece:
                break
            data += piece
        return data.decode()

    def exited(self, timeout=WAIT_S):
        if self.gone is None:
            self.gone = self.launcher.event(self.id, ("exited",), timeout)
        return self.gone

    def close(self):
        if self.pid is not None and self.gone is None:
            self.launcher.signal(self.pid, signal.SIGKILL)
            self.exited()
        for fd in (self.stdout, self.stderr):
            os.close(fd)
        self.ctl.socket.close()
        self.out.socket.close()


class Outcome:
    """What one run has said."""

    def __init__(self, frames, number):
        self.frames = frames
        self.number = number

    def of(self, kind):
        return [f for f in self.frames if f.kind == kind]

    def one(self, kind):
        found = self.of(kind)
        assert len(found) == 1, (kind, self.frames)
        return found[0].payload

    @property
    def kinds(self):
        return [f.kind for f in self.frames]

    @property
    def status(self):
        return self.one("done")["status"]

    @property
    def text(self):
        return "".join(f.payload for f in self.of("stdout"))

    @property
    def error_text(self):
        return "".join(f.payload for f in self.of("stderr"))

    @property
    def data(self):
        return self.one("result")["data"]

    @property
    def result(self):
        return self.data["text/plain"]

    @property
    def error(self):
        return self.one("error")

    @property
    def table(self):
        data = self.data
        assert (
            set(data) == {"application/json"}
            and data["application/json"]["type"] == "table"
        )
        return data["application/json"]


class Analyser:
    def __init__(self, launcher):
        self.launcher = launcher
        ours, theirs = socket.socketpair()
        self.frames = Frames(ours)
        self.id = launcher.spawn({"kind": "analyser"}, [theirs.fileno()])
        theirs.close()
        event = launcher.event(self.id, ("spawned", "failed"))
        assert event["event"] == "spawned", event
        self.pid = event["pid"]
        self.number = 0

    def analyse(self, code, timeout=WAIT_S):
        self.number += 1
        self.frames.send(ANALYSE, self.number, {"code": code})
        frame = self.frames.receive(timeout)
        assert (frame.kind, frame.run) == (REPLY, self.number)
        return frame.payload

    def close(self):
        self.frames.socket.close()
        return self.launcher.event(self.id, ("exited",))


def exists(pid):
    """Whether a process is there and not a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pids, timeout=5):
    end = time.monotonic() + timeout
    while (left := [p for p in pids if exists(p)]) and time.monotonic() < end:
        time.sleep(0.01)
    return left

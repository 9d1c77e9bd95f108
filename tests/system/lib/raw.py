"""raw: a client that sends exactly the bytes it is told to, good or bad, over one TCP connection."""

import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from .api import strict_json
from .server import BINARY, SANITIZER

PATIENCE_S = 10
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = bytes((0x37, 0xFA, 0x21, 0x3D))

CONTINUATION, TEXT, BINARY_FRAME, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
END, RESET = "the end", "a reset"  # what comes instead of a frame or an answer


# --- what is sent ---
def masked(payload, key=MASK):
    whole = key * (len(payload) // 4 + 1)
    n = len(payload)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(whole[:n], "big")
    return mixed.to_bytes(n, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, key=MASK, length=None, form=None):
    """`key` None sends it unmasked; `length` is a lie, `form` (7, 16, 64) how it is told."""
    n = len(payload) if length is None else length
    if form is None:
        form = 7 if n < 126 else 16 if n < 65536 else 64
    short = n if form == 7 else {16: 126, 64: 127}[form]
    head = (
        bytes((fin << 7 | rsv << 4 | opcode, (0 if key is None else 0x80) | short))
        + {7: b"", 16: struct.pack(">H", n & 0xFFFF), 64: struct.pack(">Q", n)}[form]
    )
    return head + (payload if key is None else key + masked(payload, key))


def text(payload=b"", **how):
    return frame(TEXT, payload, **how)


def binary(payload=b"", **how):
    return frame(BINARY_FRAME, payload, **how)


def more(payload=b"", **how):
    """A later fragment."""
    return frame(CONTINUATION, payload, **how)


def ping(payload=b"", **how):
    return frame(PING, payload, **how)


def pong(payload=b"", **how):
    return frame(PONG, payload, **how)


def close(code=None, reason=b"", **how):
    payload = b"" if code is None else struct.pack(">H", code) + reason
    return frame(CLOSE, payload, **how)


def handshake(path="/", key=KEY, version=b"13", extra=b"", method=b"GET"):
    return (
        method
        + b" "
        + path.encode()
        + b" HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + b"Sec-WebSocket-Version: "
        + version
        + b"\r\nSec-WebSocket-Key: "
        + key
        + b"\r\n"
        + extra
        + b"\r\n"
    )


# --- what is heard ---
@dataclass
class Heard:
    """A frame from the server."""

    opcode: int
    payload: bytes

    @property
    def code(self):
        if self.opcode != CLOSE or len(self.payload) < 2:
            return None
        return struct.unpack(">H", self.payload[:2])[0]


@dataclass
class RawAnswer:
    status: int
    headers: list  # (lower-case name, value), in order
    body: bytes = b""
    version: str = "1.1"
    extra: dict = field(default_factory=dict)

    def header(self, name):
        """None without it; joined when repeated."""
        values = [value for n, value in self.headers if n == name]
        return ", ".join(values) if values else None

    def json(self):
        return strict_json(self.body.decode("utf-8"))

    @property
    def keeps(self):
        """The server means to read another request."""
        return self.header("connection") != "close"


class Raw:
    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.ended = None  # END or RESET

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def say(self, *pieces):
        """False when the server has hung up; what it said before is still to be heard."""
        try:
            self.socket.sendall(b"".join(pieces))
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def say_slowly(self, data, step=1, pause_s=0.0005):
        for at in range(0, len(data), step):
            if not self.say(data[at : at + step]):
                return
            time.sleep(pause_s)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Hangs up without an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def _receive(self):
        """False at an end; raises TimeoutError when nothing comes."""
        if self.ended is not None:
            return False
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            self.ended = RESET
            return False
        self.buffer += data
        if not data:
            self.ended = END
        return bool(data)

    def _need(self, n):
        while len(self.buffer) < n:
            if not self._receive():
                return False
        return True

    def _take(self, n):
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    # --- WebSocket ---
    def hear_frame(self):
        """A Heard, or END, or RESET."""
        if not self._need(2):
            return self.ended
        first, second = self.buffer[:2]
        assert first & 0x70 == 0, "the server set a reserved bit"
        assert first & 0x80, "the server sent a fragment"
        assert second & 0x80 == 0, "the server masked a frame"
        width = {126: 2, 127: 8}.get(second, 0)
        assert self._need(2 + width), "a frame was cut"
        n = second
        if width:
            n = int.from_bytes(self.buffer[2 : 2 + width], "big")
            assert n >= (126 if width == 2 else 65536), "not the shortest length"
        assert self._need(2 + width + n), "a frame was cut"
        self._take(2 + width)
        assert first & 0x0F in (TEXT, BINARY_FRAME, CLOSE, PING, PONG)
        return Heard(first & 0x0F, self._take(n))

    def open_socket(self, path="/", extra=b""):
        self.say(handshake(path, extra=extra))
        answer = self.hear_answer()
        assert answer.status == 101, f"{answer}"
        return self

    # --- HTTP ---
    def hear_answer(self, headless=False):
        """A RawAnswer, or END, or RESET; skips 100 Continue."""
        while True:
            while b"\r\n\r\n" not in self.buffer:
                if not self._receive():
                    assert self.buffer == b"", f"half an answer: {self.buffer[:200]}"
                    return self.ended
            head = self._take(self.buffer.index(b"\r\n\r\n") + 4).decode("latin-1")
            answer = parse_head(head)
            if answer.status != 100:
                break
        if not headless and answer.status not in (101, 204, 304):
            self._hear_body(answer)
        return answer

    def _hear_body(self, answer):
        length = answer.header("content-length")
        if length is None:  # up to the end (RFC 9112, 6.3)
            while self._receive():
                pass
            answer.body = self._take(len(self.buffer))
        else:
            assert self._need(int(length)), "the body was cut"
            answer.body = self._take(int(length))

    # --- the end ---
    def hear_end(self, within_s=PATIENCE_S):
        """END or RESET; None when the connection is still open, or more came."""
        self.socket.settimeout(within_s)
        try:
            return self.ended if not self._need(1) else None
        except TimeoutError:
            return None
        finally:
            self.socket.settimeout(PATIENCE_S)


def parse_head(head):
    status_line, *lines = head.rstrip("\r\n").split("\r\n")
    version, status, *_ = status_line.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines]
    headers = [(name.lower(), value.strip()) for name, value in pairs]
    return RawAnswer(int(status), headers, version=version.removeprefix("HTTP/"))


class Echo:
    """The small echo server that stands beside the binary under test."""

    def __init__(self, path=None):
        path = path or BINARY.parent / "tests" / "ws-echo"
        self.log = tempfile.TemporaryFile("w+")  # a pipe would fill up
        self.process = subprocess.Popen(
            [path], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        line = self.process.stdout.readline()
        assert line, f"{path} did not start\n{self.read_log()}"
        self.address = ("127.0.0.1", int(line))

    def open(self, extra=b""):
        return Raw(self.address).open_socket(extra=extra)

    def read_log(self):
        self.log.seek(0)
        return self.log.read()[-20_000:]

    def stop(self):
        """A clean end, and nothing from a sanitizer in the log."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        log = self.read_log()
        self.process.stdout.close()
        self.log.close()
        assert SANITIZER.search(log) is None, log
        assert code == 0, f"ended with {code}\n{log}"

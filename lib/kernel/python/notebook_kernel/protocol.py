"""Frames on the sockets of a kernel and of the analyser (schema/kernel.yaml)."""
import json
import select
import struct
import threading

from . import plain

HEADER = struct.Struct("<IBBHQ")
PAYLOAD_MAX = 16 * 1024 * 1024

(
    STDOUT,
    STDERR,
    DISPLAY,
    UPDATE,
    CLEAR,
    RESULT,
    ERROR,
    DONE,
    INPUT_REQUEST,
    READY,
) = range(1, 11)
EXECUTE, INPUT_REPLY, DROP, PING, COMPLETE, INSPECT, VARIABLES = range(32, 39)
REPLY = 48
ANALYSE = 64


class Closed(Exception):
    """The server has closed its end."""


class FrameSocket:
    """Reads frames in one thread; writes may come from any."""

    def __init__(self, sock):
        self.socket = sock
        self.buffer = bytearray()
        self.sending = threading.Lock()

    def wait(self, seconds):
        """Whether a frame, or part of one, is there; returns early then."""
        return bool(self.buffer) or bool(
            select.select([self.socket], [], [], seconds)[0]
        )

    def read(self):
        """(kind, run, payload object). Raises Closed at the end, ValueError when it is not a frame."""
        size, kind, _flags, _reserved, run = HEADER.unpack(self._take(HEADER.size))
        if size > PAYLOAD_MAX:
            raise ValueError("the frame is too large")
        payload = self._take(size)
        return kind, run, json.loads(payload) if payload else {}

    def send(self, kind, run, value):
        payload = plain.dump(value)
        with self.sending:
            self.socket.sendall(HEADER.pack(len(payload), kind, 0, 0, run) + payload)

    def _take(self, size):
        while len(self.buffer) < size:
            try:
                data = self.socket.recv(max(65536, size - len(self.buffer)))
            except ConnectionError:
                data = b""
            if not data:
                raise Closed
            self.buffer += data
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

"""Questions about names: answered in a thread of their own, while the main thread runs a cell.

A question that takes too long is given up when the next one comes: the server has told its user long ago."""
import collections
import ctypes
import signal
import threading
import time

from . import completion, inspection, protocol

WAITING_MAX = 64
OLD_S = 2.0  # the server waits no longer


class GivenUp(BaseException):
    """Raised in the thread from outside."""


class Questions:
    def __init__(self, shell, bindings, send):
        self.shell = shell
        self.bindings = bindings
        self.send = send  # send(kind, number, payload)
        self.completer = None
        self.waiting = collections.deque(maxlen=WAITING_MAX)  # the oldest leave first
        self.arrived = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.began = (
            None  # when the question under way was taken; None while there is none
        )
        self.thread = None

    def start(self):
        self.thread = threading.Thread(
            target=self._serve, daemon=True, name="questions"
        )
        self.thread.start()

    def put(self, kind, number, payload):
        """From the control thread; never blocks for long."""
        self.give_up_old()
        self.waiting.append((time.monotonic(), kind, number, payload))
        self.arrived.release()

    def give_up_old(self):
        with self.lock:
            if self.began is not None and time.monotonic() - self.began > OLD_S:
                self.began = None
                thread = ctypes.c_ulong(self.thread.ident)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    thread, ctypes.py_object(GivenUp)
                )

    def _serve(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            try:
                self.arrived.acquire()
                while self.waiting:
                    self._answer(*self.waiting.popleft())
            except GivenUp:
                pass

    def _answer(self, asked, kind, number, payload):
        if time.monotonic() - asked > OLD_S:
            return
        with self.lock:
            self.began = time.monotonic()
        answer = self.answer(kind, payload)
        with self.lock:
            mine = self.began is not None
            self.began = None
        if mine:
            self.send(protocol.REPLY, number, answer)

    def answer(self, kind, payload):
        """Nothing that a value of the user does can leave a question without an answer."""
        try:
            return self._find(kind, payload)
        except Exception:
            return empty(kind, payload)

    def _find(self, kind, payload):
        if kind == protocol.VARIABLES:
            return self.bindings.list()
        if kind == protocol.INSPECT:
            return inspection.inspect_at(self.shell, payload)
        if self.completer is None:
            self.completer = completion.Completer(self.shell)
        return completion.complete(self.completer, payload)


def empty(kind, payload):
    if kind == protocol.VARIABLES:
        return {"variables": [], "truncated": True}
    if kind == protocol.INSPECT:
        return dict(inspection.NOTHING)
    _, cursor = completion.position(payload)
    return {"matches": [], "start": cursor, "end": cursor}

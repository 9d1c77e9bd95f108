"""The control thread: frames from the server. It never runs user code, and answers while a cell runs."""
import os
import queue
import signal
import threading

from . import protocol

IDLE_CHECK_S = 15
QUESTIONS = (protocol.COMPLETE, protocol.INSPECT, protocol.VARIABLES)


class Control:
    """Jobs for the main thread, in the order in which they came."""

    def __init__(self, sock, interrupts, kernel_input, while_idle):
        self.questions = None  # set before start
        self.frames = protocol.FrameSocket(sock)
        self.interrupts = interrupts
        self.input = kernel_input
        self.while_idle = while_idle  # called now and then when nothing comes
        self.jobs = queue.SimpleQueue()
        self.wake = (
            None  # set while the main thread waits in the event loop: a way to end that
        )

    def start(self):
        threading.Thread(target=self._serve, daemon=True, name="control").start()

    def _serve(self):
        # An interrupt must wake a system call of the main thread, not of this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while True:
                if not self.frames.wait(IDLE_CHECK_S):
                    self.while_idle()
                    continue
                self._take_safely(*self.frames.read())
        except (protocol.Closed, OSError, ValueError):
            os._exit(0)  # the server is gone, or user code has closed the socket

    def _take_safely(self, kind, run, payload):
        try:
            self._take(kind, run, payload)
        except (AttributeError, KeyError, TypeError) as error:
            self.frames.send(
                protocol.REPLY, run, {"error": f"a malformed payload: {error!r}"}
            )

    def _take(self, kind, run, payload):
        if kind == protocol.EXECUTE:
            self.interrupts.expect()
            self._put(run, payload)
        elif kind == protocol.DROP:
            self._put(None, payload.get("names") or [])
        elif kind == protocol.INPUT_REPLY:
            self.input.answer(run, str(payload.get("value", "")))
        elif kind in QUESTIONS:
            self.questions.put(kind, run, payload)
        elif kind == protocol.PING:
            self.frames.send(protocol.REPLY, run, {})
        else:
            self.frames.send(
                protocol.REPLY, run, {"error": f"no such kind of frame: {kind}"}
            )

    def _put(self, run, payload):
        self.jobs.put((run, payload))
        wake = self.wake
        if wake is not None:
            try:
                wake()
            except RuntimeError:
                pass  # the loop has been closed meanwhile: the main thread does not wait in it

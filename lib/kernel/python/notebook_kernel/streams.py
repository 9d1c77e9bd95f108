"""sys.stdout and sys.stderr of user code, input(), and which run text belongs to.

Every write is attributed to the run that the writing code was started by: a ContextVar, which asyncio
tasks copy by themselves and which is carried into threads here. The native module reads it per write.
"""
import builtins
import contextvars
import getpass
import io
import os
import queue
import signal
import sys
import threading

from . import _nbk, plain, protocol

RUN = contextvars.ContextVar("run", default=0)
_latest = 0  # the run that the server knows of
DRAIN_MS = 1000  # how long a process that ends waits for its output to leave


def begin(run):
    """A run starts: what its code prints is its own, and so is what C code prints meanwhile."""
    global _latest
    _latest = run
    RUN.set(run)
    _nbk.set_run(run)


def emit(kind, payload):
    """Sends a frame of this run; `payload` is encoded JSON."""
    _nbk.emit(kind, RUN.get(), payload)


class Stream(io.TextIOBase):
    """A text stream without a buffer of its own: the native channel gathers."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    line_buffering = True
    mode = "w"

    def __init__(self, kind, fd, name):
        self.write = _nbk.writer(kind)
        self.fd = fd
        self.name = name
        self.buffer = BinaryStream(self)

    def flush(self):
        _nbk.flush()

    def isatty(self):
        return False

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def close(self):
        """Stays open: the next cell writes to it."""

    def writelines(self, lines):
        for line in lines:
            self.write(line)


class BinaryStream(io.BufferedIOBase):
    """sys.stdout.buffer."""

    def __init__(self, text):
        self.text = text
        self.raw = self

    def write(self, data):
        data = bytes(data)
        self.text.write(data.decode("utf-8", "backslashreplace"))
        return len(data)

    def flush(self):
        _nbk.flush()

    def writable(self):
        return True

    def fileno(self):
        return self.text.fd

    def close(self):
        """Stays open, as its text stream does."""


class Streams:
    """The two streams of a kernel, put back before every run: user code may have replaced them."""

    def __init__(self):
        self.out = Stream(protocol.STDOUT, 1, "<stdout>")
        self.err = Stream(protocol.STDERR, 2, "<stderr>")
        self.input = open(os.devnull, encoding="utf-8")  # lives as long as the kernel

    def install(self):
        self.put_back()
        sys.__stdout__, sys.__stderr__, sys.__stdin__ = self.out, self.err, self.input
        os.register_at_fork(after_in_child=in_fork)
        drain_before_end()
        carry_run_into_threads()

    def put_back(self):
        sys.stdout, sys.stderr, sys.stdin = self.out, self.err, self.input


def plain_stream(fd):
    return io.TextIOWrapper(
        io.FileIO(fd, "w", closefd=False),
        "utf-8",
        "backslashreplace",
        line_buffering=True,
    )


def in_fork():
    """User code has forked: the child is an ordinary process that prints to the inherited pipes."""
    sys.stdout, sys.stderr = plain_stream(1), plain_stream(2)
    builtins.input = Input.no_terminal
    signal.signal(signal.SIGINT, signal.default_int_handler)


def drain_before_end():
    """os._exit and os.exec* end this process without any clean-up: its output leaves first."""

    def drained(function):
        def wrapper(*arguments, **named):
            _nbk.drain(DRAIN_MS)
            return function(*arguments, **named)

        wrapper.__name__ = wrapper.__qualname__ = function.__name__
        wrapper.__doc__ = function.__doc__
        return wrapper

    for name in ("_exit", "execv", "execve"):
        setattr(os, name, drained(getattr(os, name)))


def carry_run_into_threads():
    start, bootstrap = threading.Thread.start, threading.Thread._bootstrap_inner

    def start_with_run(self):
        self._notebook_run = RUN.get()
        return start(self)

    def bootstrap_with_run(self):
        RUN.set(getattr(self, "_notebook_run", 0))
        return bootstrap(self)

    start_with_run.__doc__ = start.__doc__
    threading.Thread.start = start_with_run
    threading.Thread._bootstrap_inner = bootstrap_with_run


class Input:
    """input() and getpass.getpass(): the server is asked, and answers by a frame."""

    def __init__(self):
        self.replies = queue.SimpleQueue()
        self.asking = None  # the latest run when the question was asked

    def install(self):
        builtins.input = self.ask
        getpass.getpass = self.ask_password

    def answer(self, run, value):
        """The control thread has an answer. One that nobody waits for is forgotten."""
        if run == self.asking:
            self.replies.put(value)

    def ask(self, prompt="", /):
        return self._ask(prompt, False)

    def ask_password(self, prompt="Password: ", stream=None):
        return self._ask(prompt, True)

    def _ask(self, prompt, password):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("input() works in the main thread only")
        request = {"prompt": str(prompt)[:20000], "password": password}
        # One for each question: an answer to one that was interrupted is not taken for another's.
        self.replies = queue.SimpleQueue()
        try:
            self.asking = _latest
            emit(protocol.INPUT_REQUEST, plain.dump(request))
            _nbk.flush()
            return self.replies.get()
        finally:
            self.asking = None

    @staticmethod
    def no_terminal(prompt="", /):
        raise EOFError("input() works in the notebook's own process only")

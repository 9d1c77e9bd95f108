"""A kernel: the process of one open notebook, from the fork of the template to its end."""
import asyncio
import os
import platform
import random
import socket
import sys
import threading

from . import _nbk, errors, plain, protocol, shell, streams
from .control import Control
from .interrupts import Interrupts
from .questions import Questions
from .run import Runner
from .sql import SqlCells
from .variables import Bindings


class Kernel:
    """Assembles the parts in the forked process. Main thread."""

    def __init__(self, embedded_shell, ctl_fd):
        self.interrupts = Interrupts()
        self.streams = streams.Streams()
        self.input = streams.Input()
        self.shell = embedded_shell
        sql = SqlCells(embedded_shell)
        bindings = Bindings(embedded_shell)
        self.runner = Runner(
            embedded_shell, self.streams, self.interrupts, sql.run, bindings
        )
        ctl = socket.socket(fileno=ctl_fd)
        self.control = Control(ctl, self.interrupts, self.input, sql.close_idle)
        self.control.questions = Questions(
            embedded_shell, bindings, self.control.frames.send
        )
        os.register_at_fork(after_in_child=ctl.close)

    def install(self):
        self.streams.install()
        self.input.install()
        shell.show_warnings()
        threading.excepthook = print_thread_error
        self.interrupts.install()
        self.control.questions.start()
        self.control.start()

    def serve(self):
        """Forever. Everything that raises here has been interrupted between two jobs."""
        while True:
            run, payload = self.next_job()
            if run is None:
                self.interrupts.run_in_background(self.runner.drop, payload)
            else:
                self.runner.run(run, payload)

    def next_job(self):
        """Tasks that cells have left in the event loop go on while nothing else is to do."""
        loop = self.runner.loop
        if not loop.is_closed() and asyncio.all_tasks(loop):
            asyncio.set_event_loop(loop)
            self.control.wake = lambda: loop.call_soon_threadsafe(loop.stop)
            while self.control.jobs.empty() and asyncio.all_tasks(loop):
                self.interrupts.run_in_background(loop.run_forever)
            self.control.wake = None
        return self.control.jobs.get()


def print_thread_error(arguments):
    """An exception that ends a thread, in the words of a cell's error."""
    if arguments.exc_type is not SystemExit and arguments.exc_value is not None:
        name = arguments.thread.name if arguments.thread else "?"
        text = errors.traceback_text(arguments.exc_value)
        sys.stderr.write(f"Exception in thread {name}:\n{text}\n")


def reseed():
    """The template's random state is the same in all its forks."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def main(embedded_shell, ctl_fd, out_fd):
    """In the forked and confined process. Does not return."""
    reseed()
    sys.argv = [""]
    _nbk.open(out_fd, streams.RUN)
    _nbk.flush_on_death()
    kernel = Kernel(embedded_shell, ctl_fd)
    kernel.install()
    ready = {"pid": os.getpid(), "python": platform.python_version()}
    streams.emit(protocol.READY, plain.dump(ready))
    _nbk.flush()
    kernel.serve()

"""SIGINT: raised as KeyboardInterrupt in user code, and never anywhere else.

CPython 3.11 runs signal handlers after calls, at loop ends and at function entry, never between two
plain statements. So `armed = False` as the first statement after a call, and as the first statement of
an `except` block, cannot be overtaken: an interrupt strikes before it, inside the `try`, or not at all.
That is why those statements stand where they stand. Do not put a call in front of them.
"""
import _thread
import signal
import sys
import threading

AGAIN_S = 0.01


class Interrupts:
    """Main thread of a kernel only, but for `expect`."""

    def __init__(self):
        self.armed = False  # user code runs: raise
        self.expected = False  # a run has been accepted and has not ended
        self.background = False  # user code runs that belongs to no run: tasks while idle, destructors
        self.pending = False  # struck while a run was accepted but not yet in user code
        self.ended = 0  # runs

    def install(self):
        signal.signal(signal.SIGINT, self._on_signal)
        sys.unraisablehook = self._on_unraisable

    def restore(self):
        """User code may have installed its own handler in an earlier run."""
        if signal.getsignal(signal.SIGINT) != self._on_signal:
            signal.signal(signal.SIGINT, self._on_signal)

    def expect(self):
        """A run has been accepted (any thread). From now on an interrupt is meant for it."""
        self.expected = True

    def finish(self):
        """The run has ended: an interrupt that comes late does nothing."""
        self.expected = False
        self.pending = False
        self.ended += 1

    def guard(self, function, *arguments):
        """(value, None), or (None, exception) when it raised or was interrupted. Raises nothing."""
        try:
            self.armed = True
            if self.pending:
                self.pending = False
                raise KeyboardInterrupt
            value = function(*arguments)
            self.armed = False
        except BaseException as error:
            self.armed = False
            return None, error
        return value, None

    def run_in_background(self, function, *arguments):
        """Like guard, for user code outside runs: interrupted only when a run waits for it to end."""
        try:
            self.background = True
            function(*arguments)
            self.background = False
        except BaseException as error:
            self.background = False
            return error
        return None

    def _on_signal(self, _signum, _frame):
        if self.armed:
            raise KeyboardInterrupt
        if self.expected:
            self.pending = True
            if self.background:
                raise KeyboardInterrupt

    def _on_unraisable(self, problem):
        """A KeyboardInterrupt that struck in a destructor would be lost: it strikes again, a little later,
        because in here it would be lost as well."""
        if problem.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(problem)
        elif self.armed or self.background:
            threading.Timer(AGAIN_S, self._strike_again, (self.ended,)).start()

    def _strike_again(self, ended):
        if ended == self.ended:
            _thread.interrupt_main(signal.SIGINT)

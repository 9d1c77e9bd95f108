"""IPython's shell, embedded: magics, formatters, display, the namespace. What runs a cell is run.py."""
import os
import signal
import subprocess
import sys
import warnings

from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from IPython.utils.text import LSString, SList
from traitlets import Type

from . import errors, figures, outputs

# It would open a database and start a thread, which the template must not have when it forks.
HistoryManager.enabled = False


class Shell(InteractiveShell):
    """One per process, made in the template."""

    display_pub_class = Type(outputs.Publisher)
    displayhook_class = Type(outputs.Hook)
    failure = None  # exception that IPython or a magic wanted to show; becomes the run's error

    def init_display_formatter(self):
        self.display_formatter = outputs.Formatter(parent=self)
        self.configurables.append(self.display_formatter)

    def enable_gui(self, gui=None):
        """There is no screen."""

    def ask_exit(self):
        raise SystemExit

    def showtraceback(self, exc_tuple=None, *_unused, **_named):
        self.failure = exc_tuple[1] if exc_tuple else sys.exc_info()[1]

    def showsyntaxerror(self, *_unused, **_named):
        self.failure = sys.exc_info()[1]

    def showindentationerror(self):
        self.failure = sys.exc_info()[1]

    def show_usage_error(self, exc):
        self.failure = exc

    def system(self, cmd):
        """!command: prints to the run's own pipes, and is interrupted with it."""
        process = subprocess.Popen(
            self.var_expand(cmd, depth=1), shell=True, stdin=subprocess.DEVNULL
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            stop(process)
            raise
        self.user_ns["_exit_code"] = code

    system_piped = system_raw = system

    def getoutput(self, cmd, split=True, depth=0):
        """x = !command. IPython's own swallows an interrupt."""
        process = subprocess.Popen(
            self.var_expand(cmd, depth=depth + 1),
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output = process.communicate()[0].decode("utf-8", "replace")
        except KeyboardInterrupt:
            stop(process)
            raise
        return SList(output.splitlines()) if split else LSString(output)


InteractiveShellABC.register(Shell)


def stop(process):
    """The interrupt has reached the whole group; what does not heed it is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def create():
    """The shell of the template, before any library that looks for one is imported."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    os.environ.setdefault("PLOTLY_RENDERER", "plotly_mimetype")
    shell = Shell.instance()
    shell.colors = "NoColor"
    shell.Completer.use_jedi = False
    shell.builtin_trap.__enter__()  # for good: tasks that outlive their cell need its names as well
    sys.displayhook = shell.displayhook
    figures.setup(shell)
    return shell


def show_warnings():
    """Warnings name cells by their labels, libraries by their modules. Last: plotly installs a format of its own."""

    def showwarning(message, category, filename, lineno, file=None, line=None):
        text = (
            f"{errors.shown_name(filename)}:{lineno}: {category.__name__}: {message}\n"
        )
        (file or sys.stderr).write(text)

    warnings.showwarning = showwarning

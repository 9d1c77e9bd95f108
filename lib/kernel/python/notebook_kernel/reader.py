"""IPython's reading of text that is not Python: magics, `!command`, `name?`. For the analyser, which must
answer before the libraries are imported: it is made in a thread, and only those who need it wait."""
import os
import sys
import threading
import traceback
import types

EXIT_BROKEN = 71


class Reader:
    def __init__(self):
        self.shell = None
        self.made = threading.Event()

    def start(self):
        threading.Thread(target=self._make, daemon=True, name="reader").start()

    def transform(self, code):
        self.made.wait()
        return self.shell.transform_cell(code)

    def _make(self):
        try:
            self.shell = make_shell()
        except BaseException:
            try:  # not when standard error is a file: see confine.analyser
                os.write(2, traceback.format_exc().encode("utf-8", "replace"))
            finally:  # without it magics would be taken for errors
                os._exit(EXIT_BROKEN)
        self.made.set()


def make_shell():
    """A shell that only reads. It makes no files: the analyser may not."""
    from IPython.core import interactiveshell
    from IPython.core.history import HistoryManager
    from traitlets import Any

    HistoryManager.enabled = False
    interactiveshell.PickleShareDB = lambda _path: {}

    class ReadingShell(interactiveshell.InteractiveShell):
        profile_dir = Any(types.SimpleNamespace(location="/nonexistent"))

        def init_ipython_dir(self, _ipython_dir):
            """It has none."""

        def init_profile_dir(self, _profile_dir):
            """It has none."""

    hooks = sys.excepthook, sys.displayhook
    shell = ReadingShell()
    sys.excepthook, sys.displayhook = hooks
    return shell

"""The template: everything that kernels need is imported, and used once, before they are forked.

A fork of a process that has run a few cells answers its first in 1 ms instead of 10, and shares what
those cells have built (design KERNEL.md 1). Single-threaded throughout.
"""
import gc
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import types
import warnings

OPTIONAL = (
    "numpy",
    "pandas",
    "matplotlib.pyplot",
    "plotly.graph_objects",
    "plotly.express",
    "plotly.io",
    "altair",
    "psycopg2.extras",
    "sqlite3",
)
SAMPLES = (
    ("", "1 + 1"),
    ("", "print('x')"),
    ("", "1 / 0"),
    ("", "import asyncio\nawait asyncio.sleep(0)"),
    ("", "%time 1"),
    (
        "pandas",
        "import pandas\npandas.DataFrame({'a': [1, 2.5], 'b': ['x', None]}).describe()",
    ),
    ("matplotlib.pyplot", "import matplotlib.pyplot as plt\nplt.plot([1, 2])"),
    ("plotly.express", "import plotly.express as px\npx.bar(x=['a', 'b'], y=[1, 2])"),
    (
        "altair",
        "import altair, pandas\naltair.Chart(pandas.DataFrame({'a': [1]})).mark_bar()",
    ),
)


def warm(between):
    """The shell that all kernels start with. `between` is called now and then: it takes a second."""
    folder = tempfile.mkdtemp(prefix="notebook-template-")
    before = dict(os.environ)
    try:
        os.environ.update(HOME=folder, IPYTHONDIR=folder)
        # Threads of OpenBLAS do not survive a fork; one is what a kernel's share of a machine can feed.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        shell = build(between)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        restore_environment(before)
    gc.collect()
    gc.freeze()  # without it the first collection of every kernel copies all of the template
    assert len(os.listdir("/proc/self/task")) == 1
    return shell


def restore_environment(before):
    for name in ("HOME", "IPYTHONDIR"):
        if name in before:
            os.environ[name] = before[name]
        else:
            os.environ.pop(name, None)


def build(between):
    from . import shell as shells

    between()
    shell = shells.create()
    import_optional(between)
    run_samples(shell)
    shell.reset(new_session=True)
    shell.user_ns.pop("__doc__", None)
    return shell


def import_optional(between):
    """Libraries that a machine may not have. What they change for everybody is put back."""
    format_warning, show_warning = warnings.formatwarning, warnings.showwarning
    for name in OPTIONAL:
        between()
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    warnings.formatwarning, warnings.showwarning = format_warning, show_warning
    if "altair" in sys.modules:
        sys.modules["altair"].renderers.enable("mimetype")
        # Of the library's own calls into pandas: nothing that the author of a cell could change.
        warnings.filterwarnings("ignore", category=FutureWarning, module="altair")


def run_samples(shell):
    """Output of the samples goes nowhere: the channel is not open in the template."""
    from . import protocol
    from .interrupts import Interrupts
    from .questions import Questions
    from .run import Runner
    from .sql import SqlCells
    from .variables import Bindings

    nowhere = types.SimpleNamespace(put_back=lambda: None)
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    bindings = Bindings(shell)
    runner = Runner(shell, nowhere, Interrupts(), SqlCells(shell).run, bindings)
    for needs, code in SAMPLES:
        if not needs or needs in sys.modules:
            runner.run(0, {"type": "python", "code": code, "label": "Cell"})
    questions = Questions(shell, bindings, None)
    for kind in (protocol.COMPLETE, protocol.INSPECT, protocol.VARIABLES):
        questions.answer(kind, {"code": "os.path.jo", "cursor": 10})
    runner.loop.close()
    sys.stdout.close()
    sys.stdout, sys.stderr = streams
    random.seed()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

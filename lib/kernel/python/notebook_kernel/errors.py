"""Exceptions as people read them: the frames of their own code, with cells by their labels.

Every run is compiled under a file name of its own, so that a function keeps showing the text it was
compiled from after its cell has been edited (design KERNEL.md 2, "Cell names").
"""
import collections
import linecache
import os
import sys
import traceback

NAMES_MAX = 2000  # runs whose text is remembered
TEXTS_MAX = 16 * 1024 * 1024  # characters of these texts
FRAMES_MAX = 60
MESSAGE_MAX = 20_000
TRACEBACK_MAX = 200_000
CHAIN_MAX = 20
MAGICS = ("<timed exec>", "<timed eval>", "<magic-timeit>", "<ipython-input")

_labels = collections.OrderedDict()  # file name -> label
_sizes = {}
_count = _total = 0


class Plain(Exception):
    """An error that is not an exception of user code: shown as `text`, without frames."""

    def __init__(self, ename, message, text):
        super().__init__(message)
        self.ename = ename
        self.message = message
        self.text = text


def name_code(text, label):
    """A file name for code that is about to be compiled, and its text for tracebacks."""
    global _count, _total
    _count += 1
    name = f"<cell-{_count}>"
    _labels[name] = label
    _sizes[name] = len(text)
    _total += len(text)
    set_text(name, text)
    while len(_labels) > NAMES_MAX or (_total > TEXTS_MAX and len(_labels) > 1):
        oldest, _ = _labels.popitem(last=False)
        _total -= _sizes.pop(oldest)
        linecache.cache.pop(oldest, None)
    return name


def set_text(name, text):
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


def label_of(filename):
    return _labels.get(filename, filename)


def shown_name(filename):
    """A cell's label, or the part of a path that means something to its reader."""
    folders = [os.path.abspath(folder) + os.sep for folder in [*sys.path, ""]]
    inside = [folder for folder in folders if filename.startswith(folder)]
    return filename[len(max(inside, key=len)) :] if inside else label_of(filename)


def is_own(filename):
    """Whether a frame belongs to the user: a cell, code of a magic, or a file of the notebook's folder."""
    if filename in _labels or filename.startswith(MAGICS):
        return True
    try:
        return (
            os.path.abspath(filename).startswith(os.getcwd() + os.sep)
            and filename[:1] != "<"
        )
    except OSError:  # the folder is gone
        return False


def describe(error):
    """The payload of an error frame."""
    ename = type(error).__name__
    if isinstance(error, Plain):
        return body(error.ename, error.message, None, error.text)
    if is_usage_error(error):  # of a magic: its frames say nothing
        return body(
            ename, message_of(error), line_of(error.__traceback__), f"{ename}: {error}"
        )
    if isinstance(error, SyntaxError) and label_of(error.filename) != error.filename:
        return body(ename, error.msg, error.lineno, syntax_text(error))
    return body(
        ename, message_of(error), line_of(error.__traceback__), traceback_text(error)
    )


def is_usage_error(error):
    """IPython is not imported for this: the analyser needs its answers before."""
    module = sys.modules.get("IPython.core.error")
    return module is not None and isinstance(error, module.UsageError)


def body(ename, evalue, line, text):
    return {
        "ename": ename,
        "evalue": clip(str(evalue), MESSAGE_MAX),
        "line": line,
        "traceback": clip(text, TRACEBACK_MAX),
    }


def syntax_text(error):
    """A SyntaxError as the contract prints it: message, source line, caret."""
    lines = [f"SyntaxError on line {error.lineno}: {error.msg}"]
    text = error.text or linecache.getline(error.filename, error.lineno or 0)
    if text:
        source = text.split("\n")[0][:500]
        lines.append(source)
        if error.offset is not None:
            lines.append(" " * max(0, min(error.offset, len(source) + 1) - 1) + "^")
    return "\n".join(lines)


def message_of(error):
    try:
        return str(error)
    except Exception:
        return "<unprintable>"


def line_of(tb):
    """The line of the outermost cell where it left that cell."""
    cell, line = None, None
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if name in _labels and cell in (None, name):
            cell, line = name, tb.tb_lineno
        tb = tb.tb_next
    return line


def traceback_text(error):
    """Formatting runs code of the user: __str__, __cause__ and what they raise."""
    try:
        limit = -FRAMES_MAX if isinstance(error, RecursionError) else None
        te = traceback.TracebackException(
            type(error), error, error.__traceback__, limit=limit, compact=True
        )
        keep_own(te, 0)
        return "".join(te.format()).rstrip("\n")
    except Exception as problem:
        name = type(problem).__name__
        return f"{type(error).__name__}: <{name} while the message was made>"


def keep_own(te, depth):
    frames = [f for f in te.stack if is_own(f.filename)]
    if len(frames) > FRAMES_MAX:
        frames = frames[:20] + frames[20 - FRAMES_MAX :]
    for frame in frames:
        frame.filename = shown_name(frame.filename)
    te.stack = traceback.StackSummary.from_list(frames)
    if getattr(te, "filename", None):
        te.filename = label_of(te.filename)
    chain = [te.__cause__, te.__context__, *(te.exceptions or ())]
    for other in chain if depth < CHAIN_MAX else ():
        if other is not None:
            keep_own(other, depth + 1)


def clip(text, maximum):
    if len(text) <= maximum:
        return text
    left_out = len(text) - maximum
    return f"{text[: maximum * 3 // 4]}\n… {left_out} characters left out …\n{text[-(maximum // 4):]}"

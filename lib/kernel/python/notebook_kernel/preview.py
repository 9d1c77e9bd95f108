"""A value in a few words and numbers, at once and whatever its size: nothing of its own is called that a
user could have written or that takes time."""
import datetime
import decimal
import fractions
import sys
import types
import uuid

from . import look

TEXT_MAX = 200
SCALARS = (
    bool,
    float,
    complex,
    type(None),
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    fractions.Fraction,
    uuid.UUID,
    range,
    slice,
)
COUNTED = (dict, list, tuple, set, frozenset)
TEXTS = (str, bytes, bytearray)


def of(value):
    try:
        return preview(value)[:TEXT_MAX]
    except Exception:
        return ""


def preview(value):
    kind = type(value)
    if kind in SCALARS:
        return repr(value)
    if kind is int:
        bits = value.bit_length()
        return repr(value) if bits <= 600 else f"int of {bits} bits"
    if kind is decimal.Decimal:
        return repr(value) if len(value.as_tuple().digits) < TEXT_MAX else "Decimal"
    if kind in TEXTS:
        return cut(value)
    for known in COUNTED:
        if issubclass(kind, known):
            return count(known.__len__(value), "item")
    if issubclass(kind, type):
        return (
            f"class {look.type_name(value)}" if kind is not type else class_name(value)
        )
    if issubclass(kind, types.ModuleType):
        return f"module {look.static(value, '__name__')}"
    if kind is types.FunctionType:
        return f"{value.__name__}{look.signature(value)}"
    return of_library(value) or f"{look.type_name(value)} object"


def class_name(value):
    return f"class {type.__dict__['__name__'].__get__(value)}"


def cut(value):
    shown = repr(value[:TEXT_MAX])
    return (
        shown
        if len(value) <= TEXT_MAX and len(shown) <= TEXT_MAX
        else shown[: TEXT_MAX - 1] + "…"
    )


def count(n, word):
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


# --- numpy and pandas ---


def library_type(value):
    """(name of the type, shape) of an array, frame or series; None of everything else."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    kind = type(value)
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return "array", list(numpy.ndarray.shape.__get__(value))
    if pandas is None:
        return None
    if issubclass(kind, pandas.DataFrame):
        return "frame", list(pandas.DataFrame.shape.fget(value))
    if issubclass(kind, pandas.Series):
        return "series", [len(value.index)]
    if issubclass(kind, pandas.Index):
        return "index", [pandas.Index.__len__(value)]
    return None


def shape(value):
    try:
        known = library_type(value)
    except Exception:  # half made, or broken by a subclass
        return None
    return known and [int(n) for n in known[1]]


def of_library(value):
    known = library_type(value)
    numpy = sys.modules.get("numpy")
    if known is None:
        is_scalar = numpy is not None and type(value).__module__ == "numpy"
        return repr(value) if is_scalar and isinstance(value, numpy.generic) else None
    name, sizes = known
    if name == "frame":
        return f"{count(sizes[0], 'row')} x {count(sizes[1], 'column')}"
    if name == "array":
        return f"{value.dtype} {' x '.join(map(str, sizes)) or 'scalar'}"
    return f"{count(sizes[0], 'value')}, {value.dtype}"


def size(value):
    """Bytes of the value itself, without what it refers to; cheap rather than exact."""
    try:
        return max(0, int(bytes_of(value)))
    except Exception:
        return 0


def bytes_of(value):
    known = library_type(value)
    if known is None:
        kind = type(value)
        own = kind in SCALARS or kind in TEXTS or kind in COUNTED or kind is int
        return sys.getsizeof(value) if own else object.__sizeof__(value)
    name, sizes = known
    if name == "frame":
        columns = sizes[1]
        return (
            value.memory_usage(index=False, deep=False).sum()
            if columns <= 100
            else sizes[0] * columns * 8
        )
    return value.nbytes

"""DataFrames, Series and SQL results as the contract's table:
{"type": "table", "columns": [...], "rows": [[...], ...], "truncated": "(Showing first ...)" or null}

At most the first 1,000 rows, 200 columns and 100,000 values: cost depends on what is shown, not on the
size of the frame (design KERNEL.md 7).
"""
import datetime
import decimal
import json
import math
import sys

from .plain import EXACT_INT, integer, number, text_of

ROWS_MAX = 1000
COLUMNS_MAX = 200
VALUES_MAX = 100_000
ITEMS_MAX = 50  # of a list or dict inside a cell
NESTING_MAX = 3
BYTES_MAX = 64


def from_frame(frame):
    """Of a pandas DataFrame or Series."""
    if frame.ndim == 1:
        frame = frame.to_frame()
    row_count, column_count = frame.shape
    limit = min(ROWS_MAX, max(1, VALUES_MAX // max(1, min(column_count, COLUMNS_MAX))))
    shown = frame.iloc[:limit, :COLUMNS_MAX]
    names = [name_of(c) for c in shown.columns]
    columns = [column_values(shown.iloc[:, i]) for i in range(shown.shape[1])]
    index_names, index_columns = index_of(shown.index)
    columns = index_columns + columns
    rows = (
        [list(row) for row in zip(*columns)]
        if columns
        else [[] for _ in range(len(shown))]
    )
    return build(index_names + names, rows, row_count, column_count)


def from_rows(names, rows, row_count):
    """Of a SQL result. `row_count`: of all rows, of which `rows` may be the first; None: unknown, but more."""
    shown = [[cell(value) for value in row[:COLUMNS_MAX]] for row in rows[:ROWS_MAX]]
    names = [name_of(n) for n in names]
    return build(names[:COLUMNS_MAX], shown, row_count, len(names))


def build(names, rows, row_count, column_count):
    return {
        "type": "table",
        "columns": names,
        "rows": rows,
        "truncated": truncation(len(rows), row_count, len(names), column_count),
        **total(len(rows), row_count, column_count),
    }


def truncation(shown, row_count, shown_columns, column_count):
    """What is left out, in the contract's words."""
    if row_count is None:
        return f"(Showing first {shown} rows)"
    if row_count > shown:
        return f"(Showing first {shown} of {row_count} rows)"
    if column_count > COLUMNS_MAX:
        return f"(Showing first {shown_columns} of {column_count} columns)"
    return None


def total(shown, row_count, column_count):
    if row_count is None or (row_count == shown and column_count <= COLUMNS_MAX):
        return {}
    return {"total": [row_count, column_count]}


def index_of(index):
    """(names, columns) of the row labels; none when they only count the rows."""
    if is_count(index):
        return [], []
    return index_names(index), [
        column_values(index.get_level_values(i)) for i in range(index.nlevels)
    ]


def is_count(index):
    """Whether the labels are 0, 1, 2 ... and nothing else."""
    pandas = sys.modules["pandas"]
    counts = (
        isinstance(index, pandas.RangeIndex) and index.start == 0 and index.step == 1
    )
    return counts and index.name is None


def index_names(index):
    default = "index" if index.nlevels == 1 else "level_{}"
    return [
        name_of(name) if name is not None else default.format(i)
        for i, name in enumerate(index.names)
    ]


def name_of(label):
    if type(label) is tuple:
        return " / ".join(text_of(part) for part in label)
    return text_of(label)


def column_values(column):
    """A pandas column (or index level) as values for JSON, by the fastest way its type allows."""
    numpy = sys.modules["numpy"]
    kind = column.dtype.kind if isinstance(column.dtype, numpy.dtype) else "O"
    values = column.tolist()
    if kind == "b":
        return values
    if kind == "f" and column.dtype.itemsize <= 8:
        return (
            values
            if numpy.isfinite(column.to_numpy()).all()
            else [number(v) for v in values]
        )
    if kind in "iu":
        if not values or (max(values) <= EXACT_INT and min(values) >= -EXACT_INT):
            return values
        return [exact(v) for v in values]
    return [cell(v) for v in values]


def exact(value):
    """An int as a number when every JSON reader keeps it exactly, else as text."""
    return value if -EXACT_INT <= value <= EXACT_INT else integer(value)


def cell(value):
    """One value of a table: text, a number, true, false or null. Lists and dicts are JSON in a text."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return text_of(value)
    if kind is int:
        return exact(value)
    if kind is float:
        return number(value)
    value = item(value)
    if isinstance(value, (list, dict)):
        return text_of(json.dumps(value, ensure_ascii=False))
    return value


def item(value, nesting=0):
    """Like cell, but lists and dicts stay what they are, down to NESTING_MAX."""
    kind = type(value)
    if value is None or kind in (bool, str, int, float):
        return cell(value)
    if nesting < NESTING_MAX and kind in (list, tuple, set, frozenset):
        return [item(v, nesting + 1) for v in list(value)[:ITEMS_MAX]]
    if nesting < NESTING_MAX and kind is dict:
        return {
            text_of(k): item(v, nesting + 1) for k, v in list(value.items())[:ITEMS_MAX]
        }
    return item_of_library(value, nesting)


def item_of_library(value, nesting):
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value[:BYTES_MAX])
        return "\\x" + data.hex() + ("…" if len(value) > BYTES_MAX else "")
    if is_missing(value):
        return None
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return text_of(value)
    if nesting < NESTING_MAX and hasattr(value, "tolist"):  # numpy scalars and arrays
        held = unpacked(value)
        if held is not value:
            return item(held, nesting + 1)
    return text_of(value)


def unpacked(value):
    try:
        if getattr(value, "size", 1) > ITEMS_MAX:
            value = value[:ITEMS_MAX]
        return value.tolist()
    except Exception:
        return value


def is_missing(value):
    """NaN, NaT or pandas.NA, whose comparison with itself has no truth."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return True
    try:
        return isinstance(value, (float, decimal.Decimal)) and math.isnan(value)
    except Exception:
        return False

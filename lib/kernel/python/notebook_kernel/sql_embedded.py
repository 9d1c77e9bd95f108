"""The embedded database: SQLite in memory, one per kernel, which sees DataFrames as tables.

Tables that cells create live in `main` as long as the kernel. DataFrames are copied to `temp`, where
they hide tables of the same name; they are copied again when they have changed, and cannot be written.
"""
import sqlite3
import sys

from . import tables
from .errors import Plain
from .sql_render import as_parameter, for_sqlite
from .sql_result import Result, collect

INSTRUCTIONS_PER_CHECK = 20_000  # virtual machine steps between looks for an interrupt
COLUMNS_MAX = 2000  # SQLite's own
WRITES = frozenset(
    (
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_DROP_TEMP_TABLE,
        sqlite3.SQLITE_ALTER_TABLE,
    )
)


class Embedded:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.loaded = {}  # name -> fingerprint of the DataFrame, None when it has none
        self.loading = False
        self.refused = None  # DataFrame that the last statement wanted to write
        # A Python function is where an interrupt can strike.
        self.connection.set_progress_handler(lambda: 0, INSTRUCTIONS_PER_CHECK)
        self.connection.set_authorizer(self._authorize)

    def run(self, statement, whole):
        """The result of the last statement that returns a table."""
        self.refused = None
        result = Result()
        try:
            for text in split(statement.text):
                cursor = self.connection.execute(text, statement.arguments)
                if cursor.description is not None:
                    result = collect(cursor, whole)
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise self._explained(error) from None
        return result

    def load_frames(self, namespace, names):
        """Copies the DataFrames among `names`; forgets those that are no DataFrames any more."""
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return
        self.loading = True
        try:
            for name in [
                n for n in self.loaded if not is_frame(pandas, namespace.get(n))
            ]:
                self._drop(name)
            for name in names:
                if is_frame(pandas, namespace.get(name)):
                    self._load(pandas, name, namespace[name])
        finally:
            self.loading = False

    def _load(self, pandas, name, frame):
        fingerprint = fingerprint_of(pandas, frame)
        if fingerprint is not None and self.loaded.get(name) == fingerprint:
            return
        names, columns = columns_of(frame)
        if len(names) > COLUMNS_MAX:
            message = f"The DataFrame {name} has more than {COLUMNS_MAX} columns"
            raise Plain("ValueError", message, message)
        self._drop(name)
        try:
            self._copy(name, names, columns)
        except BaseException:
            self._drop(name)
            raise
        self.loaded[name] = fingerprint

    def _copy(self, name, names, columns):
        declared = ", ".join(quoted(n) for n in names)
        marks = ", ".join("?" * len(names))
        self.connection.execute(f"CREATE TABLE temp.{quoted(name)} ({declared})")
        self.connection.execute("BEGIN")
        try:
            insert = f"INSERT INTO temp.{quoted(name)} VALUES ({marks})"
            self.connection.executemany(insert, zip(*columns))
        finally:
            self.connection.execute("COMMIT")

    def _drop(self, name):
        self.loaded.pop(name, None)
        self.connection.execute(f"DROP TABLE IF EXISTS temp.{quoted(name)}")

    def _authorize(self, action, first, second, database, _trigger):
        if self.loading or action not in WRITES:
            return sqlite3.SQLITE_OK
        table = second if action == sqlite3.SQLITE_ALTER_TABLE else first
        in_temp = (
            first == "temp"
            if action == sqlite3.SQLITE_ALTER_TABLE
            else database == "temp"
        )
        if in_temp and table in self.loaded:
            self.refused = table
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def _explained(self, error):
        if str(error) == "interrupted":
            return KeyboardInterrupt()
        message = str(error)
        if self.refused is not None:
            message = f"{self.refused} is a DataFrame of the notebook: SQL can read it, but not change it"
        name = type(error).__name__
        return Plain(name, message, f"{name}: {message}")


def is_frame(pandas, value):
    return isinstance(value, pandas.DataFrame)


def quoted(name):
    return '"' + str(name).replace('"', '""') + '"'


def split(text):
    """The statements of a text. SQLite itself decides where one ends."""
    start = 0
    at = text.find(";")
    while at >= 0:
        if sqlite3.complete_statement(text[start : at + 1]):
            yield text[start : at + 1]
            start = at + 1
        at = text.find(";", at + 1)
    if text[start:].strip():
        yield text[start:]


def fingerprint_of(pandas, frame):
    """Changes when the content does; None when it cannot be told (lists in cells, for example)."""
    try:
        rows = pandas.util.hash_pandas_object(frame)
        return (
            tuple(map(str, frame.columns)),
            tuple(map(str, frame.dtypes)),
            hash(rows.values.tobytes()),
        )
    except Exception:
        return None


def columns_of(frame):
    """(names, columns of values that SQLite takes), row labels first when they are more than a count."""
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    names = [tables.name_of(c) for c in frame.columns]
    if not columns or not tables.is_count(frame.index):
        columns = [
            frame.index.get_level_values(i) for i in range(frame.index.nlevels)
        ] + columns
        names = tables.index_names(frame.index) + names
    return distinct(names), [values_of(c) for c in columns]


def distinct(names):
    """SQLite ignores case: `A` and `a` would be the same column."""
    taken, out = set(), []
    for name in names:
        candidate, n = name, 2
        while candidate.lower() in taken:
            candidate, n = f"{name}_{n}", n + 1
        taken.add(candidate.lower())
        out.append(candidate)
    return out


def values_of(column):
    kind = getattr(column.dtype, "kind", "O")
    if kind in "ib" and type(column.dtype).__module__.startswith("numpy"):
        return column.tolist()
    return [value_of(v) for v in column.tolist()]


def value_of(value):
    if value is None or type(value) is str and value.isascii():
        return value
    if type(value) is float:
        return None if value != value else value
    try:
        return for_sqlite(as_parameter(value, ""), "")
    except Plain:
        return str(tables.cell(value))

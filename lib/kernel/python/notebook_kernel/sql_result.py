"""What a statement has returned."""
import itertools

from . import tables


class Result:
    """`rows`: all of them, or the first ones. `row_count`: None when there are more than anybody counted.
    A statement that returns no table has no columns and no rows."""

    def __init__(self, columns=(), rows=(), row_count=0):
        self.columns = list(columns)
        self.rows = list(rows)
        self.row_count = row_count


def collect(cursor, whole):
    """Of a DB-API cursor that yields rows in pieces. Keeps what is shown unless `whole`; counts the rest."""
    if cursor.description is None:
        return Result()
    columns = [column[0] for column in cursor.description]
    kept = list(cursor) if whole else list(itertools.islice(cursor, tables.ROWS_MAX))
    count = len(kept) + sum(1 for _ in cursor)
    return Result(columns, kept, count)

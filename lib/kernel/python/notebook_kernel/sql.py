"""SQL cells: rendered, run where the notebook's connection says, shown as a table.

Without a connection they run on an embedded SQLite that sees the notebook's DataFrames. With an
`output_name` the whole result also becomes a DataFrame of that name.
"""
import re
import sys

from . import outputs, protocol, tables
from .errors import Plain
from .sql_embedded import Embedded
from .sql_render import Renderer

NO_ROWS = "Query returned no rows"
POSTGRES_URL = re.compile(r"^postgres(ql)?(\+\w+)?://", re.IGNORECASE)


class SqlCells:
    """One per kernel. Databases are opened when they are first needed."""

    def __init__(self, shell):
        self.shell = shell
        self.embedded = None
        self.postgres = None

    def run(self, request):
        """Main thread, interruptible."""
        namespace = self.shell.user_ns
        connection = (request.get("connection") or "").strip()
        parts = request.get("parts") or []
        output_name = request.get("output_name")
        if connection:
            statement = Renderer(namespace, Renderer.POSTGRES).render(parts)
            database = self.open_postgres(connection)
        else:
            statement = Renderer(namespace, Renderer.SQLITE).render(parts)
            database = self.open_embedded()
            database.load_frames(namespace, request.get("tables") or [])
        result = database.run(statement, whole=output_name is not None)
        self.keep(result, output_name)
        self.show(result)

    def close_idle(self):
        """Control thread: a database server has few connections, and many notebooks are idle."""
        if self.postgres is not None:
            self.postgres.close_idle()

    def open_embedded(self):
        if self.embedded is None:
            self.embedded = Embedded()
        return self.embedded

    def open_postgres(self, connection):
        url = POSTGRES_URL.sub("postgresql://", connection)
        if not is_postgres(url):
            message = "Only PostgreSQL connection strings are supported"
            raise Plain("ValueError", message, message)
        if self.postgres is None or self.postgres.dsn != url:
            try:
                from .sql_postgres import Postgres
            except ImportError:
                message = "The PostgreSQL driver psycopg2 is not installed"
                raise Plain("ImportError", message, message) from None
            if self.postgres is not None:
                self.postgres.close()
            self.postgres = Postgres(url)
        return self.postgres

    def keep(self, result, output_name):
        if output_name is not None:
            self.shell.user_ns[output_name] = value_of(result)

    def show(self, result):
        if result.row_count == 0:
            sys.stdout.write(NO_ROWS)
            return
        table = tables.from_rows(result.columns, result.rows, result.row_count)
        outputs.send(protocol.RESULT, {outputs.TABLE: table})


def is_postgres(url):
    """A URL of that scheme, or libpq's `host=... dbname=...`."""
    return url.startswith("postgresql://") or ("://" not in url and "=" in url)


def value_of(result):
    """A DataFrame; a list of dicts on a machine without pandas. Exact decimals become floats, with which
    one can calculate."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return [dict(zip(result.columns, row)) for row in result.rows]
    return pandas.DataFrame.from_records(
        result.rows, columns=result.columns, coerce_float=True
    )

"""PostgreSQL through psycopg2: one connection per kernel, opened when needed, closed when idle.

A query that is only shown is read through a server-side cursor: memory does not grow with the table.
"""
import re
import select
import threading
import time

import psycopg2
import psycopg2.errors
import psycopg2.extensions as extensions
import psycopg2.extras

from . import tables
from .errors import Plain
from .sql_result import Result, collect

CONNECT_S = 5
STATEMENT_MS = 10 * 60 * 1000
COUNT_MS = 300  # how long the rows that are not shown may be counted
IDLE_S = 60
CURSOR = "notebook_rows"
READS = ("select", "with", "values", "table")
FIRST_WORD = re.compile(r"(?:\s|--[^\n]*\n|\(|/\*.*?\*/)*(\w+)", re.DOTALL)


class Postgres:
    def __init__(self, dsn):
        self.dsn = dsn
        self.connection = None
        self.used = 0.0
        self.lock = threading.Lock()  # held while a run uses the connection
        self.interrupted = False
        self.connecting = False

    def run(self, statement, whole):
        """Main thread. An interrupt cancels the query; the connection stays usable."""
        with self.lock:
            self.interrupted = False
            # Only for our own queries: user code may use the driver in its own way.
            extensions.set_wait_callback(self._wait)
            try:
                return self._run(statement, whole)
            except psycopg2.Error as error:
                if self.interrupted:
                    raise KeyboardInterrupt from None
                raise self._explained(error) from None
            finally:
                extensions.set_wait_callback(None)
                self.used = time.monotonic()

    def close_idle(self):
        """Control thread."""
        if self.lock.acquire(blocking=False):
            try:
                if (
                    self.connection is not None
                    and time.monotonic() - self.used > IDLE_S
                ):
                    self._close()
            finally:
                self.lock.release()

    def close(self):
        with self.lock:
            self._close()

    def _close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _run(self, statement, whole):
        connection = self._open()
        if not whole and is_one_read(statement.text):
            try:
                cursor = self._declare(connection, statement)
                if cursor is not None:
                    return self._first_rows(connection, cursor)
            except BaseException:
                connection.rollback()
                raise
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.arguments)
            return collect(cursor, whole)

    def _open(self):
        if self.connection is None or self.connection.closed:
            self.connecting = True
            try:
                self.connection = psycopg2.connect(
                    self.dsn, connect_timeout=CONNECT_S, application_name="notebook"
                )
            finally:
                self.connecting = False
            self._prepare(self.connection)
        return self.connection

    @staticmethod
    def _prepare(connection):
        """Not as start-up options: poolers refuse those."""
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {STATEMENT_MS}")
            # What stands in '...' is rendered for this: a backslash is an ordinary character there.
            cursor.execute("SET standard_conforming_strings = on")

    @staticmethod
    def _declare(connection, statement):
        """A server-side cursor, or None when the statement is not for one: WITH that writes, SELECT INTO,
        and what is wrong anyway, whose message would show the declaration."""
        connection.autocommit = False
        cursor = connection.cursor(CURSOR)
        cursor.itersize = tables.ROWS_MAX + 1
        try:
            cursor.execute(statement.text.strip().rstrip(";"), statement.arguments)
        except (
            psycopg2.ProgrammingError,
            psycopg2.NotSupportedError,
            psycopg2.InternalError,
        ):
            connection.rollback()
            return None
        return cursor

    def _first_rows(self, connection, cursor):
        rows = cursor.fetchmany(tables.ROWS_MAX + 1)
        columns = [column[0] for column in cursor.description]
        count = len(rows)
        if count > tables.ROWS_MAX:
            count = self._count_rest(connection, count)
        cursor.close()
        connection.commit()
        return Result(columns, rows[: tables.ROWS_MAX], count)

    def _count_rest(self, connection, seen):
        """How many rows there are, or None when counting them takes too long."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SAVEPOINT counting; SET LOCAL statement_timeout = {COUNT_MS}"
            )
            try:
                cursor.execute(f'MOVE FORWARD ALL IN "{CURSOR}"')
                count = seen + int(cursor.statusmessage.split()[-1])
                cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
                return count
            except psycopg2.errors.QueryCanceled:
                if self.interrupted:
                    raise
                cursor.execute("ROLLBACK TO SAVEPOINT counting")
                return None

    def _wait(self, connection):
        """psycopg2 waits here instead of in C, where an interrupt would wait for the query to end."""
        while True:
            try:
                state = connection.poll()
                if state == extensions.POLL_OK:
                    return
                reading = state == extensions.POLL_READ
                fds = [connection.fileno()]
                select.select(fds if reading else [], [] if reading else fds, [])
            except KeyboardInterrupt:
                if self.connecting:
                    raise
                self.interrupted = True
                connection.cancel()  # the server ends the query with an error

    def _explained(self, error):
        name = type(error).__name__
        if self.connection is None and isinstance(error, psycopg2.ProgrammingError):
            message = "The connection string is not valid"
        else:
            message = self._without_password(str(error).strip())
        return Plain(name, message, f"{name}: {message}")

    def _without_password(self, message):
        try:
            password = extensions.parse_dsn(self.dsn).get("password")
        except psycopg2.Error:
            return "The connection string is not valid"
        return message.replace(password, "***") if password else message


def is_one_read(text):
    word = FIRST_WORD.match(text)
    return (
        word is not None
        and word[1].lower() in READS
        and ";" not in text.strip().rstrip(";")
    )

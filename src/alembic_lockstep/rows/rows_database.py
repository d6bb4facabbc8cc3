"""Connect to a scratch database to write and read rows, as the user that migrates it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from alembic_lockstep.rows.described_tables import RowTable, TableName

if TYPE_CHECKING:
    from psycopg import Connection

_POSTGRESQL = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
    "SET synchronous_commit = off",
    "SET statement_timeout = 0",
    "SET lock_timeout = '10s'",
)
_MYSQL = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION sql_mode = "
    "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
    "SET SESSION lock_wait_timeout = 10",
    "SET SESSION innodb_lock_wait_timeout = 10",
)
_SQLITE = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = OFF", "PRAGMA busy_timeout = 10000")
_SAVE, _RELEASE, _UNDO = "SAVEPOINT unit", "RELEASE SAVEPOINT unit", "ROLLBACK TO SAVEPOINT unit"
_CHECK = "SET CONSTRAINTS ALL IMMEDIATE"


class StatementError(Exception):
    """Error of a database about a statement; its text is the database's message, on one line."""


class RowsDatabase:
    """Connection in autocommit mode, through the driver itself.

    Attributes:
        dialect: "postgresql", "mysql" (also for MariaDB) or "sqlite".
    """

    def __init__(
        self, dialect: str, execute: Callable[[str], Any], close: Callable[[], None]
    ) -> None:
        self.dialect = dialect
        self._execute = execute
        self._close = close

    def query(self, sql: str) -> list[Sequence[Any]]:
        """Run a statement as it is; return its rows.

        Raises:
            StatementError: the database refuses it.
        """
        try:
            cursor = self._execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
        except Exception as error:  # each driver raises its own
            raise StatementError(_message(error)) from error

    def run(self, sql: str) -> None:
        """Run a statement as it is.

        Raises:
            StatementError: the database refuses it.
        """
        self.query(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end; on SQLite, where a trigger may end it, each `unit` commits itself."""
        if self.dialect == "sqlite":
            yield
            return
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(StatementError):
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Keep all statements in it or, if one raises, none."""
        begin, end, undo = _SAVE, _RELEASE, _UNDO
        if self.dialect == "sqlite":
            begin, end, undo = "BEGIN", "COMMIT", "ROLLBACK"
        self.run(begin)
        try:
            yield
            if self.dialect == "postgresql":
                self.run(_CHECK)
            self.run(end)
        except BaseException:
            with suppress(StatementError):  # a trigger has rolled back itself
                self.run(undo)
            if self.dialect == "postgresql":
                self.run(end)
            raise

    def attempt(self, sql: str) -> None:
        """Run a statement whose failure undoes nothing else.

        Raises:
            StatementError: the database refuses it.
        """
        if self.dialect != "postgresql":  # there a statement is kept or not as a whole
            self.run(sql)
            return
        try:  # in one message to the server
            self.run(f"{_SAVE}; {sql}; {_CHECK}; {_RELEASE}")
        except StatementError:
            self.run(f"{_UNDO}; {_RELEASE}")
            raise

    def set_mark(self) -> None:
        """Mark the state of a transaction to which `back_to_mark` returns."""
        if self.dialect == "postgresql":
            self.run("SAVEPOINT mark")

    def back_to_mark(self) -> None:
        """Undo what failed half-way, so that the transaction can go on."""
        if self.dialect == "postgresql":
            self.run("ROLLBACK TO SAVEPOINT mark")

    def remove_mark(self) -> None:
        """Keep what was done since the mark."""
        if self.dialect == "postgresql":
            self.run("RELEASE SAVEPOINT mark")

    def quoted(self, name: str) -> str:
        """Return an identifier as it is written in SQL."""
        mark = "`" if self.dialect == "mysql" else '"'
        return f"{mark}{name.replace(mark, mark * 2)}{mark}"

    def quoted_table(self, name: TableName) -> str:
        """Return a table's name as it is written in SQL."""
        return ".".join(self.quoted(part) for part in name if part)

    def source(self, table: RowTable) -> str:
        """Return a table as it is written after FROM, without the rows of tables that inherit."""
        only = "ONLY " if self.dialect == "postgresql" and not table.partitions else ""
        return only + self.quoted_table(table.name)

    def quoted_columns(self, names: Sequence[str]) -> str:
        """Return columns' names as they are listed in SQL."""
        return ", ".join(map(self.quoted, names))

    def close(self) -> None:
        """Disconnect."""
        self._close()

    def __enter__(self) -> RowsDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_rows_database(url: str) -> RowsDatabase:
    """Connect to the scratch database of a URL; a driver in the URL is ignored.

    Raises:
        ConnectionError: it cannot be opened.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    try:
        if backend == "sqlite":
            return sqlite_rows_database(sqlite3.connect(parsed.database or ":memory:"))
        if backend in ("mysql", "mariadb"):
            return _open_mysql(parsed)
    except (StatementError, sqlite3.Error) as error:
        raise ConnectionError(str(error)) from None
    if backend == "postgresql":
        from alembic_lockstep.scratch.postgres_connection import connect
        from alembic_lockstep.scratch.postgres_url import to_libpq

        return postgresql_rows_database(connect(to_libpq(url)))
    raise ConnectionError(f"rows cannot be put into databases of the dialect {backend}")


def sqlite_rows_database(connection: sqlite3.Connection) -> RowsDatabase:
    """Return a database over sqlite3's connection, which enforces foreign keys from now on."""
    connection.isolation_level = None
    connection.text_factory = lambda data: data.decode(errors="backslashreplace")
    return _prepared(RowsDatabase("sqlite", connection.execute, connection.close), _SQLITE)


def postgresql_rows_database(connection: Connection) -> RowsDatabase:
    """Return a database over psycopg's connection in autocommit mode."""

    def execute(sql: str) -> Any:
        return connection.execute(sql.encode(), prepare=False)

    return _prepared(RowsDatabase("postgresql", execute, connection.close), _POSTGRESQL)


def _open_mysql(url: URL) -> RowsDatabase:
    engine = create_engine(url.set(drivername="mysql+pymysql"), poolclass=NullPool)
    try:
        pooled = engine.raw_connection()
    except Exception as error:  # the driver's own, or that of its import
        raise StatementError(_message(error)) from None
    connection: Any = pooled.driver_connection
    connection.autocommit(True)

    def execute(sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor

    return _prepared(RowsDatabase("mysql", execute, pooled.close), _MYSQL)


def _prepared(database: RowsDatabase, settings: Sequence[str]) -> RowsDatabase:
    for statement in settings:
        database.run(statement)
    return database


def _message(error: Exception) -> str:
    code, *words = error.args or ("",)
    text = str(words[0]) if isinstance(code, int) and words else str(error)
    return " ".join(text.split())

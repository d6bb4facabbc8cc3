"""Connect to a live database, in a session that cannot write and does not wait for long."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.engine import URL

from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.rows import RowsDatabase

#: Seconds until a server has to answer; for a lock; for a statement.
_CONNECT, _LOCK, _STATEMENT = 10, 5, 30

# In one transaction, so that a pooler's session keeps nothing of it.
_POSTGRESQL = (
    "BEGIN TRANSACTION READ ONLY",
    f"SET LOCAL statement_timeout = '{_STATEMENT}s'",
    f"SET LOCAL lock_timeout = '{_LOCK}s'",
)
_MYSQL = (
    "SET SESSION TRANSACTION READ ONLY",
    f"SET SESSION lock_wait_timeout = {_LOCK}",
    "START TRANSACTION READ ONLY",
)
#: Options in a URL's query that PyMySQL has, too.
_PYMYSQL_OPTIONS = ("charset", "unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert")
#: Bytes of a SQLite file's header that say whether it keeps a write-ahead log.
_HEADER, _JOURNAL = b"SQLite format 3\0", slice(18, 20)


def open_live_database(address: DatabaseAddress) -> RowsDatabase:
    """Connect to a live database to read it.

    Raises:
        CouldNotJudge: it cannot be opened.
    """
    openers = {"mysql": _open_mysql, "postgresql": _open_postgresql, "sqlite": _open_sqlite}
    try:
        return openers[address.dialect](address)
    except CouldNotJudge:
        raise
    except Exception as error:  # each driver raises its own
        raise unreadable(address, error) from None


def unreadable(address: DatabaseAddress, error: Exception, fix: str = "") -> CouldNotJudge:
    """Return the message about a database that cannot be opened or read."""
    message = f"{address.shown} cannot be read: {address.explain(error)}; nothing was changed"
    return CouldNotJudge(message, fix=fix)


def _open_sqlite(address: DatabaseAddress) -> RowsDatabase:
    name = str(address.url.database)
    path = Path(name.removeprefix("file:").partition("?")[0])
    if not path.is_file():
        raise FileNotFoundError(f"there is no such file in {Path.cwd()}")
    mode = "mode=ro&immutable=1" if _is_at_rest(path) else "mode=ro"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_LOCK, isolation_level=None)
    connection.text_factory = lambda data: data.decode(errors="backslashreplace")
    return _begun("sqlite", connection.execute, connection.close, ("SELECT 1 FROM sqlite_master",))


def _is_at_rest(path: Path) -> bool:
    """Return whether a file with a write-ahead log is open nowhere.

    Else SQLite makes files beside it, which stay there, as the user who reads.
    """
    with path.open("rb") as file:
        header = file.read(_JOURNAL.stop)
    has_log = header.startswith(_HEADER) and header[_JOURNAL] == b"\2\2"
    return has_log and not Path(f"{path}-wal").exists()


def _open_postgresql(address: DatabaseAddress) -> RowsDatabase:
    try:
        import psycopg
        from psycopg.pq import Conninfo
    except ImportError:
        raise _no_driver("PostgreSQL", "postgres") from None
    query = {name: str(value) for name, value in address.url.query.items()}
    if "ssl" in query:  # asyncpg's
        query.setdefault("sslmode", query["ssl"])
    options = {option.keyword.decode() for option in Conninfo.get_defaults()}
    query = {name: value for name, value in query.items() if name in options}
    query = {"connect_timeout": str(_CONNECT), **query}
    plain = address.url.set(drivername="postgresql", query={})
    url = f"{plain.render_as_string(hide_password=False)}?{urlencode(query)}"
    connection = psycopg.connect(url, autocommit=True, application_name="alembic-lockstep")

    def execute(sql: str) -> Any:
        return connection.execute(sql.encode(), prepare=False)

    return _begun("postgresql", execute, connection.close, _POSTGRESQL)


def _open_mysql(address: DatabaseAddress) -> RowsDatabase:
    try:
        import pymysql
    except ImportError:
        raise _no_driver("MySQL and MariaDB", "mysql") from None
    connection = pymysql.connect(**_mysql_arguments(address.url))

    def execute(sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor

    return _begun("mysql", execute, connection.close, _MYSQL)


def _mysql_arguments(url: URL) -> dict[str, Any]:
    options = {name: url.query[name] for name in _PYMYSQL_OPTIONS if name in url.query}
    return {
        **options,
        "host": url.host or "localhost",
        "port": url.port or 3306,
        "user": url.username,
        "password": url.password or "",
        "database": url.database,
        "autocommit": True,
        "connect_timeout": _CONNECT,
        "read_timeout": _STATEMENT,
    }


def _begun(
    dialect: str,
    execute: Callable[[str], Any],
    close: Callable[[], None],
    settings: tuple[str, ...],
) -> RowsDatabase:
    try:
        for statement in settings:
            execute(statement)
    except BaseException:
        close()
        raise
    return RowsDatabase(dialect, execute, close)


def _no_driver(product: str, extra: str) -> CouldNotJudge:
    return CouldNotJudge(
        f"to read databases of {product}, this tool needs the extra '{extra}'",
        fix=f"pip install 'alembic-lockstep[{extra}]'",
    )

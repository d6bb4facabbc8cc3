"""Limit how long our own statements wait for a lock, and explain the error afterwards.

Databases wait for a lock without end by default (PostgreSQL) or for a year (MySQL). The project's
own statements keep the project's own timeouts.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from sqlalchemy.exc import DBAPIError

#: Seconds; far more than any statement of a scratch database's own takes.
PATIENCE = 20

#: For connections that are ours alone, by SQLAlchemy's dialect.
_SESSION = {
    "postgresql": (f"SET lock_timeout = '{PATIENCE}s'",),
    "mysql": (
        f"SET SESSION lock_wait_timeout = {PATIENCE}",
        f"SET SESSION innodb_lock_wait_timeout = {PATIENCE}",
    ),
    "sqlite": (f"PRAGMA busy_timeout = {PATIENCE * 1000}",),
}
_SESSION["mariadb"] = _SESSION["mysql"]

#: PostgreSQL's SQLSTATE, MySQL's number; SQLite has a message only.
_WAITED = {"55P03", "1205"}
_WORDS = "database is locked"


def limit_patience(connection: Any) -> None:
    """Limit how long statements of a connection of our own wait for a lock."""
    statements = _SESSION.get(connection.dialect.name, ())
    if statements:
        with connection.begin():
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextmanager
def be_patient(connection: Any) -> Iterator[None]:
    """Limit how long a connection of env.py's waits on PostgreSQL, and set it back afterwards.

    Not SET LOCAL, which does nothing in autocommit mode. After a failure the run is over.
    """
    (before,) = connection.exec_driver_sql("SHOW lock_timeout").one()
    connection.exec_driver_sql(f"SET lock_timeout = '{PATIENCE}s'")
    yield
    connection.exec_driver_sql(f"SET lock_timeout = '{before}'")


def has_waited(error: BaseException) -> bool:
    """Return whether a statement failed because it could not get a lock."""
    original = getattr(error, "orig", None)
    codes = [getattr(original, name, None) for name in ("sqlstate", "pgcode")]
    codes += list(getattr(original, "args", ()))[:1]
    return bool(_WAITED.intersection(map(str, codes))) or _WORDS in str(original)


def explained(error: Exception) -> str:
    """Return a database's error in a line, with the statement if that waited for a lock in vain."""
    message = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if isinstance(error, DBAPIError) and has_waited(error):
        statement = " ".join(str(error.statement).split())[:200]
        return f'{message}: "{statement}" waited {PATIENCE} seconds for a lock of another session'
    return message

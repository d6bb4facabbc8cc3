"""Make schemas that Alembic expects, without waiting for a transaction of env.py."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, List, Optional

from sqlalchemy import text

from .patience import be_patient

_PRESENT = "SELECT nspname FROM pg_namespace"
# Null where a schema of it exists.
_SEARCH_PATH = "SELECT CASE WHEN current_schema() IS NULL THEN current_setting('search_path') END"
_NAMES = re.compile(r'"((?:[^"]|"")+)"|([^\s,"]+)')


def make_schemas(connection: Any, names: Iterable[Optional[str]]) -> None:
    """Make the schemas that are missing; only PostgreSQL keeps them apart from databases.

    Uses env.py's own connection: a second one would wait for what its open transaction has made or
    locked. Where no transaction is open, none is left open.
    """
    if connection.dialect.name != "postgresql":
        return
    required = {name for name in names if name}
    with _transaction(connection):
        missing = _missing(connection, sorted(required | set(_selected(connection))))
        if missing:
            with be_patient(connection):
                _create(connection, missing)


def _selected(connection: Any) -> List[str]:
    """Return the schema that env.py or a connect option selected, if none of them exists.

    Without it nothing can be made: "no schema has been selected to create in".
    """
    path = connection.execute(text(_SEARCH_PATH)).scalar()
    names = [quoted.replace('""', '"') or plain for quoted, plain in _NAMES.findall(path or "")]
    return [name for name in names if name != "$user"][:1]


def _missing(connection: Any, required: List[str]) -> List[str]:
    present = {name for (name,) in connection.execute(text(_PRESENT))}
    return [name for name in required if name not in present]


def _create(connection: Any, names: List[str]) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    for name in names:
        statement = f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}"
        connection.execute(text(statement.replace(":", "\\:")))


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    """Use the transaction that is open, or else one of our own, committed at the end.

    SQLAlchemy 1.4 and 2 alike: `begin()` is refused only where a transaction is open.
    """
    if connection.in_transaction():
        yield
        return
    with connection.begin():
        yield

"""Schemas that Alembic expects to be there, made without waiting for a transaction of env.py."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterable, Iterator, List, Optional

from sqlalchemy import text

from .patience import be_patient

_PRESENT = "SELECT nspname FROM pg_namespace"


def make_schemas(connection: Any, names: Iterable[Optional[str]]) -> None:
    """Make the schemas that are missing; only PostgreSQL keeps them apart from databases.

    All of it happens on env.py's own connection: what its open transaction has made or locked, a
    second connection would wait for. Where no transaction is open, none is left open.
    """
    wanted = sorted({name for name in names if name})
    if not wanted or connection.dialect.name != "postgresql":
        return
    with _transaction(connection):
        missing = _missing(connection, wanted)
        if missing:
            with be_patient(connection):
                _create(connection, missing)


def _missing(connection: Any, wanted: List[str]) -> List[str]:
    present = {name for (name,) in connection.execute(text(_PRESENT))}
    return [name for name in wanted if name not in present]


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

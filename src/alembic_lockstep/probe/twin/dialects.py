"""Which databases can be read, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Set

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from .build import Lend
from .schema import Difference, Schema, Table


def _equip_with_nothing(_database: Connection, _twin: Connection) -> None:
    """The models need nothing that only migrations make."""


def _discard_nothing(_twin: Schema, _tables: Set[str]) -> List[str]:
    return []


def _lends_nothing(_database: Connection, _schema: Schema, _ddl: str) -> Lend:
    def lend(_twin: Connection, _error: SQLAlchemyError) -> bool:
        return False

    return lend


@dataclass(frozen=True)
class Dialect:
    """What is known of a dialect.

    Attributes:
        read: Reads what a database holds.
        cure: The SQL statements that cure a difference of the migrated database (the first schema)
            from what the models make (the second).
        equip: Gives the twin what only migrations make, before the models fill it.
        lender: Makes what gives it what it still lacks, from the migrated database, what was read
            of that, and the models' statements.
        discard: The statements that take out of a twin what models make, these tables above all.
        cures_in_stages: Whether cures have statements that come before or after all others.
        is_lost_in_batch: Whether Alembic's batch mode would lose something of a table.
    """

    read: Callable[[Connection], Schema]
    cure: Callable[[Difference, Schema, Schema], List[str]]
    equip: Callable[[Connection, Connection], None] = _equip_with_nothing
    lender: Callable[[Connection, Schema, str], Lend] = _lends_nothing
    discard: Callable[[Schema, Set[str]], List[str]] = _discard_nothing
    cures_in_stages: bool = False
    is_lost_in_batch: Callable[[Table], bool] = lambda _: False


def find_dialect(name: str) -> Optional[Dialect]:
    """What is known of SQLAlchemy's dialect of that name; None if nothing is."""
    if name == "sqlite":
        from . import sqlite

        return Dialect(sqlite.read, sqlite.cure, is_lost_in_batch=sqlite.is_lost_in_batch)
    if name == "postgresql":
        from . import postgresql

        return Dialect(
            postgresql.read,
            postgresql.cure,
            postgresql.equip,
            postgresql.Lender,
            postgresql.discard,
            cures_in_stages=True,
        )
    if name in ("mysql", "mariadb"):
        from . import mysql

        return Dialect(mysql.read, mysql.cure, mysql.equip, discard=mysql.discard)
    return None

"""Which databases can be read, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Set

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from .build import CreateMissing
from .schema import DatabaseSchema, SchemaDifference, TableSchema


def _copy_nothing(_database: Connection, _twin: Connection) -> None:
    """The models need nothing that only migrations make."""


def _discard_nothing(_twin: DatabaseSchema, _tables: Set[str]) -> List[str]:
    return []


def _creates_nothing(_database: Connection, _schema: DatabaseSchema, _ddl: str) -> CreateMissing:
    def create_missing(_twin: Connection, _error: SQLAlchemyError) -> bool:
        return False

    return create_missing


@dataclass(frozen=True)
class TwinDialect:
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

    read: Callable[[Connection], DatabaseSchema]
    fix_statements: Callable[[SchemaDifference, DatabaseSchema, DatabaseSchema], List[str]]
    copy_prerequisites: Callable[[Connection, Connection], None] = _copy_nothing
    missing_objects: Callable[[Connection, DatabaseSchema, str], CreateMissing] = _creates_nothing
    discard_statements: Callable[[DatabaseSchema, Set[str]], List[str]] = _discard_nothing
    fixes_in_stages: bool = False
    is_lost_in_batch: Callable[[TableSchema], bool] = lambda _: False


def find_dialect(name: str) -> Optional[TwinDialect]:
    """What is known of SQLAlchemy's dialect of that name; None if nothing is."""
    if name == "sqlite":
        from . import sqlite

        return TwinDialect(
            sqlite.read, sqlite.fix_statements, is_lost_in_batch=sqlite.is_lost_in_batch
        )
    if name == "postgresql":
        from . import postgresql

        return TwinDialect(
            postgresql.read,
            postgresql.fix_statements,
            postgresql.copy_prerequisites,
            postgresql.MissingObjects,
            postgresql.discard_statements,
            fixes_in_stages=True,
        )
    if name in ("mysql", "mariadb"):
        from . import mysql

        return TwinDialect(
            mysql.read,
            mysql.fix_statements,
            mysql.copy_prerequisites,
            discard_statements=mysql.discard_statements,
        )
    return None

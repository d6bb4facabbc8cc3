"""Register the dialects whose databases can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Set

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from .build import CreateMissing
from .schema import DatabaseSchema, SchemaDifference, TableSchema


def _copy_nothing(_database: Connection, _twin: Connection) -> None:
    """Copy nothing: the models need nothing that only migrations make."""


def _discard_nothing(_twin: DatabaseSchema, _tables: Set[str]) -> List[str]:
    return []


def _creates_nothing(_database: Connection, _schema: DatabaseSchema, _ddl: str) -> CreateMissing:
    def create_missing(_twin: Connection, _error: SQLAlchemyError) -> bool:
        return False

    return create_missing


@dataclass(frozen=True)
class TwinDialect:
    """Functions that read and fix databases of a dialect.

    Attributes:
        read: Reads the schema of a database.
        fix_statements: Returns the SQL statements that fix a difference of the migrated database
            (the first schema) from the twin (the second).
        copy_prerequisites: Copies to the twin what only migrations make, before the models fill it.
        missing_objects: Returns a function that creates in the twin what it still lacks, from the
            migrated database, its schema and the models' statements.
        discard_statements: Returns statements that drop tables, types and sequences of a twin.
        fixes_in_stages: Fixes may have statements that come before or after all others.
        alembic_fails: Returns whether Alembic's code for a difference is refused or spoils rows.
        is_lost_in_batch: Returns whether Alembic's batch mode would lose a part of a table.
    """

    read: Callable[[Connection], DatabaseSchema]
    fix_statements: Callable[[SchemaDifference, DatabaseSchema, DatabaseSchema], List[str]]
    copy_prerequisites: Callable[[Connection, Connection], None] = _copy_nothing
    missing_objects: Callable[[Connection, DatabaseSchema, str], CreateMissing] = _creates_nothing
    discard_statements: Callable[[DatabaseSchema, Set[str]], List[str]] = _discard_nothing
    fixes_in_stages: bool = False
    is_lost_in_batch: Callable[[TableSchema], bool] = lambda _: False
    alembic_fails: Callable[[SchemaDifference], bool] = lambda _: False


def find_dialect(name: str) -> Optional[TwinDialect]:
    """Return the functions of SQLAlchemy's dialect of that name; None if it cannot be read."""
    if name == "sqlite":
        from . import sqlite

        return TwinDialect(
            sqlite.read,
            sqlite.fix_statements,
            is_lost_in_batch=sqlite.is_lost_in_batch,
            alembic_fails=sqlite.alembic_fails,
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
            alembic_fails=postgresql.alembic_fails,
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

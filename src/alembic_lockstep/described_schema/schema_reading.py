"""Read the schema of a scratch database."""

from __future__ import annotations

from alembic_lockstep.described_schema.mysql_parts import mysql_parts
from alembic_lockstep.described_schema.postgresql_parts import postgresql_parts
from alembic_lockstep.described_schema.schema_parts import SchemaPart
from alembic_lockstep.described_schema.sqlite_parts import sqlite_parts
from alembic_lockstep.rows import RowsDatabase

_READERS = {"mysql": mysql_parts, "postgresql": postgresql_parts, "sqlite": sqlite_parts}


def read_schema(database: RowsDatabase) -> frozenset[SchemaPart]:
    """Return the parts of a database's schema.

    Raises:
        StatementError: the catalogue cannot be read.
    """
    return frozenset(_READERS[database.dialect](database))

"""Read the tables of a database that rows can be put into."""

from __future__ import annotations

from collections.abc import Collection

from alembic_lockstep.rows.described_tables import Tables
from alembic_lockstep.rows.mysql_catalogue import read_mysql_tables
from alembic_lockstep.rows.postgresql_catalogue import read_postgresql_tables
from alembic_lockstep.rows.rows_database import RowsDatabase
from alembic_lockstep.rows.sqlite_catalogue import read_sqlite_tables

_READERS = {
    "mysql": read_mysql_tables,
    "postgresql": read_postgresql_tables,
    "sqlite": read_sqlite_tables,
}
#: Alembic's own table, unless env.py names it otherwise.
VERSION_TABLE = "alembic_version"


def read_tables(
    database: RowsDatabase, version_tables: Collection[str] = (VERSION_TABLE,)
) -> Tables:
    """Return the tables of all schemas, but for Alembic's own.

    Raises:
        StatementError: the catalogue cannot be read.
    """
    tables = _READERS[database.dialect](database)
    return {name: table for name, table in tables.items() if name.name not in version_tables}

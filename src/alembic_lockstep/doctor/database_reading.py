"""What a live database says of itself: the revisions that it is at, and its schema."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from alembic_lockstep.described_schema import SchemaPart, read_schema
from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.doctor.live_database import open_live_database, unreadable
from alembic_lockstep.rows import RowsDatabase, StatementError, TableName

_USUAL_TABLE, _COLUMN = "alembic_version", "version_num"


@dataclass(frozen=True)
class LiveFacts:
    """The facts about a live database.

    Attributes:
        address: Where it is.
        version_table: Alembic's table; "" if there is none.
        revisions: The ids in that table, sorted.
        schema: The parts of the schema, without Alembic's table.
    """

    address: DatabaseAddress
    version_table: str
    revisions: tuple[str, ...]
    schema: frozenset[SchemaPart]

    @property
    def tables(self) -> list[str]:
        """Return the names of its tables, but for Alembic's."""
        return sorted(part.name for part in self.schema if part.kind == "table")


def read_live_database(address: DatabaseAddress) -> LiveFacts:
    """Read a live database; the session ends before this returns.

    Raises:
        CouldNotJudge: it cannot be opened or read.
    """
    with open_live_database(address) as database:
        try:
            schema = read_schema(database)
        except StatementError as error:
            raise unreadable(address, error) from None
        table = find_version_table(schema)
        revisions = _read_revisions(database, table, address) if table else ()
    return LiveFacts(address, table, revisions, without_version_table(schema, table))


def find_version_table(schema: Collection[SchemaPart]) -> str:
    """Return the table in which Alembic notes revisions, whatever its name; "" if there is none."""
    columns: dict[str, set[str]] = {}
    for part in schema:
        if part.kind == "column":
            columns.setdefault(part.owner, set()).add(part.name)
    tables = sorted(table for table, names in columns.items() if names == {_COLUMN})
    return next((table for table in tables if table == _USUAL_TABLE), next(iter(tables), ""))


def without_version_table(schema: Collection[SchemaPart], table: str) -> frozenset[SchemaPart]:
    """Return a schema without the parts of Alembic's table."""
    return (
        frozenset(
            part
            for part in schema
            if part.owner != table and (part.kind, part.name) != ("table", table)
        )
        if table
        else frozenset(schema)
    )


def _read_revisions(
    database: RowsDatabase, table: str, address: DatabaseAddress
) -> tuple[str, ...]:
    schema, _, name = table.rpartition(".")
    source = database.quoted_table(TableName(schema, name))
    try:
        rows = database.query(f"SELECT {_COLUMN} FROM {source}")  # noqa: S608 - a quoted name
    except StatementError as error:
        grant = ""
        if database.dialect == "postgresql":  # MySQL does not even list such a table
            grant = f"GRANT SELECT ON {source} TO {database.quoted(address.url.username or '…')};"
        raise unreadable(address, error, fix=grant) from None
    return tuple(sorted(str(revision) for (revision,) in rows))

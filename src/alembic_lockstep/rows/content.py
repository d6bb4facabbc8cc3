"""Read rows as text, to compare them later with what migrations made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.rows.described_tables import RowColumn, RowTable, TableName
from alembic_lockstep.rows.row_catalogue import VERSION_TABLE, read_tables
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError

#: A value as text; None is NULL.
Value = str | None

#: How many rows of a table are read, and how many characters of a value are kept.
MOST_ROWS, MOST_CHARACTERS = 1000, 10_000
_BINARY = {"bytes", "bits"}


@dataclass(frozen=True)
class ReadColumn:
    """Column of a table that was read.

    Attributes:
        kind: The family of its type, such as "text".
        spelling: Its type in SQL.
        labels: Those of an enum.
        is_computed: The server computes its values.
        is_touched: The server may set its value whenever a row is updated.
    """

    name: str
    kind: str
    spelling: str
    labels: tuple[str, ...] = ()
    is_computed: bool = False
    is_touched: bool = False


@dataclass(frozen=True)
class ReadTable:
    """Rows of a table.

    Attributes:
        key: The columns of its primary key; none if there is none.
        rows: Values in the order of the columns; at most `MOST_ROWS` rows, ordered by the key.
        count: How many rows the table holds.
        reason: Why it could not be read; empty if it was.
    """

    name: TableName
    columns: tuple[ReadColumn, ...]
    key: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    count: int
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Return whether all rows were read."""
        return len(self.rows) == self.count

    def column(self, name: str) -> ReadColumn:
        """Return the column of a name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Rows:
    """Rows of tables.

    Attributes:
        tables: The tables that were read.
        names: All tables of the database.
    """

    tables: dict[TableName, ReadTable]
    names: frozenset[TableName]

    def as_json(self) -> dict[str, Any]:
        """Return the rows by table, for JSON."""
        return {
            str(name): {
                "columns": [column.name for column in table.columns],
                "key": list(table.key),
                "rows": [list(row) for row in table.rows],
                "count": table.count,
            }
            for name, table in self.tables.items()
        }


def read_rows(
    database: RowsDatabase,
    names: Collection[TableName] | None = None,
    before: Rows | None = None,
    version_tables: Collection[str] = (VERSION_TABLE,),
) -> Rows:
    """Return the rows of tables.

    Args:
        names: The tables; all if None. Names that the database has not are left out.
        before: What was read before, instead of names: its tables, and new ones, are read.

    Raises:
        StatementError: the catalogue cannot be read, or the connection was lost.
    """
    tables = read_tables(database, version_tables)
    chosen = set(tables) if names is None else tables.keys() & set(names)
    if before:
        chosen = {name for name in tables if name in before.tables or name not in before.names}
    return Rows({name: _read(database, tables[name]) for name in sorted(chosen)}, frozenset(tables))


def _read(database: RowsDatabase, table: RowTable) -> ReadTable:
    columns = tuple(
        ReadColumn(
            column.name,
            column.type.kind,
            column.type.spelling,
            column.type.labels,
            column.is_computed,
            column.is_touched or (table.has_triggers and column.type.kind == "timestamp"),
        )
        for column in table.columns
    )
    listed = ", ".join(_text(database, column) for column in table.columns)
    source = database.source(table)
    order = f" ORDER BY {database.quoted_columns(table.primary_key)}" if table.primary_key else ""
    try:
        rows = database.query(f"SELECT {listed} FROM {source}{order} LIMIT {MOST_ROWS + 1}")
        count = len(rows)
        if count > MOST_ROWS:
            ((count,),) = database.query(f"SELECT count(*) FROM {source}")
    except StatementError as error:
        return ReadTable(table.name, columns, table.primary_key, (), 0, str(error))
    values = tuple(tuple(map(_value, row)) for row in rows[:MOST_ROWS])
    return ReadTable(table.name, columns, table.primary_key, values, count)


def _text(database: RowsDatabase, column: RowColumn) -> str:
    """Return SQL for a column's value as text."""
    name = database.quoted(column.name)
    if database.dialect == "postgresql":
        return f"{name}::text"
    if database.dialect == "sqlite":
        return name
    is_shape = column.type.kind.endswith(("point", "string", "polygon", "geometry", "collection"))
    if column.type.kind in _BINARY or is_shape:
        return f"CONCAT('\\\\x', LOWER(HEX({name})))"
    return f"CAST({name} AS CHAR)"


def _value(value: object) -> Value:
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        text = f"\\x{bytes(value).hex()}"
    else:
        text = repr(value) if isinstance(value, float) else str(value)
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}… {hashlib.sha256(text.encode()).hexdigest()}"


def shown(values: Sequence[Value], length: int = 60) -> str:
    """Return values as a message shows them, cut where they are long."""
    texts = ["NULL" if value is None else repr(value) for value in values]
    text = ", ".join(texts)
    return text if len(text) <= length else f"{text[: length - 1]}…"

"""Rows for the tables of a kind of change, and what is left of them after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

#: The actions of foreign keys to the table that changes, by the table that has them.
CHILDREN = {"cascading": "CASCADE", "nulling": "SET NULL", "child": None}
# CHECKs of the kinds ask for more than 1.
NUMBERS = (2, 3)

Rows = dict[str, list[tuple[Any, ...]]]


def add_children(*models: sa.MetaData) -> bool:
    """Add tables that refer to `game.id`, if all models have that key."""
    if not all(_is_referable(metadata.tables.get("game")) for metadata in models):
        for metadata in models:
            _child(metadata)
        return False
    for metadata in models:
        for name, action in CHILDREN.items():
            key: Any = sa.ForeignKey("game.id", ondelete=action)
            _child(metadata, sa.Column("game_id", sa.Integer, key), name=name)
    return True


def _child(metadata: sa.MetaData, *parts: Any, name: str = "child") -> None:
    key = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    sa.Table(name, metadata, key, sa.Column("note", sa.Integer), *parts)


def _is_referable(table: sa.Table | None) -> bool:
    if table is None or table._prefixes:  # what is logged cannot refer to what is not
        return False
    if table.kwargs.get("mariadb_engine") or table.schema:
        return False
    if any(name.endswith("partition_by") for name in table.kwargs):
        return False
    return table.primary_key.columns.keys() == ["id"]


def fill(connection: sa.Connection, models: sa.MetaData, wanted: sa.MetaData) -> None:
    """Insert rows that the models and the wanted models allow."""
    for table in models.sorted_tables:
        target = wanted.tables.get(table.key, table)
        for number in NUMBERS:
            values = {
                column.name: _value(column, target.columns.get(column.name, column), number)
                for column in table.columns
                if column.computed is None
            }
            insert = sa.insert(
                sa.table(table.name, *map(_bare, table.columns), schema=table.schema)
            )
            connection.execute(insert.values(values))
    connection.commit()


def _bare(column: sa.Column[Any]) -> sa.ColumnClause[Any]:
    return sa.column(column.name, column.type)


def _value(column: sa.Column[Any], target: sa.Column[Any], number: int) -> Any:
    kind: Any = column.type
    if isinstance(kind, sa.Enum):
        labels = getattr(target.type, "enums", kind.enums)
        return next(label for label in kind.enums if label in labels)
    if isinstance(kind, sa.String):
        return str(number)
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 1, number)
    assert isinstance(kind, (sa.Integer, sa.Numeric, postgresql.DOMAIN)), kind
    return number


def rows_of(connection: sa.Connection, *models: sa.MetaData, ordered: bool = True) -> Rows:
    """Return the rows of the tables and columns that all models have, computed ones left out.

    Args:
        ordered: Some types have no order.
    """
    rows: Rows = {
        key: [
            tuple(map(_comparable, row))
            for row in connection.execute(_query(table, columns, ordered)).fetchall()
        ]
        for key, table, columns in _common(models)
    }
    connection.rollback()
    return rows


def _query(table: sa.Table, columns: list[str], ordered: bool) -> sa.Select[Any]:
    bare: list[Any] = [sa.column(name) for name in columns]
    query = sa.select(*bare).select_from(sa.table(table.name, schema=table.schema))
    return query.order_by(*bare) if ordered else query


def _comparable(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _common(models: tuple[sa.MetaData, ...]) -> Iterator[tuple[str, sa.Table, list[str]]]:
    for key in set.intersection(*(set(metadata.tables) for metadata in models)):
        tables = [metadata.tables[key] for metadata in models]
        names = set.intersection(*({*table.columns.keys()} for table in tables))
        columns = sorted(
            name for name in names if all(table.columns[name].computed is None for table in tables)
        )
        if columns:
            yield key, tables[0], columns

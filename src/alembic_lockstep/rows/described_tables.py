"""Describe tables as far as rows for them need it: columns, keys, references, conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class TableName(NamedTuple):
    """Name of a table; the schema is empty for the connection's default one."""

    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(filter(None, self))


@dataclass(frozen=True)
class ValueType:
    """Type of a column's values.

    Attributes:
        kind: The family, such as "text", "integer" or "timestamp"; else the server's name.
        spelling: The type in SQL, for casts.
        length: Characters, bytes, bits or dimensions; None if they are not limited.
        precision: Digits of a decimal, or those of a fraction of a second.
        scale: Digits of a decimal after its point.
        low: The least integer.
        high: The greatest integer.
        labels: Those of an enum, or the members of a set.
        element: The type of an array's elements or of a range's bounds.
        fields: The types in a composite type.
    """

    kind: str
    spelling: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    low: int = 0
    high: int = 0
    labels: tuple[str, ...] = ()
    element: ValueType | None = None
    fields: tuple[ValueType, ...] = ()


@dataclass(frozen=True)
class RowColumn:
    """Column of a table.

    Attributes:
        default: The default in SQL; empty if there is none.
        is_counted: The server counts the values: identity, serial, AUTO_INCREMENT, rowid.
        is_computed: The server computes the values, and accepts none.
        is_touched: The server sets the value whenever the row is updated.
        position: Counts the columns of the table from 0.
    """

    name: str
    type: ValueType
    is_nullable: bool
    default: str = ""
    is_counted: bool = False
    is_computed: bool = False
    is_touched: bool = False
    position: int = 0


@dataclass(frozen=True)
class UniqueKey:
    """Columns of which no two rows have the same values.

    Attributes:
        is_primary: It is the primary key.
        is_loose: It holds for expressions of the columns, for some rows, or excludes overlaps.
        counts_nulls: Two NULLs are equal.
    """

    columns: tuple[str, ...]
    is_primary: bool = False
    is_loose: bool = False
    counts_nulls: bool = False


@dataclass(frozen=True)
class Reference:
    """Foreign key: columns, and those of another table whose values they repeat."""

    columns: tuple[str, ...]
    table: TableName
    targets: tuple[str, ...]
    is_deferrable: bool = False


@dataclass(frozen=True)
class Condition:
    """SQL that no row may make false: of a CHECK, a domain or a partition.

    Attributes:
        columns: The columns that it mentions.
    """

    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class RowTable:
    """Table that rows can be put into.

    Attributes:
        partitions: The names of its partitions, of all levels.
        has_triggers: Triggers run when a row is updated.
        obstacle: Why it can hold no row; empty if nothing is known to hinder.
    """

    name: TableName
    columns: tuple[RowColumn, ...]
    keys: tuple[UniqueKey, ...] = ()
    references: tuple[Reference, ...] = ()
    conditions: tuple[Condition, ...] = ()
    partitions: tuple[TableName, ...] = ()
    has_triggers: bool = False
    obstacle: str = ""

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Return the columns of the primary key; none if there is none."""
        return next((key.columns for key in self.keys if key.is_primary), ())

    def column(self, name: str) -> RowColumn:
        """Return the column of a name."""
        return next(column for column in self.columns if column.name == name)


#: From names to tables.
Tables = dict[TableName, RowTable]

"""Look for the columns and tables that took the place of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from alembic_lockstep.rows.content import ReadColumn, ReadTable, Rows, Value
from alembic_lockstep.rows.described_tables import TableName
from alembic_lockstep.rows.row_matching import Row, match_rows, shared_positions
from alembic_lockstep.rows.surviving_values import survives

#: Kinds whose values can be kept in a column of another of them.
_ALIKE = (
    {"text", "citext", "enum", "set", "uuid"},
    {"integer", "decimal", "float", "boolean", "money"},
    {"date", "timestamp", "time"},
    {"json", "array", "hstore"},
)
#: How like names have to be where types alone say little.
_LEAST_LIKENESS = 0.3


class Successors:
    """What is new after migrations."""

    def __init__(self, before: Rows, after: Rows) -> None:
        self._before = before
        self._after = after
        self._new_tables = [
            table for name, table in after.tables.items() if name not in before.names
        ]

    def renamed_table(self, table: ReadTable) -> ReadTable | None:
        """Return the new table that has all rows of one that is gone, in most of its columns."""
        if table.name in self._after.names:
            return None
        for candidate in self._new_tables:
            shared = shared_positions(table, candidate)
            if 2 * len(shared) >= len(table.columns) and not match_rows(table, candidate).lost:
                return candidate
        return None

    def fitting_table(self, table: ReadTable) -> TableName | None:
        """Return the new table that has most columns of one that is gone, but not its rows."""
        counts = [(len(shared_positions(table, new)), new.name) for new in self._new_tables]
        count, name = max(counts, default=(0, None), key=lambda pair: pair[0])
        return name if 2 * count >= len(table.columns) else None

    def holds_values(
        self,
        column: ReadColumn,
        pairs: Sequence[tuple[Value, Row]],
        before: ReadTable,
        after: ReadTable,
    ) -> bool:
        """Return whether a new column of the table has the values of one that is gone."""
        return bool(pairs) and any(
            all(survives(value, row[position], column, new) for value, row in pairs)
            for position, new in _new_columns(before, after)
        )

    def is_moved(self, values: Sequence[Value]) -> bool:
        """Return whether a new column of another table has all different values of a column."""
        distinct = set(values)
        if len(distinct) < 2:
            return False
        return any(
            distinct <= {row[position] for row in table.rows}
            for table in self._after.tables.values()
            for position, _ in self._columns_not_before(table)
        )

    def fitting_column(self, column: ReadColumn, before: ReadTable, after: ReadTable) -> str:
        """Return the new column that may be meant as a new name for one that is gone; or ""."""
        fitting = [new for _, new in _new_columns(before, after) if _are_alike(column, new)]
        likeness = [
            SequenceMatcher(None, column.name.lower(), new.name.lower()).ratio() for new in fitting
        ]
        best = max(likeness, default=0.0)
        if not fitting or (len(fitting) > 1 and best < _LEAST_LIKENESS):
            return ""
        return fitting[likeness.index(best)].name

    def _columns_not_before(self, table: ReadTable) -> Iterator[tuple[int, ReadColumn]]:
        old = self._before.tables.get(table.name)
        return _new_columns(old, table) if old else iter(enumerate(table.columns))


def _new_columns(before: ReadTable, after: ReadTable) -> Iterator[tuple[int, ReadColumn]]:
    names = {column.name for column in before.columns}
    return (
        (position, column)
        for position, column in enumerate(after.columns)
        if column.name not in names
    )


def _are_alike(old: ReadColumn, new: ReadColumn) -> bool:
    same = old.kind == new.kind
    return same or any(old.kind in kinds and new.kind in kinds for kinds in _ALIKE)

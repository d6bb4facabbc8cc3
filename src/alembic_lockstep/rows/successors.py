"""Look for the columns and tables that took the place of others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
        """Return the new table that has all rows of one that is gone, in most of its columns.

        Of several, as when like tables are renamed together, it is the one with most of the values.
        """
        if table.name in self._after.names:
            return None
        candidates = {
            candidate.name: candidate
            for candidate in self._new_tables
            if 2 * len(shared_positions(table, candidate)) >= len(table.columns)
        }
        matchings = {name: match_rows(table, each) for name, each in candidates.items()}
        counts = {
            name: _surviving(table, candidates[name], matching.pairs)
            for name, matching in matchings.items()
            if not matching.lost
        }
        return candidates[max(counts, key=lambda name: counts[name])] if counts else None

    def fitting_table(self, table: ReadTable) -> TableName | None:
        """Return the new table that has most columns of one that is gone, but not its rows."""
        counts = [(len(shared_positions(table, new)), new.name) for new in self._new_tables]
        count, name = max(counts, default=(0, None), key=lambda pair: pair[0])
        return name if 2 * count >= len(table.columns) else None

    def columns_with_values(
        self, position: int, pairs: Sequence[tuple[Row, Row]], before: ReadTable, after: ReadTable
    ) -> list[str]:
        """Return the new columns of the table that have the values of one that is gone."""
        column = before.columns[position]
        values = [(row[position], other) for row, other in pairs if row[position] is not None]
        return [
            new.name
            for number, new in _new_columns(before, after)
            if values and all(survives(old, row[number], column, new) for old, row in values)
        ]

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

    def fitting_column(
        self, column: ReadColumn, before: ReadTable, after: ReadTable, taken: Collection[str]
    ) -> str:
        """Return the new column that may be meant as a new name for one that is gone; or "".

        Args:
            taken: Names of new columns that have the values of others.
        """
        fitting = [
            new
            for _, new in _new_columns(before, after)
            if new.name not in taken and _are_alike(column, new)
        ]
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


def _surviving(before: ReadTable, after: ReadTable, pairs: Sequence[tuple[Row, Row]]) -> int:
    """Return how many values are the same in the columns of the same name."""
    return sum(
        survives(row[old], other[new], before.columns[old], after.columns[new])
        for old, new in shared_positions(before, after)
        for row, other in pairs
    )


def _are_alike(old: ReadColumn, new: ReadColumn) -> bool:
    same = old.kind == new.kind
    return same or any(old.kind in kinds and new.kind in kinds for kinds in _ALIKE)

"""Compare rows before and after migrations: what vanished, changed, was cut or dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from alembic_lockstep.rows.content import ReadColumn, ReadTable, Rows, Value, shown
from alembic_lockstep.rows.described_tables import TableName
from alembic_lockstep.rows.row_matching import Matching, Row, match_rows, shared_positions
from alembic_lockstep.rows.successors import Successors
from alembic_lockstep.rows.surviving_values import is_cut, survives

#: Kinds of a `RowChange`.
ROWS_VANISHED, VALUE_CHANGED, VALUE_CUT = "rows-vanished", "value-changed", "value-cut"
NULLED, COLUMN_DROPPED, TABLE_DROPPED = "nulled", "column-dropped", "table-dropped"
COLUMN_COMPUTED = "column-computed"


@dataclass(frozen=True)
class RowChange:
    """Data of a table, or of a column, that did not survive.

    Attributes:
        kind: "rows-vanished", "value-changed", "value-cut", "nulled", "column-dropped",
            "column-computed" (the server now computes what it held) or "table-dropped".
        column: Empty where rows or the table are gone.
        rows: How many rows it happened to; of a dropped column, how many held a value.
        total: How many rows there were.
        before: An example: the value, or for vanished rows the key.
        after: What became of it.
        successor: A new column or table that fits, but holds other values: perhaps a rename that
            drops and adds.
    """

    kind: str
    table: TableName
    column: str
    rows: int
    total: int
    before: str = ""
    after: str = ""
    successor: str = ""


def compare_rows(before: Rows, after: Rows) -> list[RowChange]:
    """Return what did not survive of the rows of before; new columns and rows are ignored.

    Args:
        after: What `read_rows(…, before=before)` returned.
    """
    successors = Successors(before, after)
    changes: list[RowChange] = []
    for name, table in before.tables.items():
        if not table.rows:
            continue
        present = after.tables.get(name) or successors.renamed_table(table)
        if present is None:
            example = shown(table.rows[0])
            successor = str(successors.fitting_table(table) or "")
            count = table.count
            changes.append(
                RowChange(TABLE_DROPPED, name, "", count, count, example, successor=successor)
            )
        elif not present.reason:
            changes += _TableComparison(table, present, successors).changes()
    return changes


class _TableComparison:
    """A table before and after."""

    def __init__(self, before: ReadTable, after: ReadTable, successors: Successors) -> None:
        self._before = before
        self._after = after
        self._successors = successors
        self._matching: Matching = match_rows(before, after)

    def changes(self) -> Iterator[RowChange]:
        """Yield what did not survive, rows first."""
        vanished, lost = self._matching.vanished, self._matching.lost
        if lost:
            example = self._shown_key(vanished[0]) if vanished else ""
            yield self._change(ROWS_VANISHED, "", lost, example)
        shared = shared_positions(self._before, self._after)
        for old, new in shared:
            yield from self._column_changes(old, new)
        remaining = {old for old, _ in shared}
        gone = [
            position
            for position, column in enumerate(self._before.columns)
            if position not in remaining and not column.is_computed
        ]
        holders = {position: self._holders(position) for position in gone}
        taken = {name for names in holders.values() for name in names}
        for position in gone:
            if not holders[position]:
                yield from self._dropped_column(position, taken)

    def _holders(self, position: int) -> list[str]:
        pairs = self._matching.pairs
        return self._successors.columns_with_values(position, pairs, self._before, self._after)

    def _column_changes(self, old: int, new: int) -> Iterator[RowChange]:
        before, after = self._before.columns[old], self._after.columns[new]
        if before.is_computed:
            return
        if before.is_touched and before.spelling == after.spelling:
            return
        values = [(row[old], other[new]) for row, other in self._matching.pairs]
        changed = [pair for pair in values if not survives(*pair, before, after)]
        if after.is_computed:
            if changed:
                example = (shown([value]) for value in changed[0])
                yield self._change(COLUMN_COMPUTED, before.name, len(changed), *example)
            return
        if before.name in self._before.key and before.spelling != after.spelling:
            return  # a key of another kind: its rows were matched by all else
        if not changed or _is_relabelled(values, changed, before, after):
            return
        nulled = [pair for pair in changed if pair[1] is None]
        cut = [pair for pair in changed if is_cut(*pair)]
        other = [pair for pair in changed if pair not in nulled and pair not in cut]
        for kind, pairs in ((NULLED, nulled), (VALUE_CUT, cut), (VALUE_CHANGED, other)):
            if pairs:
                example = (shown([value]) for value in pairs[0])
                yield self._change(kind, before.name, len(pairs), *example)

    def _dropped_column(self, position: int, taken: Collection[str]) -> Iterator[RowChange]:
        column = self._before.columns[position]
        values = [row[position] for row in self._before.rows if row[position] is not None]
        if not values or self._successors.is_moved(values):
            return
        successor = self._successors.fitting_column(column, self._before, self._after, taken)
        yield self._change(
            COLUMN_DROPPED, column.name, len(values), shown([values[0]]), successor=successor
        )

    def _change(
        self,
        kind: str,
        column: str,
        rows: int,
        before: str = "",
        after: str = "",
        successor: str = "",
    ) -> RowChange:
        name, total = self._before.name, self._before.count
        return RowChange(kind, name, column, rows, total, before, after, successor)

    def _shown_key(self, row: Row) -> str:
        names = [column.name for column in self._before.columns]
        key = self._before.key
        return shown([row[names.index(name)] for name in key] if key else row)


def _is_relabelled(
    values: Sequence[tuple[Value, Value]],
    changed: Sequence[tuple[Value, Value]],
    before: ReadColumn,
    after: ReadColumn,
) -> bool:
    """Return whether the changed values are labels that are gone, each now another label."""
    if not before.labels and not after.labels:
        return False
    labels: set[Value] = {*after.labels} or {value for _, value in values}
    names = dict(changed)
    is_steady = all(names[old] == new for old, new in changed)
    return is_steady and all(old not in labels and new in labels for old, new in changed)

"""Plan the rows of a table: which literals stand together in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product

from alembic_lockstep.rows.column_choices import MOST_LABELS, Choice
from alembic_lockstep.rows.condition_judge import NULL, RowJudge
from alembic_lockstep.rows.described_tables import Reference, RowTable, UniqueKey

#: From columns to literals.
Row = dict[str, str]
#: Literals of the referenced columns, in the order of a reference's targets.
Parents = dict[Reference, list[tuple[str, ...]]]

FEWEST_ROWS = 5
#: How many variations of a row are considered.
_MOST_VARIATIONS = 350
#: How many literals of a column vary together with those of another.
_MOST_PAIRED = 9


class RowPlan:
    """The rows of a table before the database has seen them.

    Args:
        choices: For the columns that get values.
        parents: What the table's references may refer to; those that are left out become NULL.
        fixed: Literals that the first row must have, and others may refer to.
    """

    def __init__(
        self, table: RowTable, choices: dict[str, Choice], parents: Parents, fixed: Row
    ) -> None:
        self._table = table
        self._choices = choices
        self._parents = parents
        self._fixed = fixed
        self._references = [
            reference
            for reference in sorted(table.references, key=lambda r: -len(r.columns))
            if all(name in choices for name in reference.columns)
        ]
        self._keys = [k for k in table.keys if k.columns and all(n in choices for n in k.columns)]

    def rows(self, judge: RowJudge) -> list[Row]:
        """Return rows that keep unique keys, references and conditions, as far as is known."""
        labels = max((len(choice.labels) for choice in self._choices.values()), default=0)
        count = max(FEWEST_ROWS, min(labels, MOST_LABELS) + 2)
        drafts = (self._draft(number) for number in range(count))
        rows: list[Row] = []
        for draft in drafts:
            row = draft and self._distinct(draft, rows)
            if row is not None:
                rows.append(row)
        return self._satisfying(rows, judge)

    def variations(self, row: Row, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Yield rows that differ from one, first in one column, then in several.

        Args:
            columns: The columns that may differ, most promising first; all if None.
        """
        names = list(self._choices) if columns is None else columns
        groups = self._groups(names)
        for group in groups:
            yield from (self._merged(row, *change) for change in group)
        cleared = {name: NULL for name in names if self._is_nullable(name)}
        yield {**row, **cleared}
        for group in groups:  # one of several that exclude each other
            yield from (self._merged({**row, **cleared}, *change) for change in group[:2])
        for first, second in combinations(groups, 2):
            pairs = product(first[:_MOST_PAIRED], second[:_MOST_PAIRED])
            for one_change, other_change in pairs:
                yield self._merged(self._merged(row, *one_change), *other_change)

    def is_distinct(self, row: Row, rows: Sequence[Row]) -> bool:
        """Return whether a row keeps the unique keys next to others."""
        return all(_differs(key, row, rows) for key in self._keys)

    def _draft(self, number: int) -> Row | None:
        row = {name: choice.pick(number) for name, choice in self._choices.items()}
        if number == 0:
            row.update(self._fixed)
        return self._referring(row, number)

    def _referring(self, row: Row, number: int) -> Row | None:
        """Return a row with values for its references; None if there is nothing to refer to."""
        for attempt in range(number, number + 6):
            settled: Row = dict(self._fixed) if number == 0 else {}
            if all(self._refer(settled, reference, attempt) for reference in self._references):
                return {**row, **settled}
        return None

    def _refer(self, settled: Row, reference: Reference, number: int) -> bool:
        """Settle the columns of a reference; return whether that is possible."""
        free = [name for name in reference.columns if name not in settled]
        nullable = [name for name in free if self._is_nullable(name)]
        parents = self._parents.get(reference, [])
        if nullable and (number == 2 or not parents):
            settled.update(dict.fromkeys(nullable, NULL))
            return True
        if any(settled.get(name) == NULL for name in reference.columns):
            return self._fill_up(settled, reference, parents, number)
        # The last parent stays without children.
        some = parents[:-1] if len(parents) > 2 else parents
        start = 0 if number == 3 else number
        rotated = [some[(start + step) % len(some)] for step in range(len(some))]
        for parent in [*rotated, *parents[len(some) :]]:
            pairs = dict(zip(reference.columns, parent, strict=True))
            if all(settled.get(name, text) == text for name, text in pairs.items()):
                settled.update(pairs)
                return True
        settled.update(dict.fromkeys(nullable, NULL))
        return bool(nullable)

    def _fill_up(
        self, settled: Row, reference: Reference, parents: list[tuple[str, ...]], number: int
    ) -> bool:
        """Settle the columns of a reference of which one is NULL, so that it refers to nothing."""
        if parents:
            pairs = zip(reference.columns, parents[number % len(parents)], strict=True)
            settled.update({name: text for name, text in pairs if name not in settled})
        return True

    def _is_nullable(self, name: str) -> bool:
        return self._choices[name].column.is_nullable

    def _distinct(self, row: Row, rows: Sequence[Row]) -> Row | None:
        """Return the row, or the next one like it that keeps the unique keys."""
        if self.is_distinct(row, rows):
            return row
        clashing = [key for key in self._keys if not _differs(key, row, rows)]
        names = list(dict.fromkeys(name for key in clashing for name in reversed(key.columns)))
        referring = {name for reference in self._references for name in reference.columns}
        names.sort(key=lambda name: (name in referring, bool(self._choices[name].labels)))
        variations = islice(self.variations(row, names), _MOST_VARIATIONS)
        return next((other for other in variations if self.is_distinct(other, rows)), None)

    def _satisfying(self, rows: list[Row], judge: RowJudge) -> list[Row]:
        """Return the rows that keep conditions on several columns, after changes if need be."""
        conditions = [
            condition
            for condition in self._table.conditions
            if condition.columns and all(name in self._choices for name in condition.columns)
        ]
        has_several = any(len(condition.columns) > 1 for condition in conditions)
        accepted = judge.accepted(rows, conditions) if has_several else None
        if accepted is None or len(accepted) == len(rows):
            return rows
        names = list(dict.fromkeys(n for c in conditions if len(c.columns) > 1 for n in c.columns))
        good = [row for number, row in enumerate(rows) if number in accepted]
        for row in [row for number, row in enumerate(rows) if number not in accepted]:
            variations = list(islice(self.variations(row, names), _MOST_VARIATIONS))
            variations = [other for other in variations if self.is_distinct(other, good)]
            numbers = judge.accepted(variations, conditions)
            if numbers:
                good.append(variations[min(numbers)])
        return good or rows  # the database may know better

    def _groups(self, names: Sequence[str]) -> list[list[tuple[tuple[str, ...], tuple[str, ...]]]]:
        """Return the changes of columns, or of all those of a reference, that are possible."""
        groups: list[list[tuple[tuple[str, ...], tuple[str, ...]]]] = []
        referring = [r for r in self._references if any(name in names for name in r.columns)]
        for name in names:
            if any(name in reference.columns for reference in referring):
                continue
            literals = self._choices[name].pool
            texts = [*literals, NULL] if self._is_nullable(name) else literals
            groups.append([((name,), (text,)) for text in texts])
        for reference in referring:
            changes = [(reference.columns, parent) for parent in self._parents.get(reference, [])]
            nullable = tuple(name for name in reference.columns if self._is_nullable(name))
            if nullable:
                changes.append((nullable, (NULL,) * len(nullable)))
            groups.append(changes)
        return groups

    def _merged(self, row: Row, names: tuple[str, ...], texts: tuple[str, ...]) -> Row:
        return {**row, **dict(zip(names, texts, strict=True))}


def _differs(key: UniqueKey, row: Row, rows: Sequence[Row]) -> bool:
    values = _folded(key, row)
    if values is None:
        return True
    return all(_folded(key, other) != values for other in rows)


def _folded(key: UniqueKey, row: Row) -> list[str] | None:
    """Return the values of a key as collations without case see them; None if NULLs exempt it."""
    values = [row.get(name, NULL) for name in key.columns]
    if NULL in values and not key.counts_nulls:
        return None
    return [value.casefold() for value in values]

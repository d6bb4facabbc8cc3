"""Match the rows of a table with the rows that migrations made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from alembic_lockstep.rows.content import ReadColumn, ReadTable, Value
from alembic_lockstep.rows.surviving_values import forms, survives

Row = tuple[Value, ...]
#: How many rows on either side are compared each with each.
_MOST_COMPARED = 60


@dataclass(frozen=True)
class Matching:
    """Rows before and after.

    Attributes:
        pairs: Rows of before with their rows of after.
        vanished: Rows of before that after has not.
        lost: How many rows vanished; more than `vanished` where not all rows were read.
    """

    pairs: tuple[tuple[Row, Row], ...]
    vanished: tuple[Row, ...]
    lost: int


def match_rows(before: ReadTable, after: ReadTable) -> Matching:
    """Match rows by the primary key, else by the values that both tables have."""
    common = [
        (old, new, before.columns[old], after.columns[new])
        for old, new in shared_positions(before, after)
    ]
    pairs: list[tuple[Row, Row]] = []
    rest, free = list(before.rows), list(after.rows)
    names = {column.name for column in after.columns}
    if before.key and names.issuperset(before.key):
        keyed = [part for part in common if part[2].name in before.key]
        pairs, rest, free = _by_values(rest, free, keyed)
    if rest and free:
        equal, rest, free = _by_values(rest, free, common)
        pairs += equal
    if rest and free and len(rest) <= _MOST_COMPARED and len(free) <= _MOST_COMPARED:
        values = [part for part in common if part[2].name not in before.key]
        # Without a key, rows of which nothing is as before may still be the same.
        least = 0.5 if before.key else 0
        similar, rest = _by_similarity(rest, free, values, least)
        pairs += similar
    if before.is_whole and after.is_whole:
        return Matching(tuple(pairs), tuple(rest), len(rest))
    lost = max(before.count - after.count, 0)
    return Matching(tuple(pairs), tuple(rest) if lost else (), lost)


def shared_positions(before: ReadTable, after: ReadTable) -> list[tuple[int, int]]:
    """Return the positions of the columns of the same name in both tables."""
    positions = {column.name: position for position, column in enumerate(after.columns)}
    return [
        (position, positions[column.name])
        for position, column in enumerate(before.columns)
        if column.name in positions
    ]


_Common = tuple[int, int, ReadColumn, ReadColumn]


def _by_values(
    before: Sequence[Row], after: Sequence[Row], common: Sequence[_Common]
) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Return pairs with equal values in some columns, and the rest of both sides."""
    if not common:
        return [], list(before), list(after)
    waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, row in enumerate(after):
        waiting[tuple(_plain(row[new], kind) for _, new, _, kind in common)].append(number)
    pairs, rest, used = [], [], set()
    for row in before:
        numbers = waiting.get(tuple(_plain(row[old], kind) for old, _, kind, _ in common))
        if numbers:
            used.add(numbers[0])
            pairs.append((row, after[numbers.pop(0)]))
        else:
            rest.append(row)
    return pairs, rest, [row for number, row in enumerate(after) if number not in used]


def _plain(value: Value, column: ReadColumn) -> Hashable:
    """Return a value in a spelling that does not depend on most types."""
    if value is None:
        return None
    return min(map(_spelled, forms(value, column, column)))


def _spelled(form: object) -> tuple[int, str]:
    return len(str(form)), str(form)


def _by_similarity(
    before: Sequence[Row], after: Sequence[Row], common: Sequence[_Common], least: float
) -> tuple[list[tuple[Row, Row]], list[Row]]:
    """Return pairs of which a least share of the values agrees, best first, and the rest."""
    scores = []
    for left, row in enumerate(before):
        for right, other in enumerate(after):
            equal = sum(survives(row[o], other[n], old, new) for o, n, old, new in common)
            if common and equal >= least * len(common):
                # A NULL survives as any value, but one that is still NULL is nearer.
                same = sum(row[o] == other[n] for o, n, _, _ in common)
                scores.append((-equal, -same, left, right))
    pairs, lefts, rights = [], set(), set()
    for _, _, left, right in sorted(scores):
        if left not in lefts and right not in rights:
            lefts.add(left)
            rights.add(right)
            pairs.append((before[left], after[right]))
    return pairs, [row for number, row in enumerate(before) if number not in lefts]

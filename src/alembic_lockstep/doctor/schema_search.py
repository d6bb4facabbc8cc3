"""Find the revision whose schema is nearest to a live one, with few scratch databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alembic_lockstep.described_schema import SchemaPart
from alembic_lockstep.doctor.comparable_parts import distance, identity

Schema = frozenset[SchemaPart]


@dataclass(frozen=True)
class Nearest:
    """The candidate whose schema is nearest.

    Attributes:
        number: Its number in the order.
        schema: What it makes.
        distance: The number of differing parts.
    """

    number: int
    schema: Schema
    distance: int


def find_nearest(count: int, live: Schema, schema_of: Callable[[int], Schema]) -> Nearest:
    """Return the nearest of candidates, each of which adds to the one before.

    The newest is tried first. Then each step halves the candidates by what the live schema has of
    the newest, and lacks of it. At the end, neighbours are tried while they are nearer.

    Args:
        count: The number of candidates, at least one; the oldest has the number 0.
        schema_of: Builds the schema of a candidate.
    """
    tried: dict[int, Nearest] = {}

    def attempt(number: int) -> Nearest:
        if number not in tried:
            schema = schema_of(number)
            tried[number] = Nearest(number, schema, distance(schema, live))
        return tried[number]

    newest = attempt(count - 1)
    low, high = 0, count - 2
    while low <= high and not any(nearest.distance == 0 for nearest in tried.values()):
        middle = (low + high) // 2
        if is_later(live, attempt(middle).schema, newest.schema):
            low = middle + 1
        else:
            high = middle - 1
    best = _best(tried.values())
    while best.distance:
        around = (best.number - 1, best.number + 1)
        nearer = _best([best, *(attempt(n) for n in around if 0 <= n < count)])
        if nearer is best:
            break
        best = nearer
    while best.number + 1 < count and attempt(best.number + 1).distance <= best.distance:
        best = attempt(best.number + 1)  # such as revisions that change rows only
    return best


def is_later(live: Schema, candidate: Schema, newest: Schema) -> bool:
    """Return whether a live schema is of a later revision than a candidate's."""
    has, makes, final = ({*map(identity, schema)} for schema in (live, candidate, newest))
    later, earlier = len((has & final) - makes), len((makes & final) - has)
    # What later revisions drop again tells only where nothing else does.
    return later > earlier if later != earlier else len(makes - has) > len(has - makes)


def _best(results: Iterable[Nearest]) -> Nearest:
    """Return the nearest; of equals the newest."""
    return min(results, key=lambda each: (each.distance, -each.number))

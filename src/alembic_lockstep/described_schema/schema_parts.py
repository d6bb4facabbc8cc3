"""Parts of a schema, and what two schemas differ in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

#: Kinds of parts that the server names by itself if the project does not.
_NAMED_BY_SERVER = {"primary key", "unique", "foreign key", "check", "exclusion", "index"}


@dataclass(frozen=True)
class SchemaPart:
    """A part of a schema.

    Attributes:
        kind: Such as "table", "column", "index" or "type".
        name: Without its table; empty if it has none.
        owner: The table that it belongs to and disappears with; empty for others.
        definition: All else about it; empty if there is nothing more to say.
        is_generated: The server made its name, so that another name says nothing.
    """

    kind: str
    name: str
    owner: str = ""
    definition: str = ""
    is_generated: bool = False

    @property
    def words(self) -> str:
        """Return its kind and name: "column games.winners", "index ix_games of games"."""
        if self.kind == "column":
            return f"column {self.owner}.{self.name}"
        name = self.definition if self.is_generated or not self.name else self.name
        return f"{self.kind} {name} of {self.owner}" if self.owner else f"{self.kind} {name}"


@dataclass(frozen=True)
class PartsDifference:
    """Parts that only one of two schemas has, and those that differ, in words."""

    left: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Return all differences as sentences' beginnings."""
        more = (f"{words} is more" for words in self.left)
        missing = (f"{words} is missing" for words in self.lost)
        return (*more, *missing, *self.changed)


def compare_schemas(
    before: Collection[SchemaPart], after: Collection[SchemaPart]
) -> PartsDifference:
    """Compare a schema with what it became; the order of parts and generated names do not count."""
    old = {_key(part): part for part in before}
    new = {_key(part): part for part in after}
    lost = [part for key, part in old.items() if key not in new]
    left = [part for key, part in new.items() if key not in old]
    lost, left = _without_renamed(lost, left)
    changed = [
        f"{part.words} was {part.definition or 'nothing'}, is {new[key].definition or 'nothing'}"
        for key, part in old.items()
        if key in new and new[key].definition != part.definition
    ]
    return PartsDifference(
        tuple(sorted(_outermost(left))), tuple(sorted(_outermost(lost))), tuple(sorted(changed))
    )


def _key(part: SchemaPart) -> tuple[str, str, str]:
    name = part.definition if part.is_generated else part.name
    return (part.kind, part.owner, name)


def _without_renamed(
    lost: Sequence[SchemaPart], left: Sequence[SchemaPart]
) -> tuple[list[SchemaPart], list[SchemaPart]]:
    """Return both without pairs of equal definition of which the server named at least one."""
    lost, left = list(lost), list(left)
    for part in list(lost):
        twin = next((other for other in left if _is_alike(part, other)), None)
        if twin:
            lost.remove(part)
            left.remove(twin)
    return lost, left


def _is_alike(part: SchemaPart, other: SchemaPart) -> bool:
    same = (part.kind, part.owner, part.definition) == (other.kind, other.owner, other.definition)
    return same and part.kind in _NAMED_BY_SERVER and (part.is_generated or other.is_generated)


def _outermost(parts: Sequence[SchemaPart]) -> Iterator[str]:
    """Yield the words of parts, without those of tables that are listed themselves."""
    tables = {part.name for part in parts if part.kind in ("table", "view", "materialized view")}
    counted = Counter(part.words for part in parts if part.owner not in tables)
    yield from counted

"""Parts of schemas that servers of different versions and settings describe alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from alembic_lockstep.described_schema import PartsDifference, SchemaPart, compare_schemas

# The administrator's, and no migration's.
_OF_THE_SERVER = ("extension", "schema")
_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int)\(\d+\)(?! zerofill)")
_COLLATION = re.compile(r" COLLATE \w+")
_NOW = re.compile(r"current_timestamp\(\)", re.IGNORECASE)
_QUOTED_NUMBER = re.compile(r"DEFAULT '(-?\d+(?:\.\d+)?)'")


@dataclass(frozen=True)
class SchemaDelta:
    """The difference of a live schema from the one that revisions make.

    Attributes:
        missing: Parts that the database lacks; without those of missing tables.
        more: Parts that only the database has; without those of tables that only it has.
        words: The same and the changed parts, in words.
    """

    missing: tuple[SchemaPart, ...] = ()
    more: tuple[SchemaPart, ...] = ()
    words: PartsDifference = field(default_factory=PartsDifference)

    def __bool__(self) -> bool:
        return bool(self.words.all)


def comparable(schema: Iterable[SchemaPart], dialect: str) -> frozenset[SchemaPart]:
    """Return the parts that count when a live schema is compared with a scratch database's."""
    parts = (part for part in schema if part.kind not in _OF_THE_SERVER)
    if dialect != "mysql":
        return frozenset(parts)
    return frozenset(_as_any_mysql(part) for part in parts if "json_valid" not in part.definition)


def compare_with_live(
    expected: Collection[SchemaPart], live: Collection[SchemaPart]
) -> SchemaDelta:
    """Compare what revisions make with a live schema, both comparable."""
    words = compare_schemas(expected, live)
    missing = tuple(sorted((p for p in expected if p.words in words.lost), key=_order))
    more = tuple(sorted((p for p in live if p.words in words.left), key=_order))
    return SchemaDelta(missing, more, words)


def distance(expected: Collection[SchemaPart], live: Collection[SchemaPart]) -> int:
    """Return the number of parts, those of missing tables included, in which two schemas differ."""
    return len({*map(identity, expected)} ^ {*map(identity, live)})


def identity(part: SchemaPart) -> tuple[str, str, str, str]:
    """Return what makes a part the same in two schemas."""
    return part.kind, part.owner, "" if part.is_generated else part.name, part.definition


def _order(part: SchemaPart) -> tuple[int, str, str]:
    """Return a key for the order in which parts can be made: tables first, foreign keys last."""
    ranks = {"type": 0, "domain": 0, "sequence": 0, "table": 1, "column": 2, "foreign key": 9}
    return ranks.get(part.kind, 5), part.owner, part.name


def _as_any_mysql(part: SchemaPart) -> SchemaPart:
    if part.kind == "table":  # its engine and collation are the server's defaults
        return replace(part, definition="")
    if part.kind != "column":
        return part
    text = _COLLATION.sub("", _WIDTH.sub(r"\1", part.definition))
    text = _QUOTED_NUMBER.sub(r"DEFAULT \1", _NOW.sub("CURRENT_TIMESTAMP", text))
    return replace(part, definition=text)

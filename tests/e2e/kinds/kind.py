"""Kinds of schema change as pairs of models, and small models to make such pairs of.

One pair is written for all dialects. What a dialect has no words for SQLAlchemy leaves out, or the
server refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table

Make = Callable[[], MetaData]

#: Of which no statement makes the other, on some dialect.
WITHOUT_FIX = ("partitions",)


@dataclass(frozen=True)
class Kind:
    """One kind of schema change.

    Attributes:
        before: Makes the models that the database is of.
        after: Makes the models as they are now.
        lacks: What a dialect has not, by its name, if it cannot store this.
    """

    name: str
    before: Make
    after: Make
    lacks: Mapping[str, str] = field(default_factory=dict)


def bare(*items: Any, **options: Any) -> MetaData:
    """A table with these parts."""
    metadata = MetaData()
    Table("game", metadata, *items, **options)
    return metadata


def game(*items: Any, **options: Any) -> MetaData:
    """A table with a primary key, and a column that constraints and indexes can be about."""
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    return bare(key, Column("size", Integer, nullable=False), *items, **options)


def column(kind: Any = Integer, *parts: Any, **options: Any) -> MetaData:
    return game(Column("a", kind, *parts, **options))


def with_players(metadata: MetaData) -> MetaData:
    """Another table, for the first one to refer to."""
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    player = Table("player", metadata, key, Column("rank", Integer, nullable=False, unique=True))
    metadata.tables["game"].add_is_dependent_on(player)
    return metadata


def changes(name: str, absent: Make, present: Make, altered: Make, **lacks: str) -> Iterator[Kind]:
    """All that can happen to a thing that may be there or not."""
    yield Kind(f"{name}: added", absent, present, lacks)
    yield Kind(f"{name}: removed", present, absent, lacks)
    yield Kind(f"{name}: altered", present, altered, lacks)


def only_on(dialect: str, reason: str) -> dict[str, str]:
    return {name: reason for name in ("sqlite", "postgresql", "mariadb") if name != dialect}

"""Changes of types and sequences, which no table has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Enum, Integer, MetaData, Sequence
from sqlalchemy.dialects import postgresql

from .kind import Kind, changes, column, game, only_on

NO_ENUMS = only_on("postgresql", "enum types")


def mood(*labels: str, **options: Any) -> MetaData:
    return column(Enum(*labels, name="mood", create_constraint=True, **options))


def domain(**options: Any) -> MetaData:
    return column(postgresql.DOMAIN("score", Integer, **options))


def loose(make: Callable[[MetaData], Any]) -> MetaData:
    """Something that no table has."""
    metadata = game()
    make(metadata)
    return metadata


KINDS = [
    Kind("Enum: label added", lambda: mood("b", "c"), lambda: mood("a", "b", "c")),
    Kind("Enum: label removed", lambda: mood("a", "b", "c"), lambda: mood("a", "b")),
    Kind("Enum: labels in another order", lambda: mood("a", "b"), lambda: mood("b", "a")),
    Kind("Enum: label renamed", lambda: mood("a", "b"), lambda: mood("a", "c")),
    Kind(
        "Enum kept as text, with a CHECK: label added",
        lambda: mood("b", "c", native_enum=False),
        lambda: mood("a", "b", "c", native_enum=False),
    ),
    Kind("Enum: added with a column", game, lambda: mood("a", "b")),
    Kind(
        "Enum type of no column: added",
        game,
        lambda: loose(lambda metadata: Enum("a", "b", name="mood", metadata=metadata)),
        NO_ENUMS,
    ),
    Kind(
        "Enum type of no column: left over",
        lambda: loose(lambda metadata: Enum("a", "b", name="mood", metadata=metadata)),
        game,
        NO_ENUMS,
    ),
    Kind("domain: added with a column", game, domain, only_on("postgresql", "domains")),
    Kind("domain: default", domain, lambda: domain(default="1"), only_on("postgresql", "domains")),
    Kind(
        "domain: `NOT NULL`",
        domain,
        lambda: domain(not_null=True),
        only_on("postgresql", "domains"),
    ),
    *changes(
        "CHECK of a domain",
        domain,
        lambda: domain(check="VALUE > 0"),
        lambda: domain(check="VALUE > 1"),
        **only_on("postgresql", "domains"),
    ),
    *changes(
        "sequence",
        game,
        lambda: loose(lambda metadata: Sequence("numbers", metadata=metadata)),
        lambda: loose(lambda metadata: Sequence("numbers", increment=5, metadata=metadata)),
        sqlite="sequences",
    ),
]

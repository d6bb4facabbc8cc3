"""Which differences of a MySQL or MariaDB database can only be cured together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Set, Tuple

from .mysql_text import names_in
from .schema import Difference, Part, Schema, Table, differences

INDEXES = ("primary_key", "unique", "index")

# A column of a table, or its key of that name; a foreign key's name is one in all tables.
Place = Tuple[str, str]

# What a foreign key may forbid to change.
_HARD_ASPECTS = ("type", "collation", "nullable", "computed")
_HARD_OPTIONS = ("engine", "collation", "partition by", "system versioning")


@dataclass(frozen=True)
class ForeignKey(Part):
    """A foreign key, with what it takes to alter what it stands on.

    Attributes:
        target: The key of the table that it refers to.
        referred: The columns that it refers to.
        index: The name of the index that the server made for it, which is no part of its own.
        bare_sql: As it is written without its name.
    """

    target: str = ""
    referred: Tuple[str, ...] = ()
    index: str = ""
    bare_sql: str = ""


def group_of(difference: Difference, database: Schema, models: Schema) -> List[Difference]:
    """The differences that can only be cured together, in their order."""
    ends = [
        places(key, one, table)
        for schema in (database, models)
        for key, table in schema.tables.items()
        for one in foreign_keys(table)
    ]
    reached = _reached(difference, ends, database, models)
    if not reached:
        return [difference]
    every = differences(database, models)
    apart = {n: _reached(one, ends, database, models) for n, one in enumerate(every) if one.table}
    group: List[int] = []
    while True:
        joined = [number for number, places in apart.items() if places & reached]
        if not joined:
            return [every[number] for number in sorted(group)]
        group += joined
        reached = reached.union(*(apart.pop(number) for number in joined))


def _reached(
    difference: Difference, ends: List[Set[Place]], database: Schema, models: Schema
) -> Set[Place]:
    """What has to be altered with a difference: also both ends of a foreign key in its way.

    So no foreign key is in the way of two groups.
    """
    reached = _touched(difference, database, models)
    if not _is_hard(difference):
        return reached
    return reached.union(*(one for one in ends if one & reached))


def _touched(difference: Difference, database: Schema, models: Schema) -> Set[Place]:
    """The columns that a difference is about."""
    key, kind = difference.table, difference.part.kind
    if kind == "comment" or (kind == "options" and not _is_hard(difference)):
        return set()
    sides = ((difference.found, database), (difference.wanted, models))
    return set().union(*(places(key, part, one.tables[key]) for part, one in sides if part))


def places(key: str, part: Part, table: Table) -> Set[Place]:
    """The columns that a part of a table is about, at both ends of a foreign key."""
    named = set(part.columns)
    if isinstance(part, ForeignKey):
        ends = {(key, name) for name in named} | {(part.target, name) for name in part.referred}
        return ends | {("", part.name)}
    if part.kind in INDEXES:
        named.add(f"KEY {part.name}")
    columns = {column.name for column in table.of("column")}
    if part.kind == "options":
        named = columns
    for aspect, text in part.facts.items():
        if aspect != "comment":
            named.update(columns.intersection(names_in(text)))
    return {(key, name) for name in named}


def _is_hard(difference: Difference) -> bool:
    """Whether a foreign key that is there may forbid to cure it."""
    kind = difference.part.kind
    if kind == "column":
        return difference.verb == "remove" or difference.aspect in _HARD_ASPECTS
    if kind == "options":
        return any(differs(difference, aspect) for aspect in _HARD_OPTIONS)
    return kind != "check" and difference.verb != "add"


def fact(part: Optional[Part], aspect: str) -> str:
    """What a part says; empty if it is not there."""
    return part.facts.get(aspect, "") if part is not None else ""


def differs(difference: Difference, aspect: str) -> bool:
    """Whether it is this in which they differ."""
    return fact(difference.found, aspect) != fact(difference.wanted, aspect)


def foreign_keys(table: Table) -> List[ForeignKey]:
    """Those of a table."""
    return [part for part in table.parts if isinstance(part, ForeignKey)]


def held_by(
    group: List[Difference], database: Schema, models: Schema
) -> List[Tuple[str, ForeignKey]]:
    """The foreign keys that are in the way, and are to stay, by table."""
    touched: Set[Place] = set()
    for difference in filter(_is_hard, group):
        touched |= _touched(difference, database, models)
    removed = [one.found for one in group]
    return [
        (key, part)
        for key, table in database.tables.items()
        for part in foreign_keys(table)
        if places(key, part, table) & touched
        and key in models.tables
        and part not in removed
        and any(part.is_like(one) for one in models.tables[key].of("foreign_key"))
    ]

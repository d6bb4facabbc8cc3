"""Group differences of a MySQL or MariaDB database that can only be fixed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Set, Tuple

from .mysql_text import names_in
from .schema import DatabaseSchema, Part, SchemaDifference, TableSchema, differences

INDEXES = ("primary_key", "unique", "index")

# A column of a table, or its key of that name; a foreign key's name is one in all tables.
ColumnOrKey = Tuple[str, str]

# Changes that a foreign key may forbid.
_BLOCKED_ASPECTS = ("type", "collation", "nullable", "computed")
_BLOCKED_OPTIONS = ("engine", "collation", "partition by", "system versioning")


@dataclass(frozen=True)
class ForeignKey(Part):
    """Foreign key, with what is needed to alter the columns that it uses.

    Attributes:
        target: The key of the table that it refers to.
        referred: The columns that it refers to.
        index: The name of the index that the server made for it, which is not a part by itself.
        bare_sql: Its SQL without its name.
    """

    target: str = ""
    referred: Tuple[str, ...] = ()
    index: str = ""
    bare_sql: str = ""


def group_of(
    difference: SchemaDifference, database: DatabaseSchema, models: DatabaseSchema
) -> List[SchemaDifference]:
    """Return the differences that can only be fixed together, in their order."""
    ends = [
        concerned_columns(key, foreign_key, table)
        for schema in (database, models)
        for key, table in schema.tables.items()
        for foreign_key in foreign_keys(table)
    ]
    reached = _reached(difference, ends, database, models)
    if not reached:
        return [difference]
    every = differences(database, models)
    apart = {
        n: _reached(foreign_key, ends, database, models)
        for n, foreign_key in enumerate(every)
        if foreign_key.table
    }
    group: List[int] = []
    while True:
        joined = [
            number for number, concerned_columns in apart.items() if concerned_columns & reached
        ]
        if not joined:
            return [every[number] for number in sorted(group)]
        group += joined
        reached = reached.union(*(apart.pop(number) for number in joined))


def _reached(
    difference: SchemaDifference,
    ends: List[Set[ColumnOrKey]],
    database: DatabaseSchema,
    models: DatabaseSchema,
) -> Set[ColumnOrKey]:
    """Return the columns that have to be altered with a difference.

    Both ends of a foreign key that blocks it are among them, so no foreign key blocks two groups.
    """
    reached = _touched(difference, database, models)
    if not _is_blocked_by_foreign_keys(difference):
        return reached
    return reached.union(*(end for end in ends if end & reached))


def _touched(
    difference: SchemaDifference, database: DatabaseSchema, models: DatabaseSchema
) -> Set[ColumnOrKey]:
    """Return the columns that a difference is about."""
    key, kind = difference.table, difference.part.kind
    if kind == "comment" or (kind == "options" and not _is_blocked_by_foreign_keys(difference)):
        return set()
    sides = ((difference.actual, database), (difference.expected, models))
    return set().union(
        *(concerned_columns(key, part, schema.tables[key]) for part, schema in sides if part)
    )


def concerned_columns(key: str, part: Part, table: TableSchema) -> Set[ColumnOrKey]:
    """Return the columns that a part of a table is about, at both ends of a foreign key."""
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


def _is_blocked_by_foreign_keys(difference: SchemaDifference) -> bool:
    """Return whether an existing foreign key may forbid the fix."""
    kind = difference.part.kind
    if kind == "column":
        return difference.verb == "remove" or difference.aspect in _BLOCKED_ASPECTS
    if kind == "options":
        return any(differs(difference, aspect) for aspect in _BLOCKED_OPTIONS)
    return kind != "check" and difference.verb != "add"


def fact_of(part: Optional[Part], aspect: str) -> str:
    """Return a fact of a part; empty if there is no part."""
    return part.facts.get(aspect, "") if part is not None else ""


def differs(difference: SchemaDifference, aspect: str) -> bool:
    """Return whether the two sides differ in an aspect."""
    return fact_of(difference.actual, aspect) != fact_of(difference.expected, aspect)


def foreign_keys(table: TableSchema) -> List[ForeignKey]:
    """Return the foreign keys of a table."""
    return [part for part in table.parts if isinstance(part, ForeignKey)]


def held_by(
    group: List[SchemaDifference], database: DatabaseSchema, models: DatabaseSchema
) -> List[Tuple[str, ForeignKey]]:
    """Return the foreign keys that block the group and stay, each with the key of its table."""
    touched: Set[ColumnOrKey] = set()
    for difference in filter(_is_blocked_by_foreign_keys, group):
        touched |= _touched(difference, database, models)
    removed = [member.actual for member in group]
    return [
        (key, part)
        for key, table in database.tables.items()
        for part in foreign_keys(table)
        if concerned_columns(key, part, table) & touched
        and key in models.tables
        and part not in removed
        and any(part.is_like(member) for member in models.tables[key].of("foreign_key"))
    ]

"""A database's schema as plain data, and in what two of them differ.

Two databases of one server are read: the one that the migrations made, and the *twin*, made by the
models' own `create_all()`. The server has written both down in its own words, so what is the same
is spelt the same; what is left of different spellings the readers bring to one form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Optional, Tuple


class Early(str):
    """A statement that takes something out of the way of those for other differences."""


class Late(str):
    """A statement that brings back what was in the way."""


@dataclass(frozen=True)
class Part:
    """A column, constraint, index … of a table; or an enum type, a sequence, a domain.

    Attributes:
        kind: column, primary_key, foreign_key, unique, check, exclusion, index, comment, options;
            and of what no table has: enum, sequence, domain.
        name: Empty for what has none.
        facts: What is compared, by aspect; a column's are type, collation, nullable, default,
            identity, computed, comment. An aspect that is not there is the same as an empty one.
        columns: The columns that it is about, where they are known; for an enum type or a domain
            one that is of it, as `table.column`.
        made_up: The server gave it its name: it is known by its facts.
        sql: How the server writes it down: whole, as in `CREATE TABLE` or `CREATE INDEX`.
    """

    kind: str
    name: str
    facts: Dict[str, str]
    columns: Tuple[str, ...] = ()
    made_up: bool = False
    sql: str = ""

    def is_like(self, other: "Part") -> bool:
        """Whether they are the same but for a name that nobody chose."""
        return self.is_named_like(other) and not _changed(self.facts, other.facts)

    def is_named_like(self, other: "Part") -> bool:
        """Whether they have one name, or one has a name that nobody chose."""
        return self.name == other.name or self.made_up or other.made_up


@dataclass
class Table:
    """One table.

    Attributes:
        sql_name: Its name as it is written in SQL, quoted where it has to be.
        sql: The statement that makes it, where the server keeps that.
        lost: Statements for what is lost with the table and is not compared: its triggers.
        folded: Constraints that the models want, and the server has made part of others.
    """

    sql_name: str
    parts: List[Part] = field(default_factory=list)
    sql: str = ""
    lost: List[str] = field(default_factory=list)
    folded: List[Part] = field(default_factory=list)

    def of(self, *kinds: str) -> List[Part]:
        """The parts of these kinds."""
        return [part for part in self.parts if part.kind in kinds]


@dataclass
class Schema:
    """What one database holds.

    Attributes:
        tables: By key: `name` in the default schema, else `schema.name`.
        loose: Enum types, sequences (that no column owns), domains; of other schemas than the
            default one they are named `schema.name`.
        owned: The sequences that a column owns, each with that as `table.column`.
    """

    tables: Dict[str, Table] = field(default_factory=dict)
    loose: List[Part] = field(default_factory=list)
    owned: List[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """One thing in which the migrated database is not what the models make.

    Attributes:
        table: The table's key; empty for what no table has.
        wanted: What the models make; None if they make no such thing.
        found: What the database has; None if it has no such thing.
        aspect: In what two columns differ; or that a constraint is not valid: validity.
    """

    table: str
    wanted: Optional[Part]
    found: Optional[Part]
    aspect: str = ""

    @property
    def part(self) -> Part:
        """The wanted part, or else the found one."""
        part = self.wanted or self.found
        assert part is not None
        return part

    @property
    def changed(self) -> List[str]:
        """The facts that differ."""
        none: Dict[str, str] = {}
        sides = [part.facts if part else none for part in (self.wanted, self.found)]
        return _changed(*sides)

    @property
    def verb(self) -> str:
        """What it takes to bring the database there: add, remove or modify."""
        if self.found is None:
            return "add"
        return "remove" if self.wanted is None else "modify"


def differences(database: Schema, models: Schema) -> List[Difference]:
    """In what the migrated database is not the one that the models make.

    A table that one of them lacks is whole news, and that of autogenerate: it knows which tables
    the project wants to be compared. Those that the models' own DDL events make are not there.
    """
    found: List[Difference] = []
    for key, wanted in models.tables.items():
        if key in database.tables:
            found += _in_table(key, database.tables[key], wanted)
    return found + list(_unlike("", database.loose, models.loose))


def _in_table(key: str, found: Table, wanted: Table) -> Iterator[Difference]:
    has = {part.name: part for part in found.of("column")}
    wants = {part.name: part for part in wanted.of("column")}
    for name in [*wants, *(name for name in has if name not in wants)]:
        if name in wants and name in has:
            for aspect in _changed(wants[name].facts, has[name].facts):
                yield Difference(key, wants[name], has[name], aspect)
        else:
            yield Difference(key, wants.get(name), has.get(name))
    others = ([part for part in table.parts if part.kind != "column"] for table in (found, wanted))
    for one in _unlike(key, *others):
        if one.verb != "remove" or not _is_folded(one.part, wanted):
            yield one


def _is_folded(found: Part, wanted: Table) -> bool:
    return any(
        (found.kind, found.columns) == (part.kind, part.columns) and found.is_named_like(part)
        for part in wanted.folded
    )


def _unlike(key: str, found: Iterable[Part], wanted: Iterable[Part]) -> Iterator[Difference]:
    """Pair off what is alike, first by name; then what bears the same name; each part once."""
    has, wants = list(found), list(wanted)
    for by_name in (True, False):
        for part in list(wants):
            alike = (one for one in has if one.kind == part.kind and one.is_like(part))
            twin = next((one for one in alike if one.name == part.name or not by_name), None)
            if twin is not None:
                has.remove(twin)
                wants.remove(part)
    for part in wants:
        alike = (one for one in has if one.kind == part.kind and _is_unvalidated(part, one))
        same = (one for one in has if (one.kind, one.name) == (part.kind, part.name))
        twin = next(alike, None) or next(same, None)
        if twin is not None:
            has.remove(twin)
        aspect = "validity" if twin and _is_unvalidated(part, twin) else ""
        yield Difference(key, part, twin, aspect)
    for part in has:
        yield Difference(key, None, part)


def _is_unvalidated(wanted: Part, found: Part) -> bool:
    """Whether the one lacks only that the rows of then were looked at."""
    return wanted.is_named_like(found) and _changed(wanted.facts, found.facts) == ["validity"]


def _changed(one: Dict[str, str], other: Dict[str, str]) -> List[str]:
    return [aspect for aspect in {**one, **other} if one.get(aspect, "") != other.get(aspect, "")]

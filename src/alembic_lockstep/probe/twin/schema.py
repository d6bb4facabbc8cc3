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
        has_generated_name: The server gave it its name: it is known by its facts.
        sql: How the server writes it down: whole, as in `CREATE TABLE` or `CREATE INDEX`.
    """

    kind: str
    name: str
    facts: Dict[str, str]
    columns: Tuple[str, ...] = ()
    has_generated_name: bool = False
    sql: str = ""

    def is_like(self, counterpart: "Part") -> bool:
        """Whether they are the same but for a name that nobody chose."""
        return self.is_named_like(counterpart) and not _changed(self.facts, counterpart.facts)

    def is_named_like(self, counterpart: "Part") -> bool:
        """Whether they have one name, or one has a name that nobody chose."""
        return (
            self.name == counterpart.name
            or self.has_generated_name
            or counterpart.has_generated_name
        )


@dataclass
class TableSchema:
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
class DatabaseSchema:
    """What one database holds.

    Attributes:
        tables: By key: `name` in the default schema, else `schema.name`.
        loose: Enum types, sequences (that no column owns), domains; of other schemas than the
            default one they are named `schema.name`.
        owned: The sequences that a column owns, each with that as `table.column`.
    """

    tables: Dict[str, TableSchema] = field(default_factory=dict)
    loose: List[Part] = field(default_factory=list)
    owned: List[Part] = field(default_factory=list)


@dataclass(frozen=True)
class SchemaDifference:
    """One thing in which the migrated database is not what the models make.

    Attributes:
        table: The table's key; empty for what no table has.
        wanted: What the models make; None if they make no such thing.
        found: What the database has; None if it has no such thing.
        aspect: In what two columns differ; or that a constraint is not valid: validity.
    """

    table: str
    expected: Optional[Part]
    actual: Optional[Part]
    aspect: str = ""

    @property
    def part(self) -> Part:
        """The wanted part, or else the found one."""
        part = self.expected or self.actual
        assert part is not None
        return part

    @property
    def changed(self) -> List[str]:
        """The facts that differ."""
        none: Dict[str, str] = {}
        sides = [part.facts if part else none for part in (self.expected, self.actual)]
        return _changed(*sides)

    @property
    def verb(self) -> str:
        """What it takes to bring the database there: add, remove or modify."""
        if self.actual is None:
            return "add"
        return "remove" if self.expected is None else "modify"


def differences(database: DatabaseSchema, models: DatabaseSchema) -> List[SchemaDifference]:
    """In what the migrated database is not the one that the models make.

    A table that one of them lacks is whole news, and that of autogenerate: it knows which tables
    the project wants to be compared. Those that the models' own DDL events make are not there.
    """
    unequal: List[SchemaDifference] = []
    for key, expected in models.tables.items():
        if key in database.tables:
            unequal += _differences_in_table(key, database.tables[key], expected)
    return unequal + list(_differing_parts("", database.loose, models.loose))


def _differences_in_table(
    key: str, actual: TableSchema, expected: TableSchema
) -> Iterator[SchemaDifference]:
    actual_columns = {part.name: part for part in actual.of("column")}
    expected_columns = {part.name: part for part in expected.of("column")}
    for name in [
        *expected_columns,
        *(name for name in actual_columns if name not in expected_columns),
    ]:
        if name in expected_columns and name in actual_columns:
            for aspect in _changed(expected_columns[name].facts, actual_columns[name].facts):
                yield SchemaDifference(key, expected_columns[name], actual_columns[name], aspect)
        else:
            yield SchemaDifference(key, expected_columns.get(name), actual_columns.get(name))
    other_parts = (
        [part for part in table.parts if part.kind != "column"] for table in (actual, expected)
    )
    for difference in _differing_parts(key, *other_parts):
        if difference.verb != "remove" or not _is_folded(difference.part, expected):
            yield difference


def _is_folded(actual: Part, expected: TableSchema) -> bool:
    return any(
        (actual.kind, actual.columns) == (part.kind, part.columns) and actual.is_named_like(part)
        for part in expected.folded
    )


def _differing_parts(
    key: str, actual: Iterable[Part], expected: Iterable[Part]
) -> Iterator[SchemaDifference]:
    """Pair off what is alike, first by name; then what bears the same name; each part once."""
    unmatched, missing = list(actual), list(expected)
    for by_name in (True, False):
        for part in list(missing):
            alike = (
                candidate
                for candidate in unmatched
                if candidate.kind == part.kind and candidate.is_like(part)
            )
            twin = next(
                (candidate for candidate in alike if candidate.name == part.name or not by_name),
                None,
            )
            if twin is not None:
                unmatched.remove(twin)
                missing.remove(part)
    for part in missing:
        alike = (
            candidate
            for candidate in unmatched
            if candidate.kind == part.kind and _is_unvalidated(part, candidate)
        )
        same = (
            candidate
            for candidate in unmatched
            if (candidate.kind, candidate.name) == (part.kind, part.name)
        )
        twin = next(alike, None) or next(same, None)
        if twin is not None:
            unmatched.remove(twin)
        aspect = "validity" if twin and _is_unvalidated(part, twin) else ""
        yield SchemaDifference(key, part, twin, aspect)
    for part in unmatched:
        yield SchemaDifference(key, None, part)


def _is_unvalidated(expected: Part, actual: Part) -> bool:
    """Whether the one lacks only that the rows of then were looked at."""
    return expected.is_named_like(actual) and _changed(expected.facts, actual.facts) == ["validity"]


def _changed(first: Dict[str, str], second: Dict[str, str]) -> List[str]:
    return [
        aspect for aspect in {**first, **second} if first.get(aspect, "") != second.get(aspect, "")
    ]

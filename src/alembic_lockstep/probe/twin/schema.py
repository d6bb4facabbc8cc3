"""Hold database schemas as plain data, and compare two of them.

Two databases of one server are read: the one that the migrations made, and the *twin*, made by the
models' own `create_all()`. The server spells both schemas, so equal parts are spelt the same; the
readers normalise what different spellings are left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Optional, Tuple


class Early(str):
    """Statement that drops something which blocks those for other differences."""


class Late(str):
    """Statement that creates again what blocked others."""


@dataclass(frozen=True)
class Part:
    """Column, constraint, index … of a table; or an enum type, a sequence, a domain.

    Attributes:
        kind: column, primary_key, foreign_key, unique, check, exclusion, index, comment, options;
            and outside of tables: enum, sequence, domain.
        name: Empty for a part without a name.
        facts: The compared texts, by aspect; a column's are type, collation, nullable, default,
            identity, computed, comment. A missing aspect is the same as an empty one.
        columns: The columns that it is about, where they are known; for an enum type or a domain
            the columns of that type, as `table.column`.
        has_generated_name: The server made up its name: it is compared by its facts.
        sql: The server's SQL for it, as in `CREATE TABLE` or `CREATE INDEX`.
    """

    kind: str
    name: str
    facts: Dict[str, str]
    columns: Tuple[str, ...] = ()
    has_generated_name: bool = False
    sql: str = ""

    def is_like(self, counterpart: "Part") -> bool:
        """Return whether they are the same, but for a generated name."""
        return self.is_named_like(counterpart) and not _changed(self.facts, counterpart.facts)

    def is_named_like(self, counterpart: "Part") -> bool:
        """Return whether they have one name, or at least one has a generated name."""
        return (
            self.name == counterpart.name
            or self.has_generated_name
            or counterpart.has_generated_name
        )


@dataclass
class TableSchema:
    """Table of a database.

    Attributes:
        sql_name: Its name as it is written in SQL, quoted where it has to be.
        sql: The statement that makes it, where the server stores that.
        lost: Statements for what is lost with the table and is not compared: its triggers.
        folded: Constraints of the models that the server has merged into others.
    """

    sql_name: str
    parts: List[Part] = field(default_factory=list)
    sql: str = ""
    lost: List[str] = field(default_factory=list)
    folded: List[Part] = field(default_factory=list)

    def of(self, *kinds: str) -> List[Part]:
        """Return the parts of these kinds."""
        return [part for part in self.parts if part.kind in kinds]


@dataclass
class DatabaseSchema:
    """Schema of one database.

    Attributes:
        tables: By key: `name` in the default schema, else `schema.name`.
        objects: Enum types, sequences (that no column owns), domains; of other schemas than the
            default one they are named `schema.name`.
        owned: The sequences that a column owns, each with the column as `table.column`.
    """

    tables: Dict[str, TableSchema] = field(default_factory=dict)
    objects: List[Part] = field(default_factory=list)
    owned: List[Part] = field(default_factory=list)


@dataclass(frozen=True)
class SchemaDifference:
    """Difference between the migrated database and the twin.

    Attributes:
        table: The table's key; empty for enum types, sequences and domains.
        expected: The models' part; None if they make none.
        actual: The database's part; None if it has none.
        aspect: The aspect in which two columns differ; `validity` for a constraint that is only
            not valid.
    """

    table: str
    expected: Optional[Part]
    actual: Optional[Part]
    aspect: str = ""

    @property
    def part(self) -> Part:
        """Expected part, or else the actual one."""
        part = self.expected or self.actual
        assert part is not None
        return part

    @property
    def changed(self) -> List[str]:
        """Aspects in which the facts differ."""
        expected = self.expected.facts if self.expected else {}
        return _changed(expected, self.actual.facts if self.actual else {})

    @property
    def verb(self) -> str:
        """Verb of the fix: add, remove or modify."""
        if self.actual is None:
            return "add"
        return "remove" if self.expected is None else "modify"


def differences(database: DatabaseSchema, models: DatabaseSchema) -> List[SchemaDifference]:
    """Return the differences between the migrated database and the one that the models make.

    Tables that one of them lacks are left to autogenerate: it knows which tables the project's
    filters include. Tables that the models' own DDL events make are thus not compared.
    """
    unequal: List[SchemaDifference] = []
    for key, expected in models.tables.items():
        if key in database.tables:
            unequal += _differences_in_table(key, database.tables[key], expected)
    return unequal + list(_differing_parts("", database.objects, models.objects))


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
    """Yield parts without an equal: equal ones are paired first by name, each part once."""
    unmatched, missing = list(actual), list(expected)
    for by_name in (True, False):
        for part in list(missing):
            alike = (
                candidate
                for candidate in unmatched
                if candidate.kind == part.kind and candidate.is_like(part)
            )
            counterpart = next(
                (candidate for candidate in alike if candidate.name == part.name or not by_name),
                None,
            )
            if counterpart is not None:
                unmatched.remove(counterpart)
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
        counterpart = next(alike, None) or next(same, None)
        if counterpart is not None:
            unmatched.remove(counterpart)
        aspect = "validity" if counterpart and _is_unvalidated(part, counterpart) else ""
        yield SchemaDifference(key, part, counterpart, aspect)
    for part in unmatched:
        yield SchemaDifference(key, None, part)


def _is_unvalidated(expected: Part, actual: Part) -> bool:
    """Return whether the actual constraint only lacks the check of old rows."""
    return expected.is_named_like(actual) and _changed(expected.facts, actual.facts) == ["validity"]


def _changed(first: Dict[str, str], second: Dict[str, str]) -> List[str]:
    return [
        aspect for aspect in {**first, **second} if first.get(aspect, "") != second.get(aspect, "")
    ]

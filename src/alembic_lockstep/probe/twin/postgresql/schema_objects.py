"""Create and fix enum types, domains and sequences."""

from __future__ import annotations

import re
from functools import partial
from typing import Iterator, List, Optional, Tuple

from ..likeness import OWNER
from ..name_conflicts import is_taken_over
from ..schema import DatabaseSchema, Early, Part, TableSchema
from .statements import changed_facts, concerns, mentions, quoted, recreate_dependents, split_name

_LABEL = re.compile(r"E?'(?:[^']|'')*'")


def create(part: Part) -> List[str]:
    """Return the statement that creates an enum type, a domain or a sequence."""
    if part.kind == "enum":
        return [f"CREATE TYPE {part.sql} AS ENUM ({part.facts['labels']})"]
    if part.kind == "sequence":
        return [f"CREATE SEQUENCE {part.sql} {part.facts['options']}"]
    facts = part.facts
    words = [f"CREATE DOMAIN {part.sql} AS {facts['type']}"]
    words += [f"COLLATE {facts['collation']}"] if facts["collation"] else []
    words += [f"DEFAULT {facts['default']}"] if facts["default"] else []
    words += ["NOT NULL"] if facts["nullable"] == "no" else []
    words += [f"{name} {facts[name]}" for name in _checks(part)]
    return [" ".join(words)]


def schema_object_fix(
    actual: Optional[Part],
    expected: Optional[Part],
    database: DatabaseSchema,
    models: DatabaseSchema,
) -> List[str]:
    """Return the statements that fix an enum type, a domain or a sequence."""
    if actual is None:
        assert expected is not None
        return [*_make_room(expected, database), *create(expected)]
    if expected is None:
        return list(_drop(actual, models))
    if actual.kind == "sequence":
        return list(_alter_sequence(actual, expected))
    if actual.kind == "enum":
        return list(_relabel(actual, expected, database, models))
    if {"type", "collation"} & set(changed_facts(expected, actual)):
        return list(_replace(actual, expected, database, models))
    return list(_domain_fix(actual, expected))


def _drop(actual: Part, models: DatabaseSchema) -> Iterator[str]:
    """Drop an object; it gets another name first if something new has its own."""
    keyword = {"enum": "TYPE"}.get(actual.kind, actual.kind.upper())
    name = actual.sql
    if is_taken_over(actual, models):
        schema, own = split_name(actual.sql)
        old = quoted(f"{own}_old")
        yield Early(f"ALTER {keyword} {name} RENAME TO {old}")
        name = f"{schema}{old}"
    yield f"DROP {keyword} {name}"


def _make_room(expected: Part, database: DatabaseSchema) -> Iterator[str]:
    """Rename the sequence of an identity that goes."""
    if expected.sql in [sequence.sql for sequence in database.owned]:
        old = quoted(f"{split_name(expected.sql)[1]}_old")
        yield Early(f"ALTER SEQUENCE {expected.sql} RENAME TO {old}")


def _alter_sequence(actual: Part, expected: Part) -> Iterator[str]:
    """Alter a sequence; a column that goes takes those along which it owns."""
    if actual.facts.get(OWNER):
        yield Early(f"ALTER SEQUENCE {actual.sql} OWNED BY NONE")
    if "options" in changed_facts(expected, actual):
        yield f"ALTER SEQUENCE {actual.sql} {expected.facts['options']}"


def _relabel(
    actual: Part, expected: Part, database: DatabaseSchema, models: DatabaseSchema
) -> Iterator[str]:
    """Rename or add labels; create a new type to drop or reorder some.

    If the number of labels is the same, others at the same position are taken for renamed: rows
    keep theirs. An added label cannot be used in the transaction that adds it.
    """
    actual_labels, expected_labels = _labels(actual), _labels(expected)
    renamed = [(old, new) for old, new in zip(actual_labels, expected_labels) if old != new]  # noqa: B905 - Python 3.9
    are_renamed = not any(old in expected_labels or new in actual_labels for old, new in renamed)
    if len(actual_labels) == len(expected_labels) and are_renamed:
        for old, new in renamed:
            yield f"ALTER TYPE {actual.sql} RENAME VALUE {old} TO {new}"
        return
    added = [label for label in expected_labels if label not in actual_labels]
    if [label for label in expected_labels if label in actual_labels] != actual_labels or _are_used(
        added, expected, models
    ):
        yield from _replace(actual, expected, database, models)
        return
    for position, label in enumerate(expected_labels):
        if label not in actual_labels:
            where = (
                f" AFTER {expected_labels[position - 1]}"
                if position
                else f" BEFORE {actual_labels[0]}"
                if actual_labels
                else ""
            )
            yield f"ALTER TYPE {actual.sql} ADD VALUE {label}{where}"


def _labels(enum: Part) -> List[str]:
    """Return the labels as they are written in SQL, without a backslash that escapes another."""
    labels = _LABEL.findall(enum.facts["labels"])
    return [label[1:].replace("\\\\", "\\") if label.startswith("E") else label for label in labels]


def _are_used(labels: List[str], enum: Part, models: DatabaseSchema) -> bool:
    """Return whether a default or a condition of the models uses one of the labels."""
    texts = [part.sql for table in models.tables.values() for part in table.parts]
    constants = {constant for text in texts for constant in _constants(text, enum)}
    return any(label in constants or label[1:-1] in constants for label in labels)


def _constants(sql: str, enum: Part) -> Iterator[str]:
    """Yield the constants of the type in an expression; for an array of it, possible ones."""
    for match in re.finditer(f"({_LABEL.pattern})::{re.escape(enum.sql)}(\\[\\])?", sql):
        yield from re.split(r'[{},"]+', match[1]) if match[2] else [match[1]]


def _replace(
    actual: Part, expected: Part, database: DatabaseSchema, models: DatabaseSchema
) -> Iterator[str]:
    """Create a new type of that name, and convert the columns to it.

    Expressions that compare a column with a constant of the type refer to the old type only.
    """
    keyword = "TYPE" if actual.kind == "enum" else "DOMAIN"
    schema, name = split_name(actual.sql)
    old = quoted(f"{name}_old")
    drops, adds = recreate_dependents(database, models, partial(_is_bound_to, actual))
    yield from drops
    yield f"ALTER {keyword} {actual.sql} RENAME TO {old}"
    yield from create(expected)
    for key, table, column in _of_type(actual, database):
        alter = f"ALTER TABLE {table.sql_name} ALTER COLUMN {quoted(column.name)}"
        kind = column.facts["type"]
        if column.facts["default"]:
            yield f"{alter} DROP DEFAULT"
        between = "text[]" if kind.endswith("[]") else "text"
        yield f"{alter} TYPE {kind} USING {quoted(column.name)}::{between}::{kind}"
        default = _default_after(column, expected, models.tables.get(key))
        if default:
            yield f"{alter} SET DEFAULT {default}"
    yield f"DROP {keyword} {schema}{old}"
    yield from adds


def _is_bound_to(enum: Part, table: TableSchema, part: Part) -> bool:
    """Return whether a part uses the type, or depends on a column of it."""
    columns = table.of("column")
    retyped = [column for column in columns if _is_of(column, enum)]
    computed = [
        column
        for column in columns
        if column.facts["computed"]
        and any(concerns(column, retyped_column) for retyped_column in retyped)
    ]
    if part.kind == "column":
        return part in computed
    return mentions(part.sql, enum.sql) or any(concerns(part, column) for column in computed)


def _default_after(column: Part, expected: Part, models: Optional[TableSchema]) -> str:
    """Return the column's default, or the models' default if the new type lacks its label."""
    default = column.facts["default"]
    is_kept = expected.kind != "enum" or set(_LABEL.findall(default)).issubset(_labels(expected))
    if is_kept or models is None:
        return default
    own = (part.facts["default"] for part in models.of("column") if part.name == column.name)
    return next(own, "")


def _of_type(part: Part, database: DatabaseSchema) -> Iterator[Tuple[str, TableSchema, Part]]:
    for key, table in database.tables.items():
        for column in table.of("column"):
            if _is_of(column, part):
                yield key, table, column


def _is_of(column: Part, part: Part) -> bool:
    return column.facts["type"].rstrip("[]") == part.sql


def _domain_fix(actual: Part, expected: Part) -> Iterator[str]:
    alter, changed = f"ALTER DOMAIN {actual.sql}", changed_facts(expected, actual)
    if "default" in changed:
        default = expected.facts["default"]
        yield f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
    if "nullable" in changed:
        yield f"{alter} {'SET' if expected.facts['nullable'] == 'no' else 'DROP'} NOT NULL"
    for name in _checks(actual):
        if actual.facts[name] != expected.facts.get(name):
            yield f"{alter} DROP {name}"
    for name in _checks(expected):
        if name in changed:
            yield f"{alter} ADD {name} {expected.facts[name]}"


def _checks(domain: Part) -> List[str]:
    """Return the names of a domain's CHECKs, as aspects: `constraint name`."""
    return [name for name in domain.facts if name.startswith("constraint ")]

"""Remove differences that only the number of statements makes: one CREATE TABLE, or two."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import List, Optional, Sequence

from sqlalchemy import Constraint, ForeignKeyConstraint, MetaData, UniqueConstraint

from .schema import DatabaseSchema, Part, TableSchema

# Aspect of a sequence: the column that goes and would take it along.
OWNER = "owner"

# The type of a sequence, and the last number if that is the type's own.
_RANGE = re.compile(rf"AS \w+ | MAXVALUE ({2**15 - 1}|{2**31 - 1}|{2**63 - 1})\b")


def note_folded(models: DatabaseSchema, metadatas: Sequence[MetaData]) -> None:
    """Note the unique constraints of the models that their own database lacks.

    PostgreSQL folds unique constraints of one CREATE TABLE over the same columns into the primary
    key, or into one another; not a constraint that a later ALTER TABLE adds, as autogenerate does.
    """
    for metadata in metadatas:
        for key, table in metadata.tables.items():
            if key in models.tables:
                constraints = [
                    constraint
                    for constraint in table.constraints
                    if isinstance(constraint, UniqueConstraint)
                ]
                models.tables[key].folded += _lacked(models.tables[key], constraints)


def _lacked(table: TableSchema, constraints: Sequence[UniqueConstraint]) -> List[Part]:
    existing, lacked = table.of("unique"), []
    for constraint in sorted(constraints, key=lambda unique: unique.name is None):  # names first
        name, columns = (
            str(constraint.name or ""),
            tuple(column.name for column in constraint.columns),
        )
        part = Part("unique", name, {}, columns, has_generated_name=not name)
        same = [
            unique
            for unique in existing
            if unique.is_named_like(part) and unique.columns == columns
        ]
        if same:
            existing.remove(same[0])
        else:
            lacked.append(part)
    return lacked


def share_validity(
    database: DatabaseSchema, models: DatabaseSchema, metadatas: Sequence[MetaData]
) -> None:
    """Make constraints with `postgresql_not_valid=True` as valid as the database's.

    In a new table, as the models make it, the server has no rows to check: all are valid.
    """
    for metadata in metadatas:
        for key, table in metadata.tables.items():
            if key not in database.tables or key not in models.tables:
                continue
            for constraint in table.constraints:
                if constraint.dialect_kwargs.get("postgresql_not_valid"):
                    _share_validity(constraint, database.tables[key], models.tables[key])


def _share_validity(constraint: Constraint, actual: TableSchema, expected: TableSchema) -> None:
    kind = "foreign_key" if isinstance(constraint, ForeignKeyConstraint) else "check"
    for position, part in enumerate(expected.parts):
        is_named = (
            part.has_generated_name if constraint.name is None else part.name == constraint.name
        )
        if part.kind != kind or not is_named:
            continue
        for counterpart in actual.of(kind):
            facts = {**part.facts, "validity": counterpart.facts.get("validity", "")}
            if replace(part, facts=facts).is_like(counterpart):
                expected.parts[position] = replace(part, facts=facts)


def adopt_owned(database: DatabaseSchema, models: DatabaseSchema) -> None:
    """Match a column's own sequence with the free one of that name in the models.

    Autogenerate leaves `Sequence("user_id_seq")` out, and makes a SERIAL whose sequence has that
    very name: the models' `nextval` finds it. There cannot be two.
    """
    for owned in database.owned:
        same = [part for part in models.objects if (part.kind, part.sql) == ("sequence", owned.sql)]
        column = _column_of(owned, models)
        if same and column is None:
            _note_owner(owned, same[0], database)
            continue
        for sequence in same:
            if _RANGE.sub("", sequence.facts["options"]) == _RANGE.sub("", owned.facts["options"]):
                models.objects.remove(sequence)
            else:
                database.objects.append(replace(owned, name=sequence.name, columns=()))
            _share_default(owned, database, models)


def _column_of(owned: Part, schema: DatabaseSchema) -> Optional[Part]:
    """Return the column that owns a sequence, if the schema has it."""
    table, _, name = owned.columns[0].rpartition(".")
    columns = schema.tables[table].of("column") if table in schema.tables else []
    return next((part for part in columns if part.name == name), None)


def _note_owner(owned: Part, sequence: Part, database: DatabaseSchema) -> None:
    """Add a sequence that its column would take along; an identity cannot leave its own."""
    column = _column_of(owned, database)
    if column is not None and not column.facts["identity"]:
        facts = {**owned.facts, OWNER: owned.columns[0]}
        database.objects.append(replace(owned, name=sequence.name, facts=facts, columns=()))


def _share_default(owned: Part, database: DatabaseSchema, models: DatabaseSchema) -> None:
    """Copy default and identity of the database's column to the models' one, where they match."""
    table, _, name = owned.columns[0].rpartition(".")
    (column,) = [part for part in database.tables[table].of("column") if part.name == name]
    parts = models.tables[table].parts
    named = owned.sql.replace("'", "''")
    for position, part in enumerate(parts):
        if (part.kind, part.name) != ("column", name) or part.facts["identity"]:
            continue
        if part.facts["default"] in ("", f"nextval('{named}'::regclass)"):
            same = {aspect: column.facts[aspect] for aspect in ("default", "identity")}
            parts[position] = replace(part, facts={**part.facts, **same})

"""What makes one database of two statements that makes another one of one: no difference."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import List, Sequence

from sqlalchemy import Constraint, ForeignKeyConstraint, MetaData, UniqueConstraint

from .schema import Part, Schema, Table

# The type of a sequence, and the last number if that is the type's own.
_RANGE = re.compile(rf"AS \w+ | MAXVALUE ({2**15 - 1}|{2**31 - 1}|{2**63 - 1})\b")


def note_folded(models: Schema, metadatas: Sequence[MetaData]) -> None:
    """Note the unique constraints of the models that their own database lacks.

    PostgreSQL folds those into the primary key, or into one another, that one CREATE TABLE has over
    the same columns; not what a later ALTER TABLE adds, as autogenerate then tells to.
    """
    for metadata in metadatas:
        for key, table in metadata.tables.items():
            if key in models.tables:
                wanted = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
                models.tables[key].folded += _lacked(models.tables[key], wanted)


def _lacked(table: Table, wanted: Sequence[UniqueConstraint]) -> List[Part]:
    has, lacked = table.of("unique"), []
    for constraint in sorted(wanted, key=lambda one: one.name is None):  # names first
        name, columns = str(constraint.name or ""), tuple(one.name for one in constraint.columns)
        part = Part("unique", name, {}, columns, made_up=not name)
        same = [one for one in has if one.is_named_like(part) and one.columns == columns]
        if same:
            has.remove(same[0])
        else:
            lacked.append(part)
    return lacked


def share_validity(database: Schema, models: Schema, metadatas: Sequence[MetaData]) -> None:
    """Say of constraints with `postgresql_not_valid=True` that they are as valid as the database's.

    In a new table, such as the models make, the server has no rows to look at, and any is valid.
    """
    for metadata in metadatas:
        for key, table in metadata.tables.items():
            if key not in database.tables or key not in models.tables:
                continue
            for constraint in table.constraints:
                if constraint.dialect_kwargs.get("postgresql_not_valid"):
                    _share_validity(constraint, database.tables[key], models.tables[key])


def _share_validity(constraint: Constraint, found: Table, wanted: Table) -> None:
    kind = "foreign_key" if isinstance(constraint, ForeignKeyConstraint) else "check"
    for place, part in enumerate(wanted.parts):
        is_named = part.made_up if constraint.name is None else part.name == constraint.name
        if part.kind != kind or not is_named:
            continue
        for other in found.of(kind):
            facts = {**part.facts, "validity": other.facts.get("validity", "")}
            if replace(part, facts=facts).is_like(other):
                wanted.parts[place] = replace(part, facts=facts)


def adopt_owned(database: Schema, models: Schema) -> None:
    """Take a column's own sequence for the free one of that name that the models have.

    Autogenerate leaves `Sequence("user_id_seq")` out, and makes a SERIAL whose sequence has that
    very name: the models' `nextval` finds it. There cannot be two.
    """
    for owned in database.owned:
        same = [part for part in models.loose if (part.kind, part.sql) == ("sequence", owned.sql)]
        for wanted in same:
            if _RANGE.sub("", wanted.facts["options"]) == _RANGE.sub("", owned.facts["options"]):
                models.loose.remove(wanted)
            else:
                database.loose.append(replace(owned, name=wanted.name, columns=()))
            _share_default(owned, database, models)


def _share_default(owned: Part, database: Schema, models: Schema) -> None:
    """Say of the models' column that its next value is that of the database's, as it is."""
    table, _, name = owned.columns[0].rpartition(".")
    if table not in models.tables:
        return
    (found,) = [part for part in database.tables[table].of("column") if part.name == name]
    parts = models.tables[table].parts
    named = owned.sql.replace("'", "''")
    for place, part in enumerate(parts):
        if (part.kind, part.name) != ("column", name) or part.facts["identity"]:
            continue
        if part.facts["default"] in ("", f"nextval('{named}'::regclass)"):
            same = {aspect: found.facts[aspect] for aspect in ("default", "identity")}
            parts[place] = replace(part, facts={**part.facts, **same})

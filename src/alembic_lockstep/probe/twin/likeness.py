"""What makes one database of two statements that makes another one of one: no difference."""

from __future__ import annotations

from typing import List, Sequence

from sqlalchemy import MetaData, UniqueConstraint

from .schema import Part, Schema, Table


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

"""Find names that something of the models takes over from something else of the database.

A schema of PostgreSQL has one namespace for tables, indexes and sequences, and one for types, which
tables have, too. Schemas are not told apart here: a drop that comes too early does no harm.
"""

from __future__ import annotations

from typing import Iterator, List

from .schema import DatabaseSchema, Part, TableSchema

# Not CHECKs and foreign keys, of which each table has its own.
_NAMED = ("index", "unique", "primary_key", "exclusion")


def tables_in_the_way(database: DatabaseSchema, models: DatabaseSchema) -> List[str]:
    """Return the tables of the database that go, and of which the models use a name."""
    taken = set(_names(models))
    return [
        key
        for key, table in database.tables.items()
        if key not in models.tables and not taken.isdisjoint(_names_of_table(key, table, database))
    ]


def is_taken_over(part: Part, models: DatabaseSchema) -> bool:
    """Return whether the models use the name of a type or a sequence that they lack."""
    return bare(part.name) in _names(models)


def bare(key: str) -> str:
    """Return the name without the schema."""
    return key.rpartition(".")[2]


def _names(models: DatabaseSchema) -> Iterator[str]:
    """Yield all names, less those that the server makes up when they are not free."""
    for key, table in models.tables.items():
        yield bare(key)
        yield from (part.name for part in table.of(*_NAMED) if not part.has_generated_name)
    yield from (bare(part.name) for part in models.objects)


def _names_of_table(key: str, table: TableSchema, database: DatabaseSchema) -> Iterator[str]:
    yield bare(key)
    yield from (part.name for part in table.of(*_NAMED))
    for sequence in database.owned:
        if sequence.columns[0].rpartition(".")[0] == key:
            yield bare(sequence.sql).strip('"')

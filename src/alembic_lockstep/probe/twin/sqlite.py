"""Read a SQLite database, and fix its differences by SQL.

SQLite stores the text of the CREATE statements as it is, so it is brought to a normal form here.
The tables of the main database and their indexes are read; virtual tables with their shadow tables,
views and triggers are left out.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Set

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from ..rendering import escape_colons
from .create_table import read_index, read_table
from .expression import identifier
from .rows import values_for
from .schema import DatabaseSchema, Part, SchemaDifference, TableSchema, differences
from .sqltext import FOREIGN_KEYS_OFF, Reader, fold, tokenize

# Suffixes of the shadow tables of the modules that come with SQLite.
_SHADOWS = (
    *("content", "data", "idx", "docsize", "config", "segments", "segdir", "stat"),  # FTS 3 to 5
    *("node", "rowid", "parent"),  # R-trees
)
# Of columns and constraints.
_UNREFLECTED = ("autoincrement", "collation", "computed", "match", "on_conflict")
_quote = sqlite.dialect().identifier_preparer.quote


def read(connection: Connection) -> DatabaseSchema:
    """Read all tables, in one query."""
    rows = connection.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    ).fetchall()
    virtual = [name for _, name, _, sql in rows if sql.upper().startswith("CREATE VIRTUAL")]
    left_out = {f"{name}_{kind}" for name in virtual for kind in _SHADOWS}.union(virtual)
    tables = {
        name: TableSchema(_quote(name), read_table(sql), sql)
        for kind, name, _, sql in rows
        if kind == "table" and name not in left_out and not fold(name).startswith("sqlite_")
    }
    for kind, _, name, sql in rows:
        if name in tables and kind == "index":
            tables[name].parts.append(read_index(sql, tables[name].of("column")))
        elif name in tables and kind == "trigger":
            tables[name].lost.append(sql)
    _fill_in_targets(tables)
    return DatabaseSchema(tables)


def _fill_in_targets(tables: Dict[str, TableSchema]) -> None:
    """Complete foreign keys without columns: they refer to the primary key."""
    keys = {
        identifier(name): ", ".join(map(identifier, key.columns))
        for name, table in tables.items()
        for key in table.of("primary_key")
    }
    for table in tables.values():
        for part in table.of("foreign_key"):
            target = part.facts["target"]
            if target in keys:
                part.facts["target"] = f"{target} ({keys[target]})"


def is_lost_in_batch(table: TableSchema) -> bool:
    """Return whether Alembic's batch mode would recreate the table without a part of it.

    It makes what SQLAlchemy reflects: no AUTOINCREMENT, collations, ON CONFLICT, CHECKs without a
    name, triggers, nor indexes on expressions. It inserts into computed columns, takes a colon in a
    text for a parameter, doubles quotes in names, and keeps only the first line of a condition.
    """
    names = {identifier(column.name) for column in table.of("column")}
    return bool(table.lost or table.of("options")) or any(
        any(part.facts.get(fact) for fact in _UNREFLECTED)
        or (part.kind == "check" and part.has_generated_name)
        or '"' in part.name
        or "\n" in part.sql
        or (part.kind == "index" and not names.issuperset(part.facts["columns"].split(", ")))
        or escape_colons(part.sql) != part.sql
        for part in table.parts
    )


def alembic_fails(difference: SchemaDifference) -> bool:
    """Return whether batch mode would convert the values of a column, and lose most of them.

    It casts, and for SQLite a date is a number: '2026-11-29' becomes 2026, and 'few' becomes 0.
    """
    expected, actual = difference.expected, difference.actual
    if difference.aspect != "type" or expected is None or actual is None:
        return False
    old, new = (_family(part.facts["type"]) for part in (actual, expected))
    return old != new


def _family(kind: str) -> str:
    name = kind.partition("(")[0].strip()
    families = (("INT", "integer"), ("CHAR", "text"), ("TEXT", "text"), ("CLOB", "text"))
    return next((family for part, family in families if part in name), name)


def fix_statements(
    difference: SchemaDifference, database: DatabaseSchema, models: DatabaseSchema
) -> List[str]:
    """Return the statements that fix a difference.

    SQLite can only exchange indexes; a table with any other difference is recreated, as in
    https://www.sqlite.org/lang_altertable.html#otheralter, and all its differences are fixed.
    Foreign keys have to be off meanwhile, or dropping the table deletes rows that refer to it, and
    SQLite ignores the first statement inside of a transaction. A migration's code has more in its
    place: see `without_enforcement()`.
    """
    key = difference.table
    actual, expected = database.tables[key], models.tables[key]
    every = differences(DatabaseSchema({key: actual}), DatabaseSchema({key: expected}))
    if all(difference_in_table.part.kind == "index" for difference_in_table in every):
        return _make_index(difference.part, database, models)
    return list(_recreate_table(actual, expected, database, models))


def _make_index(part: Part, database: DatabaseSchema, models: DatabaseSchema) -> List[str]:
    """Leave only the models' index of that name, also if it is on another table.

    All tables share the names of indexes, and a recreated table has its indexes already.
    """
    statements = [
        index.sql
        for key, table in models.tables.items()
        for index in table.of("index")
        if key in database.tables and fold(index.name) == fold(part.name)
    ]
    return [f"DROP INDEX IF EXISTS {_quote(part.name)}", *statements]


def _recreate_table(
    actual: TableSchema, expected: TableSchema, database: DatabaseSchema, models: DatabaseSchema
) -> Iterator[str]:
    name = tokenize(expected.sql)[2].name
    new = _quote(f"_lockstep_{name}")
    yield FOREIGN_KEYS_OFF
    yield _renamed(expected.sql, new)
    has = {fold(column.name) for column in actual.of("column")}
    values = values_for(actual, expected, _quote)
    if values:
        names, row = ", ".join(map(_quote, values)), ", ".join(values.values())
        yield f"INSERT INTO {new} ({names}) SELECT {row} FROM {actual.sql_name}"
    if _counts(actual) and _counts(expected):
        yield from _keep_count(f"_lockstep_{name}", name)
    yield f"DROP TABLE {actual.sql_name}"
    # Otherwise a view of the table, which does not exist at the moment, makes the next one fail.
    yield "PRAGMA legacy_alter_table = ON"
    yield f"ALTER TABLE {new} RENAME TO {expected.sql_name}"
    yield "PRAGMA legacy_alter_table = OFF"
    for index in expected.of("index"):
        yield from _make_index(index, database, models)
    gone = has - {fold(column.name) for column in expected.of("column")}
    yield from (trigger for trigger in actual.lost if not gone & _columns_of_trigger(trigger))


def _columns_of_trigger(sql: str) -> Set[str]:
    """Return the columns of its table without which a trigger fails, or cannot be created."""
    tokens = [fold(token.name) for token in tokenize(sql)]
    rows = ("new", "old")
    used = {
        tokens[at + 2]
        for at in range(len(tokens) - 2)
        if tokens[at] in rows
        if tokens[at + 1] == "."
    }
    head = tokens[: tokens.index("begin")]
    listed = head[head.index("of") + 1 : head.index("on")] if "of" in head else []
    return used.union(listed)


def _counts(table: TableSchema) -> bool:
    return any(key.facts.get("autoincrement") for key in table.of("primary_key"))


def _keep_count(new: str, old: str) -> List[str]:
    """Keep AUTOINCREMENT's counter: no id may be used twice, also if its row is deleted."""
    query = f"SELECT {_string(new)}, seq FROM sqlite_sequence WHERE name = {_string(old)}"
    return [
        f"DELETE FROM sqlite_sequence WHERE name = {_string(new)}",
        f"INSERT INTO sqlite_sequence (name, seq) {query}",
    ]


def _string(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _renamed(sql: str, name: str) -> str:
    """Return the CREATE TABLE statement for another name, which is no column's."""
    reader = Reader(tokenize(sql))
    reader.accept("CREATE", "TABLE")
    old = reader.next()
    text, end = f"CREATE TABLE {name}", old.end
    while reader:
        token = reader.next()
        if fold(token.name) == fold(old.name) and reader.sees("."):
            text, end = text + sql[end : token.start], reader.next().end
    return text + sql[end:]

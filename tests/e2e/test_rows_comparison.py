"""Rows that are compared before and after statements of migrations, on real databases."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from alembic_lockstep.rows import RowChange, RowsDatabase, compare_rows, fill, read_rows

from .rows_bench import Databases, databases, dialect, run, servers, table

__all__ = ["databases", "dialect", "servers"]

USERS = """
    CREATE TABLE users (id {key}, name VARCHAR(20) NOT NULL, score INTEGER, born DATE,
        ratio NUMERIC(10, 2), active BOOLEAN NOT NULL, note TEXT);
    CREATE TABLE orders (id {key}, user_id INTEGER NOT NULL, a VARCHAR(9) NOT NULL,
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
    CREATE TABLE tags (a VARCHAR(9), b INTEGER);
    CREATE TABLE empty_table (a INTEGER)
"""


@dataclass(frozen=True)
class Migrated:
    """A database whose rows were read before."""

    database: RowsDatabase
    changes: list[RowChange]

    def kinds(self) -> list[tuple[str, str, str]]:
        return [(change.kind, str(change.table), change.column) for change in self.changes]


def migrated(databases: Databases, dialect: str, sql: str, tables: str = USERS) -> Migrated:
    database = databases.make(dialect, tables)
    filled = fill(database)
    assert not [part for part in filled.unfilled if part.name != table("empty_table")]
    before = read_rows(database)
    run(database, sql)
    return Migrated(database, compare_rows(before, read_rows(database, before=before)))


#: Statements after which all is still there, for all dialects or some.
HARMLESS = {
    "nothing": ("", "sqlite postgresql mysql"),
    "a new column": ("ALTER TABLE users ADD x INTEGER DEFAULT 5", "sqlite postgresql mysql"),
    "a new table": ("CREATE TABLE x (a INTEGER)", "sqlite postgresql mysql"),
    "new rows": ("INSERT INTO tags VALUES ('new', 1)", "sqlite postgresql mysql"),
    "a renamed column": (
        "ALTER TABLE users RENAME COLUMN name TO label",
        "sqlite postgresql mysql",
    ),
    "a renamed key": ("ALTER TABLE users RENAME COLUMN id TO number", "sqlite postgresql mysql"),
    "a renamed table": ("ALTER TABLE users RENAME TO people", "sqlite postgresql mysql"),
    "a renamed table without a key": (
        "ALTER TABLE tags RENAME TO labels",
        "sqlite postgresql mysql",
    ),
    "a renamed table and column": (
        "ALTER TABLE users RENAME TO people;\nALTER TABLE people RENAME COLUMN name TO label",
        "sqlite postgresql mysql",
    ),
    "NULLs that are filled": (
        "UPDATE users SET score = 0 WHERE score IS NULL",
        "sqlite postgresql mysql",
    ),
    "a column that is copied, then dropped": (
        "ALTER TABLE users ADD label VARCHAR(50);\nUPDATE users SET label = name;\n"
        "ALTER TABLE users DROP COLUMN name",
        "sqlite postgresql mysql",
    ),
    "a column that moves to another table": (
        "CREATE TABLE notes (user_id INTEGER, body TEXT);\n"
        "INSERT INTO notes SELECT id, note FROM users WHERE note IS NOT NULL;\n"
        "ALTER TABLE users DROP COLUMN note",
        "sqlite postgresql mysql",
    ),
    "an empty table that is dropped": ("DROP TABLE nothing_in_it", "sqlite postgresql mysql"),
    "a wider text": ("ALTER TABLE users ALTER name TYPE text", "postgresql"),
    "a wider text, in MySQL": ("ALTER TABLE users MODIFY name text NOT NULL", "mysql"),
    "a number that becomes text": ("ALTER TABLE users ALTER score TYPE text", "postgresql"),
    "a number that becomes text, in MySQL": ("ALTER TABLE users MODIFY score text", "mysql"),
    "an integer that becomes a decimal": (
        "ALTER TABLE users ALTER score TYPE numeric(20, 5)",
        "postgresql",
    ),
    "an integer that becomes a decimal, in MySQL": (
        "ALTER TABLE users MODIFY score decimal(20, 5)",
        "mysql",
    ),
    "a key that becomes wider": ("ALTER TABLE users ALTER id TYPE bigint", "postgresql"),
    "a key that becomes text": (
        "ALTER TABLE tags ADD id serial PRIMARY KEY;\nALTER TABLE tags ALTER id DROP DEFAULT;\n"
        "ALTER TABLE tags ALTER id TYPE text",
        "postgresql",
    ),
    "a day that becomes a time": ("ALTER TABLE users ALTER born TYPE timestamptz", "postgresql"),
    "a day that becomes a time, in MySQL": ("ALTER TABLE users MODIFY born datetime", "mysql"),
    "a boolean that becomes a number": (
        "ALTER TABLE users ALTER active TYPE int USING active::int",
        "postgresql",
    ),
    "a boolean that becomes text": ("ALTER TABLE users ALTER active TYPE text", "postgresql"),
    "a boolean that becomes a number, in MySQL": (
        "ALTER TABLE users MODIFY active int NOT NULL",
        "mysql",
    ),
    "text that becomes JSON": (
        "ALTER TABLE users ALTER note TYPE jsonb USING to_jsonb(note)",
        "postgresql",
    ),
    "text that becomes an array": (
        "ALTER TABLE users ALTER note TYPE text[] USING ARRAY[note]",
        "postgresql",
    ),
    "text that becomes bytes": (
        "ALTER TABLE users ALTER note TYPE bytea USING convert_to(note, 'UTF8')",
        "postgresql",
    ),
    "a key that becomes a UUID": (
        "ALTER TABLE orders DROP COLUMN id;\n"
        "ALTER TABLE orders ADD id uuid DEFAULT gen_random_uuid() PRIMARY KEY",
        "postgresql",
    ),
    "another schema": ("CREATE SCHEMA other;\nALTER TABLE tags SET SCHEMA other", "postgresql"),
    "a table that is rebuilt": (
        "PRAGMA foreign_keys = OFF;\n"
        "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT, score TEXT, born DATE, "
        "ratio FLOAT, active INTEGER, note TEXT);\n"
        "INSERT INTO new SELECT * FROM users;\nDROP TABLE users;\n"
        "ALTER TABLE new RENAME TO users;\nPRAGMA foreign_keys = ON",
        "sqlite",
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_survives(databases: Databases, dialect: str, name: str) -> None:
    sql, dialects = HARMLESS[name]
    if dialect not in dialects.split():
        return
    tables = USERS.replace("empty_table", "nothing_in_it") if "nothing_in_it" in sql else USERS
    database = databases.make(dialect, tables)
    fill(database, [table("users"), table("tags")])
    before = read_rows(database)
    run(database, sql)

    assert compare_rows(before, read_rows(database, before=before)) == []
    assert sum(part.count for part in before.tables.values()) >= 15


def test_labels_that_are_renamed(databases: Databases) -> None:
    tables = "CREATE TYPE kind AS ENUM ('a', 'b', 'c');\nCREATE TABLE t (id {key}, k kind NOT NULL)"
    renamed = "ALTER TYPE kind RENAME VALUE 'a' TO 'z'"
    replaced = (
        "ALTER TYPE kind RENAME TO old;\nCREATE TYPE kind AS ENUM ('A', 'B', 'C');\n"
        "ALTER TABLE t ALTER k TYPE kind USING upper(k::text)::kind"
    )
    mixed = "UPDATE t SET k = 'b' WHERE k = 'a'"

    assert migrated(databases, "postgresql", renamed, tables).changes == []
    assert migrated(databases, "postgresql", replaced, tables).changes == []
    changed = migrated(databases, "postgresql", mixed, tables)
    assert changed.kinds() == [("value-changed", "t", "k")]


#: Statements, and what they lose: kind, table, column.
LOSSES = {
    "rows": ("DELETE FROM users WHERE id = 1", "rows-vanished users ,rows-vanished orders "),
    "rows without a key": ("DELETE FROM tags WHERE b IS NOT NULL", "rows-vanished tags "),
    "all rows of a child": ("DELETE FROM orders", "rows-vanished orders "),
    "a column": ("ALTER TABLE users DROP COLUMN score", "column-dropped users score"),
    "a table": ("DROP TABLE tags", "table-dropped tags "),
    "values": ("UPDATE users SET score = 7777", "value-changed users score"),
    "values that become NULL": ("UPDATE users SET note = NULL", "nulled users note"),
    "values that are cut": (
        "UPDATE users SET note = SUBSTR(note, 1, 3) WHERE LENGTH(note) > 30",
        "value-cut users note",
    ),
    "digits": ("UPDATE users SET ratio = ROUND(ratio)", "value-cut users ratio"),
    "a table whose rows stay behind": (
        "CREATE TABLE labels (a VARCHAR(9), b INTEGER);\nDROP TABLE tags",
        "table-dropped tags ",
    ),
    "a value for every row": ("UPDATE tags SET a = 'same'", "value-changed tags a"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_lost(databases: Databases, dialect: str, name: str) -> None:
    sql, losses = LOSSES[name]
    found_changes = migrated(databases, dialect, sql)

    kinds = [" ".join(kind) for kind in found_changes.kinds()]
    assert sorted(kinds) == sorted(losses.split(","))
    for change in found_changes.changes:
        assert 0 < change.rows <= change.total
        assert change.before


def test_a_narrower_type(databases: Databases) -> None:
    tables = "CREATE TABLE t (id {key}, a VARCHAR(300) NOT NULL, at TIMESTAMP(6) NOT NULL)"
    sql = "ALTER TABLE t ALTER a TYPE varchar(10) USING left(a, 10), ALTER at TYPE date"
    changes = migrated(databases, "postgresql", sql, tables).changes

    assert [(change.kind, change.column) for change in changes] == [
        ("value-cut", "a"),
        ("value-cut", "at"),
    ]
    assert changes[0].rows == 1
    assert changes[0].before.startswith("'a 1 abcdefghij")
    assert changes[0].after == "'a 1 abcdef'"


def test_a_rename_that_drops_and_adds(databases: Databases, dialect: str) -> None:
    sql = (
        "ALTER TABLE users ADD full_name VARCHAR(20);\nALTER TABLE users ADD other INTEGER;\n"
        "ALTER TABLE users DROP COLUMN name"
    )
    (change,) = migrated(databases, dialect, sql).changes

    assert (change.kind, change.column, change.successor) == (
        *("column-dropped", "name", "full_name"),
    )
    assert (change.rows, change.total) == (5, 5)
    assert change.before == "'name 1'"


def test_a_table_that_drops_and_adds(databases: Databases) -> None:
    sql = "CREATE TABLE labels (a VARCHAR(9), b INTEGER, c INTEGER);\nDROP TABLE tags"
    (change,) = migrated(databases, "sqlite", sql).changes

    assert (change.kind, change.successor) == ("table-dropped", "labels")


def test_the_cascade_of_a_rebuild(databases: Databases) -> None:
    """SQLite ignores the pragma within a transaction."""
    sql = (
        "BEGIN;\nPRAGMA foreign_keys = OFF;\n"
        "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT, score INTEGER DEFAULT 7, born DATE, "
        "ratio FLOAT, active BOOLEAN, note TEXT);\n"
        "INSERT INTO new SELECT * FROM users;\nDROP TABLE users;\n"
        "ALTER TABLE new RENAME TO users;\nCOMMIT"
    )
    (change,) = migrated(databases, "sqlite", sql).changes

    assert (change.kind, str(change.table), change.rows, change.total) == (
        *("rows-vanished", "orders", 5, 5),
    )


def test_many_rows(databases: Databases) -> None:
    """Rows that are not read are not called vanished."""
    numbers = "WITH n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    tables = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)"
    database = databases.make("sqlite", tables)
    database.run(f"INSERT INTO t SELECT i * 2, i FROM ({numbers}SELECT i FROM n)")
    before = read_rows(database)
    database.run("INSERT INTO t SELECT id - 1, a FROM t")

    assert before.tables[table("t")].count == 3000
    assert not before.tables[table("t")].is_whole
    assert compare_rows(before, read_rows(database, before=before)) == []
    database.run("DELETE FROM t WHERE id > 2000")
    (change,) = compare_rows(before, read_rows(database, before=before))
    assert (change.kind, change.rows, change.total) == ("rows-vanished", 1000, 3000)


def test_rows_are_json(databases: Databases, dialect: str) -> None:
    database = databases.make(dialect, USERS)
    fill(database)

    loaded = json.loads(json.dumps(read_rows(database, [table("users")]).as_json()))
    assert list(loaded) == ["users"]
    assert loaded["users"]["key"] == ["id"]
    assert loaded["users"]["rows"][0][:2] == ["1", "name 1"]
    assert loaded["users"]["count"] == 5


def test_times_that_an_update_touches(databases: Databases) -> None:
    """A migration that updates rows changes them, and did not ask for it."""
    at = "at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
    tables = f"CREATE TABLE t (id {{key}}, a INTEGER, {at})"
    assert migrated(databases, "mysql", "UPDATE t SET a = 5 WHERE a IS NULL", tables).changes == []

    tables = """
        CREATE TABLE t (id {key}, a INTEGER, at TIMESTAMP NOT NULL);
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.at = now(); RETURN NEW; END';
        CREATE TRIGGER touches BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()
    """
    update = "UPDATE t SET a = 5 WHERE a IS NULL"
    assert migrated(databases, "postgresql", update, tables).changes == []
    plain = "CREATE TABLE t (id {key}, a INTEGER, at TIMESTAMP NOT NULL)"
    changed = migrated(databases, "postgresql", "UPDATE t SET at = now()", plain)
    assert changed.kinds() == [("value-changed", "t", "at")]


def test_tables_that_inherit(databases: Databases) -> None:
    tables = """
        CREATE TABLE a (id int PRIMARY KEY, t text);
        CREATE TABLE b (u int, PRIMARY KEY (id)) INHERITS (a);
        CREATE TABLE c (a int NOT NULL REFERENCES a)
    """
    assert migrated(databases, "postgresql", "", tables).changes == []
    changed = migrated(databases, "postgresql", "DELETE FROM b", tables)
    assert changed.kinds() == [("rows-vanished", "b", "")]

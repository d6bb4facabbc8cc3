"""The SQL for parts that a database lacks: run, it makes them as they were."""

from __future__ import annotations

import sqlite3

import pytest

from alembic_lockstep.described_schema import SchemaPart, read_schema
from alembic_lockstep.doctor.comparable_parts import comparable, compare_with_live
from alembic_lockstep.doctor.missing_ddl import missing_ddl
from alembic_lockstep.rows.rows_database import sqlite_rows_database

GAMES = "CREATE TABLE games (id INTEGER PRIMARY KEY, title TEXT)"
PLAYS = (
    "CREATE TABLE plays (id INTEGER PRIMARY KEY, game INTEGER REFERENCES games (id),"
    " won BOOLEAN CHECK (won IN (0, 1)), UNIQUE (game))"
)
INDEX = "CREATE INDEX ix_title ON games (lower(title)) WHERE title > ''"


def read(connection: sqlite3.Connection) -> frozenset[SchemaPart]:
    return read_schema(sqlite_rows_database(connection))


def database(*statements: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    ("has", "makes"),
    [
        ([GAMES], [GAMES, PLAYS, "CREATE INDEX ix_won ON plays (won)"]),
        ([GAMES], [GAMES, INDEX]),
        ([GAMES], [GAMES, "ALTER TABLE games ADD COLUMN rounds INTEGER DEFAULT 3"]),
        ([], [GAMES, "CREATE UNIQUE INDEX uq ON games (title DESC)"]),
    ],
)
def test_sql_for_sqlite_makes_what_is_missing(has: list[str], makes: list[str]) -> None:
    live, expected = database(*has), database(*makes)
    texts = dict(expected.execute("SELECT name, sql FROM sqlite_master WHERE sql > ''"))
    delta = compare_with_live(read(expected), read(live))
    for statement in missing_ddl(delta.missing, read(expected), "sqlite", texts):
        live.execute(statement)
    assert read(live) == read(expected)


@pytest.mark.parametrize(
    ("dialect", "part", "sql"),
    [
        (
            "postgresql",
            SchemaPart("column", "n", "t", "integer NOT NULL DEFAULT 0"),
            'ALTER TABLE "t" ADD COLUMN "n" integer NOT NULL DEFAULT 0;',
        ),
        (
            "postgresql",
            SchemaPart("foreign key", "t_n_fkey", "other.t", "FOREIGN KEY (n) REFERENCES u(id)"),
            'ALTER TABLE "other"."t" ADD CONSTRAINT "t_n_fkey" FOREIGN KEY (n) REFERENCES u(id);',
        ),
        (
            "postgresql",
            SchemaPart("index", "ix", "t", "UNIQUE USING btree (lower(n))"),
            'CREATE UNIQUE INDEX "ix" ON "t" USING btree (lower(n));',
        ),
        ("postgresql", SchemaPart("type", "mood"), "-- not made here: type mood"),
        (
            "mysql",
            SchemaPart("index", "ix", "t", "UNIQUE BTREE (a, b(10))"),
            "CREATE UNIQUE INDEX `ix` ON `t` (a, b(10));",
        ),
        (
            "mysql",
            SchemaPart("check", "positive", "t", "`n` > 0"),
            "ALTER TABLE `t` ADD CONSTRAINT `positive` CHECK (`n` > 0);",
        ),
        (
            "sqlite",
            SchemaPart("unique", "", "t", "(n)", is_generated=True),
            "-- not made here: unique (n) of t",
        ),
        (
            "sqlite",
            SchemaPart("column", "n", "t", "INTEGER NOT NULL"),
            "-- rows need a value, so add a DEFAULT to this one: "
            'ALTER TABLE "t" ADD COLUMN "n" INTEGER NOT NULL;',
        ),
    ],
)
def test_a_part_has_a_statement_or_a_comment(dialect: str, part: SchemaPart, sql: str) -> None:
    assert list(missing_ddl([part], [part], dialect, {})) == [sql]


def test_servers_settings_are_no_difference() -> None:
    has = [
        SchemaPart("table", "t", definition="InnoDB utf8mb4_general_ci"),
        SchemaPart("column", "n", "t", "int(11) DEFAULT '3'"),
        SchemaPart("column", "s", "t", "varchar(9) COLLATE utf8mb4_bin"),
        SchemaPart("column", "d", "t", "datetime DEFAULT current_timestamp()"),
    ]
    makes = [
        SchemaPart("table", "t", definition="InnoDB utf8mb4_0900_ai_ci"),
        SchemaPart("column", "n", "t", "int DEFAULT 3"),
        SchemaPart("column", "s", "t", "varchar(9)"),
        SchemaPart("column", "d", "t", "datetime DEFAULT CURRENT_TIMESTAMP"),
    ]
    assert comparable(has, "mysql") == comparable(makes, "mysql")
    own = SchemaPart("column", "n", "t", "int(11)")
    assert comparable([own, SchemaPart("extension", "ltree")], "postgresql") == {own}

"""Differences of schemas in words; names and orders that say nothing do not count."""

from __future__ import annotations

import sqlite3

import pytest

from alembic_lockstep.described_schema import (
    PartsDifference,
    SchemaPart,
    compare_schemas,
    read_schema,
)
from alembic_lockstep.rows.rows_database import sqlite_rows_database

BASE = "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 1, t VARCHAR(10));"


def schema(sql: str) -> frozenset[SchemaPart]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(sql)
    with sqlite_rows_database(connection) as database:
        return read_schema(database)


@pytest.mark.parametrize(
    "after",
    [
        "CREATE TABLE a (t varchar(10), n INTEGER DEFAULT (1) NOT NULL, id INTEGER PRIMARY KEY);",
        'CREATE TABLE "a" (id INTEGER NOT NULL, n INTEGER NOT NULL DEFAULT 1, t VARCHAR (10), '
        "CONSTRAINT pk PRIMARY KEY (id));",
        f"{BASE} CREATE TABLE b (x); DROP TABLE b;",
    ],
)
def test_spelling_and_order_are_no_difference(after: str) -> None:
    assert compare_schemas(schema(BASE), schema(after)) == PartsDifference()


@pytest.mark.parametrize(
    ("after", "difference"),
    [
        (
            f"{BASE} CREATE TABLE b (id INTEGER PRIMARY KEY, x UNIQUE); CREATE INDEX ix ON b (x);",
            PartsDifference(left=("table b",)),
        ),
        (f"{BASE} CREATE INDEX ix ON a (n);", PartsDifference(left=("index ix of a",))),
        (
            BASE.replace("n INTEGER NOT NULL DEFAULT 1", "m INTEGER"),
            PartsDifference(left=("column a.m",), lost=("column a.n",)),
        ),
        (
            BASE.replace("(10)", "(20)"),
            PartsDifference(changed=("column a.t was VARCHAR(10), is VARCHAR(20)",)),
        ),
        (
            BASE.replace("t VARCHAR(10)", "t VARCHAR(10) UNIQUE"),
            PartsDifference(left=("unique (t) of a",)),
        ),
        (
            BASE.replace("t VARCHAR(10)", "t VARCHAR(10) REFERENCES a ON DELETE CASCADE"),
            PartsDifference(
                left=("foreign key (t) REFERENCES a () ON UPDATE NO ACTION ON DELETE CASCADE of a",)
            ),
        ),
        ("", PartsDifference(lost=("table a",))),
    ],
)
def test_what_is_left_lost_and_changed(after: str, difference: PartsDifference) -> None:
    assert compare_schemas(schema(BASE), schema(after)) == difference


def test_a_name_that_the_server_made_equals_any_other() -> None:
    own = SchemaPart("check", "positive", "a", "CHECK (n > 0)")
    servers = SchemaPart("check", "a_n_check", "a", "CHECK (n > 0)", is_generated=True)
    others = SchemaPart("check", "a_n_check1", "a", "CHECK (n > 0)", is_generated=True)
    assert compare_schemas([own], [servers]) == PartsDifference()
    assert compare_schemas([servers], [others]) == PartsDifference()
    renamed = SchemaPart("check", "above_zero", "a", "CHECK (n > 0)")
    assert compare_schemas([own], [renamed]).left == ("check above_zero of a",)

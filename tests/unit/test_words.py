"""Every difference has words of its own, and a migration message with a name in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.operations import ops

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.fix.blocks import _message
from alembic_lockstep.probe.foreign import describe_foreign
from alembic_lockstep.probe.twin.dialects import TwinDialect
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.schema import DatabaseSchema, Part, TableSchema


@dataclass
class AddEnumValuesOp(ops.MigrateOperation):
    """As alembic-postgresql-enum's."""

    schema: str = "public"
    name: str = "mood"
    affected_columns: list[Any] = field(default_factory=list)


class CreateEnumOp(AddEnumValuesOp):
    """As alembic-postgresql-enum's."""


class PGGrantTable:
    """As alembic_utils'."""

    schema, signature = "shop", "games"


class ReplaceOp(ops.MigrateOperation):
    """As alembic_utils': the words are of what it is about."""

    target = PGGrantTable()


class HypertableOp(ops.MigrateOperation):
    table_name = "readings"


class Op(ops.MigrateOperation):
    """One that says nothing."""


USER = SimpleNamespace(table_schema="public", table_name="games", column_name="mood")
ELSEWHERE = SimpleNamespace(table_schema="shop", table_name="games", column_name="mood")


@pytest.mark.parametrize(
    ("op", "text", "table", "name", "columns"),
    [
        (AddEnumValuesOp(affected_columns=[USER]), "enum values mood", "games", "mood", ["mood"]),
        (
            AddEnumValuesOp("shop", "m", [ELSEWHERE]),
            "enum values shop.m",
            "shop.games",
            "m",
            ["mood"],
        ),
        (CreateEnumOp(), "enum mood", "", "mood", []),
        (ReplaceOp(), "grant table shop.games", "", "games", []),
        (HypertableOp(), "hypertable readings", "", "readings", []),
        (Op(), "op", "", "", []),
    ],
)
def test_an_operation_of_another_package_is_called_what_it_is_about(
    op: ops.MigrateOperation, text: str, table: str, name: str, columns: list[str]
) -> None:
    fields = {"text": text, "table": table, "name": name, "columns": columns}
    assert describe_foreign(op, "public") == fields


def key(automatic: str) -> Part:
    facts = {"columns": "id", "on_conflict": "", "autoincrement": automatic, "rowid": "yes"}
    return Part("primary_key", "", facts, ("id",), True, "PRIMARY KEY (id)")


def options(**facts: str) -> Part:
    return Part("options", "", facts)


@pytest.mark.parametrize(
    ("has", "wants", "text"),
    [
        ([key("")], [key("yes")], "AUTOINCREMENT of table games"),
        ([options()], [options(strict="yes")], "STRICT of table games"),
        (
            [options(strict="yes")],
            [options(without_rowid="yes")],
            "WITHOUT ROWID, STRICT of table games",
        ),
        (
            [options(unlogged="yes")],
            [options(storage="fillfactor=70")],
            "storage parameters, UNLOGGED of table games",
        ),
        (
            [key("")],
            [Part("primary_key", "", {"columns": "a, b"}, ("a", "b"), True)],
            "primary key on games (a, b)",
        ),
    ],
)
def test_options_of_a_table_are_called_by_their_names(
    has: list[Part], wants: list[Part], text: str
) -> None:
    database, models = (
        DatabaseSchema({"games": TableSchema("games", parts)}) for parts in (has, wants)
    )
    dialect = TwinDialect(read=lambda _: database, fix_statements=lambda *_: [])
    (operation,) = compare_schemas("sqlite", dialect, database, models)["operations"]
    assert operation["text"] == text


@pytest.mark.parametrize(
    ("table", "name", "text", "message"),
    [
        ("games", "title", "column games.title", "change games.title"),
        ("", "numbers", "sequence numbers", "change numbers"),
        ("games", "", "table games", "change games"),
        ("", "", "op", "change op"),
    ],
)
def test_a_migration_is_called_by_what_it_is_about(
    table: str, name: str, text: str, message: str
) -> None:
    operation = Operation("", "other", table, name, (), "", "", text, ())
    assert _message([operation]) == message

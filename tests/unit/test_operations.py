"""Differences of two dry runs, subtracted; and the body that cures them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import (
    Operation,
    operations,
    subtract,
    upgrade_functions,
    without_uncompared,
)
from alembic_lockstep.probe.twin.declared import declared_parts

WINNERS = Operation(
    database="",
    kind="add_column",
    table="games",
    name="winners",
    columns=(),
    expected="sa.Column('winners', sa.JSON())",
    actual="",
    text="column games.winners",
    code=("op.add_column('games', sa.Column('winners', sa.JSON()))",),
)
TITLE = replace(
    WINNERS, kind="modify_type", name="title", expected="String(length=80)", text="type of column"
)


def test_what_the_base_lacks_too_is_old() -> None:
    assert subtract([WINNERS, TITLE], [TITLE]) == [WINNERS]


def test_the_databases_side_does_not_count() -> None:
    moved = replace(TITLE, code=("op.alter_column(existing_type=sa.String(length=40))",))
    assert subtract([moved], [TITLE]) == []


def test_a_difference_of_which_the_models_want_something_else_is_new() -> None:
    longer = replace(TITLE, expected="String(length=90)")
    assert subtract([longer], [TITLE]) == [longer]


def test_sets_are_subtracted_and_not_counts() -> None:
    healed, brought = TITLE, WINNERS
    assert subtract([brought], [healed]) == [brought]


def test_the_same_thing_in_another_database_is_another_difference() -> None:
    elsewhere = replace(WINNERS, database="archive")
    assert subtract([WINNERS, elsewhere], [WINNERS]) == [elsewhere]


def test_batch_blocks_of_one_table_are_merged() -> None:
    head = "with op.batch_alter_table('games') as batch_op:"
    first = replace(WINNERS, code=(head, "    batch_op.add_column(a)"))
    second = replace(WINNERS, name="b", code=(head, "    batch_op.add_column(b)"))
    added = "        batch_op.add_column(a)\n        batch_op.add_column(b)"
    assert upgrade_functions([first, second]) == f"def upgrade() -> None:\n    {head}\n{added}"


def test_one_alter_of_two_differences_is_written_once() -> None:
    nullable = replace(TITLE, kind="modify_nullable", expected="False")
    assert upgrade_functions([TITLE, nullable]) == f"def upgrade() -> None:\n    {TITLE.code[0]}"


def test_each_database_has_its_own_function_as_in_the_multidb_templates() -> None:
    first, default = (
        replace(WINNERS, database="engine1_upgrades"),
        replace(TITLE, database="_upgrades"),
    )
    text = upgrade_functions([first, default])
    assert text == (
        f"def upgrade_engine1() -> None:\n    {WINNERS.code[0]}\n\n"
        f"def upgrade_() -> None:\n    {TITLE.code[0]}"
    )


def test_tenants_that_lack_the_same_thing_are_one_difference() -> None:
    fact = {name: value for name, value in asdict(WINNERS).items() if name != "database"}
    database = {"name": "upgrades", "operations": [fact]}
    assert operations(Observation(databases=(database, database))) == [WINNERS]


CHECK = replace(WINNERS, kind="add_constraint", name="won", declared=("check won", "aaaa"))


@pytest.mark.parametrize(
    ("operation", "declared", "is_older"),
    [
        (CHECK, {"check won": "aaaa"}, True),
        (CHECK, {"check won": "bbbb"}, False),
        (CHECK, {}, False),
        (replace(CHECK, kind="remove_constraint", declared=("check won", "")), {}, True),
        (
            replace(CHECK, kind="remove_constraint", declared=("check won", "")),
            {"check won": "aaaa"},
            False,
        ),
        (WINNERS, {"column winners": "aaaa"}, False),  # autogenerate's own
    ],
)
def test_what_the_bases_models_could_not_make_is_older_if_they_said_the_same_of_it(
    operation: Operation, declared: dict[str, str], is_older: bool
) -> None:
    """Who mended the models was blamed for all that was not seen before."""
    before = Observation(databases=({"twin": {"declared": {"games": declared}}},))
    assert (without_uncompared([operation], before) == []) is is_older
    elsewhere = Observation(databases=({"twin": {"declared": {"other": declared}}},))
    assert without_uncompared([operation], elsewhere) == [operation]


def test_parts_are_told_apart_by_what_the_models_say_of_each() -> None:
    def parts(check: str, default: str) -> dict[str, str]:
        columns: list[Any] = [
            sa.Column("a", sa.Integer(), server_default=default),
            sa.Column("b", sa.Enum("x", "y", name="kind"), unique=True),
            sa.Column("c", sa.types.NullType()),
        ]
        constraints = [sa.CheckConstraint(check, name="ok"), sa.CheckConstraint("b <> a")]
        index = sa.Index("ix", "a")
        table = sa.Table("games", sa.MetaData(), *columns, *constraints, index)
        return declared_parts(table, postgresql.dialect())  # type: ignore[no-untyped-call]

    first, second = parts("a > 0", "1"), parts("a > 1", "2")
    assert parts("a > 0", "1") == first
    assert {name for name in first if first[name] != second[name]} == {"check ok", "column a"}
    assert {"column c", "check ", "unique ", "index ix", "enum kind", "options "} <= set(first)

"""Differences of two dry runs, subtracted; and the body that cures them."""

from __future__ import annotations

from dataclasses import asdict, replace

from alembic_lockstep.dryrun.operations import (
    Operation,
    operations,
    subtract,
    upgrade_functions,
)
from alembic_lockstep.dryrun.process import Observation

WINNERS = Operation(
    database="",
    kind="add_column",
    table="games",
    name="winners",
    columns=(),
    wanted="sa.Column('winners', sa.JSON())",
    found="",
    text="column games.winners",
    code=("op.add_column('games', sa.Column('winners', sa.JSON()))",),
)
TITLE = replace(
    WINNERS, kind="modify_type", name="title", wanted="String(length=80)", text="type of column"
)


def test_what_the_base_lacks_too_is_old() -> None:
    assert subtract([WINNERS, TITLE], [TITLE]) == [WINNERS]


def test_the_databases_side_does_not_count() -> None:
    moved = replace(TITLE, code=("op.alter_column(existing_type=sa.String(length=40))",))
    assert subtract([moved], [TITLE]) == []


def test_a_difference_of_which_the_models_want_something_else_is_new() -> None:
    longer = replace(TITLE, wanted="String(length=90)")
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
    nullable = replace(TITLE, kind="modify_nullable", wanted="False")
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

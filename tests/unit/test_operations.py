"""Differences of two dry runs, subtracted; and the body that cures them."""

from __future__ import annotations

from dataclasses import replace

from alembic_lockstep.dryrun.operations import Operation, subtract, upgrade_body

WINNERS = Operation(
    database="",
    kind="add_column",
    table="games",
    name="winners",
    columns=(),
    wanted="sa.Column('winners', sa.JSON())",
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
    body = upgrade_body([first, second])
    assert body == f"{head}\n    batch_op.add_column(a)\n    batch_op.add_column(b)"


def test_one_alter_of_two_differences_is_written_once() -> None:
    nullable = replace(TITLE, kind="modify_nullable", wanted="False")
    assert upgrade_body([TITLE, nullable]) == TITLE.code[0]

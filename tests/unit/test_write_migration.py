"""The parts of `fix` that need no database: message, choices, bodies, files, imports."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.dryrun.operation import Operation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.fix.row_steps import CHOOSE
from alembic_lockstep.write_migration.bodies import MARK, Composer
from alembic_lockstep.write_migration.choices import (
    Choices,
    RenamedColumn,
    possible_renames,
    values_to_choose,
    with_value,
)
from alembic_lockstep.write_migration.completing import completed
from alembic_lockstep.write_migration.message import message_for
from alembic_lockstep.write_migration.whole_files import replace_file, write_new

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
FILL = f'op.execute("UPDATE games SET paid = false WHERE paid IS NULL"){CHOOSE}'
PAID = replace(WINNERS, name="paid", expected="paid", fills=True, code=("op.add", FILL))


def fact(operation: Operation, **more: Any) -> dict[str, Any]:
    names = ("kind", "table", "name", "expected", "actual", "text", "fills", "renames")
    facts = {name: getattr(operation, name) for name in names}
    lists = {
        name: [*getattr(operation, name)] for name in ("columns", "code", "rename", "replaces")
    }
    return {**facts, **lists, **more}


def composed(
    forward: list[Operation],
    back: list[Operation],
    choices: Choices | None = None,
    wanted: list[Operation] | None = None,
) -> tuple[str, str]:
    composer = Composer(
        frozenset(each.identity for each in (wanted or forward)), choices or Choices()
    )
    database: Any = {
        "name": "upgrades",
        "operations": [fact(each) for each in forward],
        "way_back": [fact(each) for each in back],
    }
    bodies = composer.compose([database])["databases"]["upgrades"]
    return bodies["upgrade"], bodies["downgrade"]


def dropped(operation: Operation) -> Operation:
    code = (f"op.drop_column({operation.table!r}, {operation.name!r})",)
    return replace(operation, kind="remove_column", expected="", code=code, fills=False)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([WINNERS], "add games.winners"),
        ([WINNERS, PAID], "add games.winners, games.paid"),
        ([WINNERS, dropped(PAID)], "add games.winners; drop games.paid"),
        (
            [replace(WINNERS, name=name * 15) for name in "abcde"],
            f"add games.{'a' * 15}, games.{'b' * 15} and 3 more",
        ),
        (
            [WINNERS, replace(WINNERS, kind="add_index", name="ix", columns=("winners",))],
            "add games.winners",
        ),
        (
            [replace(WINNERS, kind="add_index", columns=("a",), text="index ix")],
            "add index ix",
        ),
        (
            [replace(WINNERS, kind="modify_type"), replace(WINNERS, kind="modify_nullable")],
            "alter games.winners",
        ),
    ],
)
def test_the_message_says_what_the_migration_does(
    operations: list[Operation], message: str
) -> None:
    assert message_for(operations) == message


def test_the_way_back_undoes_only_what_the_migration_does() -> None:
    up, down = composed([WINNERS, PAID], [dropped(PAID), dropped(WINNERS)], wanted=[WINNERS])
    assert up == "".join(WINNERS.code)
    assert down == "op.drop_column('games', 'winners')"


def test_a_value_is_asked_for_only_where_the_models_have_none() -> None:
    known = replace(PAID, code=(FILL.removesuffix(CHOOSE),))
    assert values_to_choose([WINNERS, known]) == []
    (value,) = values_to_choose([PAID])
    assert (value.column, value.sql) == ("paid", "false")


def test_a_chosen_value_takes_the_mark_away() -> None:
    up, _ = composed([PAID], [], Choices(values={("games", "paid"): "'12:30' = 'x'"}))
    assert CHOOSE not in up
    assert with_value("op.add", "1") == "op.add"
    # To `op.execute()` a colon before a word is a parameter.
    assert "SET paid = '12:30' = 'x' WHERE" in up


def test_there_is_nothing_to_choose_on_the_way_back() -> None:
    up, down = composed([PAID], [replace(PAID, kind="modify_nullable")], wanted=[PAID])
    assert CHOOSE in up
    assert CHOOSE not in down


OLD = dropped(replace(WINNERS, name="victors"))
RENAME = ("op.alter_column('games', 'victors', new_column_name='winners')",)
NEW = replace(WINNERS, renames="victors", rename=RENAME, replaces=(*WINNERS.code, *OLD.code))
BACK_NEW = replace(
    WINNERS,
    name="victors",
    code=("op.add_column('games', sa.Column('victors', sa.JSON()))",),
    renames="winners",
    rename=("op.alter_column('games', 'winners', new_column_name='victors')",),
)
BACK_OLD = dropped(WINNERS)
BACK = [replace(BACK_NEW, replaces=(*BACK_NEW.code, *BACK_OLD.code)), BACK_OLD]
PAIR = RenamedColumn("games", "victors", "winners")


def test_an_unanswered_rename_keeps_the_values_and_is_marked() -> None:
    assert possible_renames([NEW, OLD]) == [PAIR]
    up, down = composed([NEW, OLD], BACK)
    assert MARK in up
    assert up.endswith(RENAME[0])
    assert down == BACK_NEW.rename[0]


def test_an_answered_rename_is_plain() -> None:
    up, down = composed([NEW, OLD], BACK, Choices(renamed={PAIR: True}))
    assert (up, down) == (RENAME[0], BACK_NEW.rename[0])


def test_no_rename_is_a_drop_and_an_add_both_ways() -> None:
    up, down = composed([NEW, OLD], BACK, Choices(renamed={PAIR: False}))
    assert up.split("\n    ") == [*WINNERS.code, *OLD.code]
    assert down.split("\n    ") == [*BACK_NEW.code, *BACK_OLD.code]


def test_values_that_sqlite_copies_follow_the_answer() -> None:
    copy = "SELECT id, victors /* if it was renamed, else NULL */ FROM games"
    new, old = replace(NEW, code=(copy,)), replace(OLD, code=(copy,))
    renamed, _ = composed([new, old], [], Choices(renamed={PAIR: True}))
    assert renamed == "SELECT id, victors FROM games"
    added, _ = composed([new, old], [], Choices(renamed={PAIR: False}))
    assert added == "SELECT id, NULL FROM games"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "versions" / "a.py"
    write_new(file, b"one")
    with pytest.raises(CouldNotJudge, match="exists"):
        write_new(file, b"two")
    with pytest.raises(CouldNotJudge, match="not staged"):
        replace_file(file, b"staged", b"two")
    replace_file(file, b"one", b"three")
    assert file.read_bytes() == b"three"
    assert [each.name for each in file.parent.iterdir()] == ["a.py"]


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "a.py", b"one")
    assert not [*tmp_path.iterdir()]


MIGRATION = '''"""One."""
from alembic import op
import sqlalchemy as sa


def upgrade():
    """Upgrade schema."""
    op.one()


def downgrade():
    op.undo_one()
'''


def test_a_migration_is_completed_at_its_end_and_undone_first() -> None:
    more = MIGRATION.replace("one", "two").replace("sqlalchemy as sa", "sqlalchemy as sa\nimport x")
    whole = completed(MIGRATION, more)
    assert whole is not None
    assert "    op.one()\n    op.two()\n" in whole
    assert "    op.undo_two()\n    op.undo_one()\n" in whole
    assert "import sqlalchemy as sa\nimport x\n" in whole
    empty = MIGRATION.replace("op.one()", "pass").replace("op.undo_one()", "pass")
    filled = completed(empty, MIGRATION)
    assert filled == MIGRATION
    assert completed(MIGRATION.replace("def downgrade", "def back"), MIGRATION) is None

"""What a server makes of one statement, and of two."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from alembic_lockstep.probe.twin.likeness import note_folded
from alembic_lockstep.probe.twin.schema import Difference, Part, Schema, Table, differences


def unique(name: str, *columns: str) -> Part:
    return Part("unique", name, {}, columns, made_up=name.endswith("_key"))


def folded(models: list[sa.UniqueConstraint], twin: list[Part], found: list[Part]) -> list[str]:
    """What is told of a database, by the names of its parts."""
    metadata = sa.MetaData()
    columns = [sa.Column(name, sa.Text, primary_key=name == "a") for name in "ab"]
    sa.Table("games", metadata, *columns, *models)
    wanted = Schema({"games": Table("games", twin)})
    note_folded(wanted, [metadata])
    told: list[Difference] = differences(Schema({"games": Table("games", found)}), wanted)
    return [f"{one.verb} {one.part.name}" for one in told]


@pytest.mark.parametrize(
    ("models", "twin", "found"),
    [
        ([sa.UniqueConstraint("a")], [], [unique("games_a_key", "a")]),
        ([sa.UniqueConstraint("a", name="own")], [], [unique("own", "a")]),
        (
            [sa.UniqueConstraint("b"), sa.UniqueConstraint("b", name="own")],
            [unique("own", "b")],
            [unique("own", "b"), unique("games_b_key", "b")],
        ),
    ],
)
def test_a_unique_constraint_that_one_create_table_folds_may_be_there_and_may_not(
    models: list[sa.UniqueConstraint], twin: list[Part], found: list[Part]
) -> None:
    """The server merges UNIQUE into the key, `alembic check` demands it all the same."""
    assert folded(models, twin, found) == []
    assert folded(models, twin, twin) == []


@pytest.mark.parametrize(
    ("models", "twin", "found"),
    [
        ([], [], [unique("games_a_key", "a")]),
        ([sa.UniqueConstraint("a")], [], [unique("games_a_key", "a", "b")]),
        ([sa.UniqueConstraint("a", name="own")], [], [unique("other", "a")]),
        ([sa.UniqueConstraint("b")], [unique("games_b_key", "b")], [unique("other", "b")] * 2),
    ],
)
def test_a_unique_constraint_that_the_models_do_not_want_is_told(
    models: list[sa.UniqueConstraint], twin: list[Part], found: list[Part]
) -> None:
    assert folded(models, twin, found) == [f"remove {found[-1].name}"]

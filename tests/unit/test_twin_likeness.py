"""What a server makes of one statement, and of two."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from alembic_lockstep.probe.twin.likeness import adopt_owned, note_folded
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


OPTIONS = "AS {} INCREMENT {} MINVALUE 1 MAXVALUE {} START 1 CACHE 1 NO CYCLE"
OWN = "the next of its own sequence"


def sequence(
    name: str, sql: str, kind: str = "bigint", step: int = 1, last: int = 2**63 - 1
) -> Part:
    return Part("sequence", name, {"options": OPTIONS.format(kind, step, last)}, sql=sql)


def counted(found: Part, wanted: Part, default: str = "") -> list[str]:
    """What is told of a column with a sequence of its own, of which the models have a free one."""

    def games(default: str) -> dict[str, Table]:
        facts = {"default": default, "identity": ""}
        return {"games": Table("games", [Part("column", "id", facts, ("id",))])}

    owned = Part("sequence", "", found.facts, ("games.id",), sql=found.sql)
    database, models = Schema(games(OWN), owned=[owned]), Schema(games(default), [wanted])
    adopt_owned(database, models)
    return [f"{one.verb} {one.part.kind}" for one in differences(database, models)]


@pytest.mark.parametrize(
    ("found", "wanted", "default"),
    [
        (sequence("", "games_id_seq"), sequence("games_id_seq", "games_id_seq"), ""),
        (
            sequence("", "games_id_seq", "integer", last=2**31 - 1),
            sequence("games_id_seq", "games_id_seq"),
            "",
        ),
        (
            sequence("", '"it\'s"."games_ID_seq"'),
            sequence("it's.games_ID_seq", '"it\'s"."games_ID_seq"'),
            "nextval('\"it''s\".\"games_ID_seq\"'::regclass)",
        ),
    ],
)
def test_a_sequence_named_like_that_of_serial_is_that_of_serial(
    found: Part, wanted: Part, default: str
) -> None:
    """CREATE SEQUENCE was demanded, which fails: there is one of that name."""
    assert counted(found, wanted, default) == []


@pytest.mark.parametrize(
    ("found", "wanted", "told"),
    [
        (
            sequence("", "games_id_seq"),
            sequence("other_seq", "other_seq"),
            ["modify column", "add sequence"],
        ),
        (
            sequence("", "games_id_seq"),
            sequence("games_id_seq", "games_id_seq", step=10),
            ["modify sequence"],
        ),
    ],
)
def test_another_sequence_is_told(found: Part, wanted: Part, told: list[str]) -> None:
    assert counted(found, wanted) == told

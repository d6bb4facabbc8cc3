"""From the schemas of a history and of a database to what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from test_standing import history_of

from alembic_lockstep.described_schema import SchemaPart
from alembic_lockstep.doctor.diagnosis import (
    DRIFT,
    HALF_WAY,
    OTHER_APPLICATION,
    STAMPED_AHEAD,
    STAMPED_BEHIND,
    STAMPED_ELSEWHERE,
    Diagnosis,
    Evidence,
    LostEvidence,
    diagnose,
)
from alembic_lockstep.doctor.schema_search import find_nearest
from alembic_lockstep.doctor.standing import (
    BEHIND,
    EMPTY,
    NO_REVISION,
    SEVERAL_ROWS,
    UNKNOWN_REVISION,
    UP_TO_DATE,
    standing_of,
)

Schema = frozenset[SchemaPart]

#: What each revision adds; a word with a minus drops. `d` and `e` are branches.
STEPS = {
    "a": "games games.id games.title",
    "b": "games.host games.rounds",
    "c": "plays plays.id -games.title",
    "d": "games.winners",
    "e": "games.losers",
}
PARENTS: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "e": ("c",)}
LINE = {name: PARENTS[name] for name in "abcd"}


def part(word: str) -> SchemaPart:
    table, _, column = word.partition(".")
    return SchemaPart("column", column, table) if column else SchemaPart("table", table)


def schema(words: str) -> Schema:
    parts: dict[SchemaPart, None] = {}
    for word in words.split():
        if word.startswith("-"):
            del parts[part(word[1:])]
        else:
            parts[part(word)] = None
    return frozenset(parts)


def schema_at(applied: Collection[str]) -> Schema:
    return schema(" ".join(STEPS[name] for name in sorted(applied)))


def made_by(*names: str, more: str = "") -> Schema:
    return schema(" ".join([*(STEPS[name] for name in names), more]))


def diagnosis_of(
    noted: str,
    live: Schema,
    parents: dict[str, tuple[str, ...]] = LINE,
    *lost: LostEvidence,
) -> Diagnosis:
    history, order = history_of(parents), tuple(parents)
    standing = standing_of(noted.split(), history, order[::-1], has_tables=bool(live))
    return diagnose(Evidence(standing, live, history, order, schema_at, lost))


@pytest.mark.parametrize(
    ("noted", "live", "state", "nearest"),
    [
        ("d", made_by(*"abcd"), UP_TO_DATE, "d"),
        ("b", made_by(*"ab"), BEHIND, "b"),
        ("", schema(""), EMPTY, ""),
        ("d", made_by(*"ab"), STAMPED_AHEAD, "b"),
        ("a", made_by(*"abc"), STAMPED_BEHIND, "c"),
        ("d", made_by(*"abcd", more="-games.host"), DRIFT, "d"),
        ("d", made_by(*"abcd", more="games.notes"), DRIFT, "d"),
        ("a", made_by("a", more="games.host"), HALF_WAY, "b"),
        ("b", made_by("a", "b", more="plays plays.id"), HALF_WAY, "c"),
        ("a", made_by("a", more="_alembic_tmp_games _alembic_tmp_games.id"), HALF_WAY, "b"),
        ("a d", made_by(*"abcd"), SEVERAL_ROWS, "d"),
        ("", made_by(*"abc"), NO_REVISION, "c"),
        ("", made_by(*"abc", more="-games.host"), NO_REVISION, "c"),
        ("d", schema("pages pages.id users users.id"), OTHER_APPLICATION, "-"),
        ("", schema("pages pages.id users users.id"), OTHER_APPLICATION, "-"),
        ("x", schema("pages pages.id users users.id"), OTHER_APPLICATION, "-"),
        ("x", made_by(*"abc"), UNKNOWN_REVISION, "c"),
    ],
)
def test_the_state_follows_from_the_schemas(
    noted: str, live: Schema, state: str, nearest: str
) -> None:
    diagnosis = diagnosis_of(noted, live)
    assert diagnosis.state == state
    if nearest != "-" and state != SEVERAL_ROWS:
        assert " ".join(diagnosis.nearest) == nearest


def test_a_part_that_a_later_revision_adds_is_not_added_again() -> None:
    """The schema is nearest to b, and an upgrade from there would fail at the table plays."""
    live = made_by("a", "b", more="plays plays.id")
    diagnosis = diagnosis_of("", live)
    assert diagnosis.nearest == ("c",)
    assert diagnosis.delta.words.left == ("column games.title",)


def test_a_schema_of_another_branch() -> None:
    assert diagnosis_of("d", made_by(*"abce"), PARENTS).state == STAMPED_ELSEWHERE
    assert diagnosis_of("d e", made_by(*"abcde"), PARENTS).state == UP_TO_DATE


def test_a_lost_revision_is_proved_by_its_schema() -> None:
    live = made_by(*"abcd", more="games.notes")
    (lost,) = (LostEvidence("x", schema=live),)
    diagnosis = diagnosis_of("x", live, LINE, lost)
    assert (diagnosis.state, diagnosis.nearest) == (UNKNOWN_REVISION, ())
    assert not diagnosis.delta

    diagnosis = diagnosis_of("x", made_by(*"abcd", more="games.notes games.y"), LINE, lost)
    assert diagnosis.delta.words.left == ("column games.y",)


def test_a_revision_that_was_renamed_is_known_by_its_schema() -> None:
    live = made_by(*"abcd")
    diagnosis = diagnosis_of("x", live, LINE, LostEvidence("x", schema=live))
    assert diagnosis.nearest == ("d",)
    assert not diagnosis.delta


@pytest.mark.parametrize("number", range(0, 64, 7))
@pytest.mark.parametrize("noise", ["", "t0.note", "other other.id"])
def test_the_nearest_of_many_takes_few_databases(number: int, noise: str) -> None:
    """Each revision adds a table, and drops a column of the one of four before."""
    built: list[int] = []

    def schema_of(count: int) -> Schema:
        built.append(count)
        tables = " ".join(f"t{n} t{n}.id" for n in range(count + 1))
        return schema(tables + "".join(f" t{n}.x" for n in range(max(0, count - 3), count + 1)))

    live = schema_of(number) | schema(noise)
    built.clear()
    nearest = find_nearest(64, live, schema_of)
    assert nearest.number == number
    assert len(built) <= 11
    assert built[0] == 63

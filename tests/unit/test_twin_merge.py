"""Merge the operations of autogenerate and of the twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import operations, upgrade_functions
from alembic_lockstep.probe.twin.merge import merge


def merged(autogenerate: list[Any], twin: list[Any], *, included: bool = True) -> list[Any]:
    return merge(autogenerate, {"operations": twin, "compared": ["games"]}, lambda _: included)


def operation_of(
    kind: str, table: str = "games", name: str = "", *columns: str, **more: Any
) -> Any:
    code = [f"op.execute('{kind} {name}')"]
    facts = {"kind": kind, "table": table, "name": name, "columns": [*columns], "text": kind}
    return {**facts, "code": code, **more}


DEFAULT = operation_of("modify_default", name="made_at")
INDEX, NO_INDEX = operation_of("add_index", name="ix"), operation_of("remove_index", name="ix")
ENUM = operation_of("add_enum", "games", "mood", "mood", users=["games.mood"])


@pytest.mark.parametrize(
    ("autogenerate", "twin"),
    [
        ([DEFAULT], [operation_of("modify_computed", name="made_at")]),
        ([INDEX, NO_INDEX], [operation_of("modify_index", name="ix", users=[])]),
        (
            [operation_of("add_constraint", "games", "", "host")],
            [operation_of("add_constraint", "games", "uq", "host")],
        ),
        ([operation_of("add_table")], [ENUM]),
        (
            [operation_of("other", "", names=["mood", "public"])],
            [{**ENUM, "kind": "modify_enum"}],
        ),
    ],
)
def test_what_both_say_appears_once(autogenerate: list[Any], twin: list[Any]) -> None:
    assert merged(autogenerate, twin) == autogenerate


@pytest.mark.parametrize(
    "phantom",
    [
        [DEFAULT],
        [INDEX, NO_INDEX],
        [operation_of("add_fk", "games", "", "host")],
        [operation_of("remove_column", name="inherited")],
    ],
)
def test_what_the_two_databases_have_alike_is_left_out(phantom: list[Any]) -> None:
    assert merged(phantom, []) == []
    assert merged(phantom, [operation_of("modify_check", name="ck")]) == [
        operation_of("modify_check", name="ck")
    ]


@pytest.mark.parametrize("kind", ["add_table", "remove_table", "add_column", "other"])
def test_what_is_missing_is_never_a_matter_of_spelling(kind: str) -> None:
    assert merged([operation_of(kind, name="host")], []) == [operation_of(kind, name="host")]


def test_a_type_comes_before_the_columns_that_are_of_it_and_goes_after_them() -> None:
    column, check = (
        operation_of("add_column", name="mood"),
        operation_of("add_constraint", name="ck", users=[]),
    )
    gone = operation_of("remove_enum", "games", "old", "old", users=[])
    assert merged([column], [check, gone, ENUM]) == [ENUM, column, check, gone]


def test_what_was_not_compared_is_no_phantom() -> None:
    elsewhere = operation_of("modify_type", "other.games", "host")
    assert merged([elsewhere], []) == [elsewhere]


def test_what_the_project_does_not_want_to_hear_is_left_out_unless_autogenerate_says_it() -> None:
    computed = operation_of("modify_computed", name="made_at")
    assert merged([DEFAULT], [computed], included=False) == [DEFAULT]
    assert merged([], [computed], included=False) == []


def test_what_the_twin_cures_together_is_cured_by_its_code_only_then() -> None:
    anew = ["op.execute('CREATE TABLE _lockstep_games (…)')"]
    column, check = (
        operation_of("add_column", name="host"),
        operation_of("add_constraint", "games", "ck", "host"),
    )
    merged_operations = merged([column], [{**column, "code": anew}, {**check, "code": anew}])
    observed = Observation(databases=({"name": "", "operations": fill(merged_operations)},))
    added, checked = operations(observed)
    assert upgrade_functions([added, checked]) == f"def upgrade() -> None:\n    {anew[0]}"
    late = replace(added, code=(), after=added.code)
    assert upgrade_functions([late, checked]) == f"def upgrade() -> None:\n    {anew[0]}"
    # The CHECK is an older difference.
    assert upgrade_functions([added]) == f"def upgrade() -> None:\n    {column['code'][0]}"


def test_two_names_on_the_same_columns_are_two_things() -> None:
    """Before, the changed index was taken for the constraint, and left for a second round."""
    gone = operation_of("remove_constraint", "games", "uq", "host", text="unique constraint uq")
    index = operation_of("modify_index", "games", "ix", "host", users=[])
    assert merged([gone], [index, gone]) == [gone, index]


def test_a_table_that_batch_mode_would_spoil_is_made_anew() -> None:
    anew = ["op.execute('CREATE TABLE _lockstep_games (…)')"]
    gone = operation_of("remove_column", name="host", code=["old"], in_batch=True)
    index = operation_of("add_index", "games", "ix", "id", code=["old"], in_batch=True)
    twin = [{**gone, "code": anew}, {**index, "code": anew}]
    comparison: Any = {"operations": twin, "compared": ["games"], "fragile": ["games"]}
    codes = [operation["code"] for operation in merge([gone, index], comparison, lambda _: True)]
    assert codes == [anew, anew]
    # GeoAlchemy2's also removes the column from SpatiaLite's own tables.
    alone: Any = {"operations": twin[:1], "compared": ["games"], "fragile": ["games"]}
    foreign: Any = {**gone, "foreign": True}
    assert merge([foreign], alone, lambda _: True)[0]["code"] == gone["code"]
    # An index alone does not make it anew.
    comparison["operations"] = twin[1:]
    assert merge([index], comparison, lambda _: True)[0]["code"] == index["code"]


def test_an_index_that_mysql_made_for_a_foreign_key_goes_with_it() -> None:
    key = operation_of("remove_fk", "games", "fk", "host")
    whole = {**key, "code": ["op.execute('ALTER TABLE games DROP INDEX fk')"], "leaves": "fk"}
    assert merged([key], [whole])[0]["code"] == whole["code"]
    assert merged([key], [{**whole, "leaves": ""}])[0]["code"] == key["code"]
    # It stays where it is, if another table takes over its name.
    (first,) = merged([{**key, "before": key["code"], "code": []}], [whole])
    assert (first["before"], first["code"]) == (whole["code"], [])


def fill(merged_operations: list[Any]) -> list[Any]:
    return [{**operation, "expected": "", "actual": ""} for operation in merged_operations]


CHECK = operation_of("add_constraint", "games", "positive", "score", part="check", users=[])


@pytest.mark.parametrize("part", ["check", "exclusion", "primary_key"])
def test_what_autogenerate_says_of_a_check_is_not_dropped(part: str) -> None:
    """Alembic's own CHECK operation was taken for spelling, and the twin's own put in its place."""
    own, twins = {**CHECK, "columns": [], "part": part}, {**CHECK, "part": part}
    assert merged([own], [twins]) == [own]
    assert merged([{**own, "part": "unique"}], [twins]) == [twins]


def test_a_column_whose_type_brings_a_check_along_brings_it() -> None:
    column = operation_of("add_column", name="score")
    assert merged([{**column, "checked": True}], [CHECK]) == [{**column, "checked": True}]
    assert merged([{**column, "checked": False}], [CHECK])[1:] == [CHECK]


def test_an_operation_of_another_package_is_about_what_it_names() -> None:
    """Before, an enum named `a` was left out next to any of them."""
    enum = {**ENUM, "kind": "modify_enum", "name": "a"}
    foreign = operation_of("other", "", names=["mood"], code=["op.sync_enum_values('mood', ['a'])"])
    assert merged([foreign], [enum]) == [enum, foreign]

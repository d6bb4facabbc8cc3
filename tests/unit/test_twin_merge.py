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


def compared(*twin: Any, **more: Any) -> Any:
    """Return the comparison of a database with its twin that has these operations."""
    return {"operations": [*twin], "compared": ["games"], **more}


def codes_of(autogenerate: list[Any], comparison: Any) -> list[list[str]]:
    return [operation["code"] for operation in merge(autogenerate, comparison, lambda _: True)]


def test_what_the_projects_hook_took_away_does_not_come_back_by_the_twin() -> None:
    column, check = operation_of("add_column", name="host"), {**CHECK, "columns": ["host"]}
    assert merge([], compared(column, check), lambda _: True, [column]) == [check]


@pytest.mark.parametrize("kind", ["add_enum", "add_domain"])
def test_a_new_type_comes_with_the_new_table_that_uses_it(kind: str) -> None:
    table, other = operation_of("add_table"), operation_of("add_table", "moves")
    new = {**ENUM, "kind": kind}
    assert merged([table], [new]) == [table]
    assert merged([other], [new]) == [new, other]
    changed = {**ENUM, "kind": kind.replace("add", "modify")}
    assert merged([table], [changed]) == [changed, table]


def test_a_sequence_comes_with_the_new_table_that_owns_it() -> None:
    sequence = operation_of("add_sequence", "", "turns", users=["games.id"])
    table = operation_of("add_table")
    assert merged([table], [sequence]) == [sequence, table]
    owner = {**table, "creates": ["turns"]}
    assert merged([owner], [sequence]) == [owner]
    changed = {**sequence, "kind": "modify_sequence"}
    assert merged([owner], [changed]) == [changed, owner]


def test_a_type_that_goes_does_so_after_all_else() -> None:
    gone = {**ENUM, "kind": "remove_domain"}
    check = {**CHECK, "kind": "add_constraint"}
    assert merged([], [gone, check]) == [check, gone]


@pytest.mark.parametrize(
    "peer",
    [
        operation_of("add_column", name="other", checked=True),
        operation_of("modify_type", name="score", checked=True),
    ],
)
def test_a_check_comes_only_with_the_new_column_that_it_is_about(peer: Any) -> None:
    assert merged([peer], [CHECK, {**peer, "code": []}])[1:] == [CHECK]


def test_nameless_constraints_without_columns_are_not_known_to_be_the_same() -> None:
    own = operation_of("add_constraint", part="check")
    twins = {**own, "code": ["op.execute('ALTER TABLE games ADD CHECK (…)')"]}
    assert merged([own], [twins]) == [twins]


def test_what_only_the_twin_removes_is_removed_first() -> None:
    """A column takes its CHECK along."""
    column, check = operation_of("remove_column", name="host"), {**CHECK, "kind": "remove_check"}
    assert merged([column], [column, check]) == [check, column]
    assert merged([column], [column, {**CHECK, "kind": "modify_check"}])[0] == column
    # The code of a group of columns is that of autogenerate's operation, too.
    shared = {**check, "code": column["code"]}
    assert merged([column], [column, shared]) == [
        {**column, "instead": column["code"]},
        shared,
    ]
    other = operation_of("remove_column", name="other")
    twin = [column, {**other, "code": ["other's"]}, shared]
    assert merged([column, other], twin)[1] == other


def test_the_code_of_another_table_that_has_been_run_before_is_not_run_again() -> None:
    """Two tables exchange a name: the one that gives it up goes first."""
    drop = ["op.drop_index('ix')"]
    taker = operation_of("add_index", "moves", "ix", before=drop)
    giver = operation_of("remove_index", "boards", "ix", code=drop)
    assert codes_of([{**taker, "code": []}, giver], compared()) == [[], []]
    assert codes_of([taker, giver], compared()) == [taker["code"], drop]
    assert codes_of([{**taker, "before": [], "code": []}, {**giver, "code": []}], compared()) == [
        [],
        [],
    ]


@pytest.mark.parametrize("kind", ["remove_fk", "remove_constraint", "remove_index"])
def test_in_stages_what_goes_does_so_before_all_else(kind: str) -> None:
    gone = operation_of(kind, "moves", "old", before=["first"])
    (staged, _) = merge([gone], compared(CHECK, in_stages=True), lambda _: True)
    assert (staged["before"], staged["code"]) == (["first", *gone["code"]], [])
    # Without an operation of the twin's own nothing is in the way.
    assert merge([gone], compared(in_stages=True), lambda _: True) == [gone]
    other = operation_of("add_index", "moves", "new")
    assert merge([other], compared(CHECK, in_stages=True), lambda _: True)[0] == other


TYPE = operation_of("modify_type", name="host")


@pytest.mark.parametrize(
    ("own", "twins"),
    [
        (TYPE, {**TYPE, "alembic_fails": True}),
        (DEFAULT, operation_of("modify_identity", name="made_at")),
    ],
)
def test_the_twins_code_replaces_alembics_where_that_fails(own: Any, twins: Any) -> None:
    anew = ["op.execute('ALTER TABLE games ALTER COLUMN … USING …')"]
    other = operation_of("modify_type", name="other", code=["other"])
    assert codes_of([own, other], compared({**other, "code": ["twin's"]}, {**twins, "code": anew}))[
        :2
    ] == [anew, other["code"]]
    plain = {**operation_of("modify_type", name=own["name"]), "code": anew}
    assert merged([own], [{**plain, "kind": own["kind"]}]) == [own]


ANEW = ["op.execute('CREATE TABLE _lockstep_games (…)')"]


@pytest.mark.parametrize(
    ("kind", "more", "spoils"),
    [
        ("add_column", {"recreates": False}, False),
        ("add_column", {"recreates": True}, True),
        ("remove_column", {}, True),
        ("modify_type", {}, True),
        ("add_constraint", {}, True),
        ("remove_fk", {}, True),
        ("add_index", {}, False),
        ("remove_column", {"in_batch": False}, False),
        ("remove_column", {"code": []}, False),
    ],
)
def test_a_table_with_a_fragile_part_is_made_by_the_twins_code_if_batch_mode_recreates_it(
    kind: str, more: Any, spoils: bool
) -> None:
    own = {**operation_of(kind, name="host", code=["batch"], in_batch=True), **more}
    other = operation_of("modify_comment", name="other", code=["other"])
    twins = [{**other, "code": ["other's"]}, {**own, "code": ANEW}]
    codes = codes_of([own], compared(*twins[1:], fragile=["games"]))
    assert codes == [ANEW if spoils else own["code"]]
    assert codes_of([own], compared(*twins[1:], fragile=["moves"])) == [own["code"]]
    both = codes_of([other, own], compared(*twins, fragile=["games"]))
    assert both == [["other's"], ANEW] if spoils else [other["code"], own["code"]]


def test_what_the_twin_lacks_is_done_by_alembics_code_in_a_fragile_table_too() -> None:
    added = operation_of("add_column", name="host", code=["batch"], in_batch=True, recreates=True)
    assert codes_of([added], compared(fragile=["games"])) == [["batch"]]


def test_batch_mode_cannot_drop_what_has_no_name() -> None:
    unnamed = operation_of("remove_constraint", "games", "", "host", in_batch=True)
    twins = {**unnamed, "name": "", "code": ANEW}
    assert codes_of([unnamed], compared(twins)) == [ANEW]


COMPUTED = operation_of("modify_computed", name="total", is_computed=True)
ANEW_TOTAL = {**COMPUTED, "before": ["drop"], "code": ["add"], "after": ["index"]}


def test_indexes_go_before_a_computed_column_and_come_after_it() -> None:
    """Alembic can do neither with a computed column: it is dropped and added again."""
    changed = operation_of("modify_default", name="total")
    gone, new = operation_of("remove_index", name="ix"), operation_of("add_index", name="new")
    unique = operation_of("add_constraint", "games", "uq", "host")
    others = [operation_of("add_index", "moves", "new"), operation_of("remove_index", "moves", "x")]
    twin = [ANEW_TOTAL, gone, new, unique]
    result = merge([new, unique, *others, changed, gone], compared(*twin), lambda _: True)
    assert [operation["kind"] for operation in result] == [
        *("remove_index", "add_index", "remove_index", "modify_default"),
        *("add_index", "add_constraint"),
    ]
    assert (result[3]["before"], result[3]["code"]) == (["drop"], ["add"])
    # Where it is not dropped, its indexes stay where they are.
    assert merge([new, changed], compared(COMPUTED, new), lambda _: True)[0] == new


def test_an_index_named_as_a_computed_column_keeps_its_code() -> None:
    index = operation_of("add_index", name="total")
    result = merge([DEFAULT, index], compared(DEFAULT, index, ANEW_TOTAL), lambda _: True)
    assert next(operation for operation in result if operation["kind"] == "add_index") == index


def test_an_index_goes_before_the_computed_column_that_goes() -> None:
    column = operation_of("remove_column", name="total", is_computed=True)
    plain = operation_of("remove_column", name="host")
    index = operation_of("remove_index", name="ix")
    constraint = operation_of("remove_constraint", "games", "uq", "total")
    result = merged([plain, column, index, constraint], [plain, column, index, constraint])
    assert result == [index, constraint, column, plain]

"""missing-migration: models that changed without a new migration, from facts to findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, facts_of, failed, observed, table
from graphs import Graph

from alembic_lockstep.findings import Location
from alembic_lockstep.rules import missing_migration

ADDED = column("add_column")
NO_COLUMN = "no such column: games.winners"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = begin(tmp_path)
    graph.write({MODELS: GAME + WINNERS})
    return graph


def test_without_a_dry_run_nothing_is_missing(graph: Graph) -> None:
    assert missing_migration.check(graph.facts()) == []


def test_an_old_difference_is_not_this_commits(graph: Graph) -> None:
    assert missing_migration.check(facts_of(graph, observed("winners"), old=(ADDED,))) == []


def test_with_a_new_migration_it_is_a_mismatch_and_not_missing(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    assert missing_migration.check(facts_of(graph, observed("winners"), ADDED)) == []


def test_a_difference_that_a_file_on_disk_fixes_is_not_missing(graph: Graph) -> None:
    facts = facts_of(graph, observed("winners"), ADDED, fixed=(ADDED,))
    assert missing_migration.check(facts) == []


@pytest.mark.parametrize(
    ("message", "phase", "connections"),
    [
        ("no such table: games", "env", ()),
        (NO_COLUMN, "upgrade", ()),
        (NO_COLUMN, "env", ({"dialect": "sqlite"},)),
    ],
    ids=["no column", "of a migration", "of the scratch database"],
)
def test_another_failure_is_not_a_missing_column(
    graph: Graph, message: str, phase: str, connections: tuple[dict[str, str], ...]
) -> None:
    now = failed("OperationalError", message, phase=phase, connections=connections)
    assert missing_migration.check(facts_of(graph, now, ADDED)) == []


def test_an_added_column_is_found_at_its_line_in_the_models(graph: Graph) -> None:
    code = 'op.add_column("games", sa.Column("winners", sa.Integer()))'
    added = column("add_column", code=(code,))
    (finding,) = missing_migration.check(facts_of(graph, observed("winners"), added))
    assert finding.rule == "missing-migration"
    assert finding.message == "column games.winners is in the models, but no migration adds it"
    assert finding.location == Location(MODELS, 4, 5, WINNERS.rstrip("\n"), len("winners"))
    assert (finding.environment, finding.hint) == ("alembic.ini", "")
    assert (finding.operation, finding.difference) == (code, added)


def test_a_deleted_column_is_found_where_the_base_had_it(graph: Graph) -> None:
    graph.commit({})
    graph.write({MODELS: GAME})
    removed = column("remove_column")
    facts = facts_of(graph, observed(), removed, before=observed("winners"))
    (finding,) = missing_migration.check(facts)
    assert finding.message == "column games.winners is not in the models, but no migration drops it"
    where = [(location.line, location.in_base) for location in (finding.location, *finding.related)]
    assert where == [(1, False), (4, True)]


def test_a_changed_column_is_told_with_both_definitions_where_the_twin_found_it(
    graph: Graph,
) -> None:
    sql = ("ALTER TABLE games ALTER winners TYPE BIGINT",)
    changed = column("modify_type", expected="BIGINT", actual="INTEGER", sql=sql)
    (finding,) = missing_migration.check(facts_of(graph, observed("winners"), changed))
    assert finding.message == (
        "column games.winners is different in the models, but no migration alters it"
    )
    assert finding.hint == "models:   BIGINT\ndatabase: INTEGER"
    assert finding.sql == sql


def test_each_difference_has_a_finding_of_its_own(graph: Graph) -> None:
    facts = facts_of(graph, observed("winners"), ADDED, column("modify_default"))
    assert [finding.message for finding in missing_migration.check(facts)] == [
        "column games.winners is in the models, but no migration adds it",
        "column games.winners is different in the models, but no migration alters it",
    ]


def test_a_class_with_another_table_name_may_be_a_renamed_table(graph: Graph) -> None:
    graph.write({MODELS: GAME.replace('"games"', '"matches"')})
    match = {"file": MODELS, "class": "Game", "columns": {}}
    now = observed(tables={"matches": match})
    introduced = (table("remove_table", "games"), table("add_table", "matches"))
    findings = missing_migration.check(facts_of(graph, now, *introduced, before=observed()))
    assert [finding.hint for finding in findings] == [
        "",
        "Was games renamed? To keep its rows, write op.rename_table('games', 'matches') "
        "in place of both operations.",
    ]


def test_a_difference_without_a_line_is_found_where_env_py_names_the_models(graph: Graph) -> None:
    (finding,) = missing_migration.check(
        facts_of(graph, observed(), table("remove_table", "elsewhere"))
    )
    assert (finding.location.path, finding.location.line) == ("m/env.py", 3)


@pytest.mark.parametrize("phase", ["start", "env"])
def test_a_column_that_the_application_queries_at_its_start_is_missing(
    graph: Graph, phase: str
) -> None:
    """It was an error of the application, and no finding."""
    now = failed("OperationalError", NO_COLUMN, ("", 7), (MODELS, 4), phase=phase)
    (finding,) = missing_migration.check(facts_of(graph, now))
    assert finding.message == (
        "column games.winners is queried while the application starts, after it has run its "
        "migrations, but no migration adds it"
    )
    assert (finding.location.path, finding.location.line) == (MODELS, 4)


def test_a_query_outside_of_the_project_is_found_at_the_configuration(graph: Graph) -> None:
    now = failed("OperationalError", NO_COLUMN, ("", 7), phase="start")
    (finding,) = missing_migration.check(facts_of(graph, now))
    assert (finding.location.path, finding.location.line) == ("alembic.ini", 1)

"""broken-models: tables that the commit's models cannot create, and the base's could."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dry_runs import MODELS, begin, facts_of, failed, observed, twin
from graphs import Graph

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules import broken_models

WHY = "no such function: lenght"
FAILS: dict[str, Any] = {"unmade": {"games": WHY}, "unseen": ("games",)}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def run(name: str = "", **twin_fields: Any) -> Observation:
    """Return a dry run of one database whose models were created with this outcome."""
    observation = observed()
    database = {**observation.databases[0], "name": name, "twin": twin(**twin_fields)}
    return observed(databases=(database,))


def check(graph: Graph, now: Observation, before: Observation | None) -> list[Finding]:
    return broken_models.check(facts_of(graph, now, before=before))


def test_models_that_make_all_their_tables_pass(graph: Graph) -> None:
    assert check(graph, run(), run()) == []


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="a new environment"),
        pytest.param(observed(error={"type": "RuntimeError"}), id="its run failed"),
        pytest.param(run(**FAILS), id="it could not make the table either"),
        pytest.param(run(unseen=("games",)), id="nobody tried to make the table"),
        pytest.param(run(failure="no server"), id="it was not compared"),
        pytest.param(run("logs"), id="it is of another database"),
    ],
)
def test_a_table_that_the_base_did_not_make_is_not_this_commits(
    graph: Graph, before: Observation | None
) -> None:
    assert check(graph, run(**FAILS), before) == []


def test_a_listener_of_all_tables_that_fails_is_not_a_tables_fault(graph: Graph) -> None:
    assert check(graph, run(unmade={"": "no such table: log"}), run()) == []


def test_a_run_that_fails_is_another_rules(graph: Graph) -> None:
    assert check(graph, failed("OperationalError", WHY), run()) == []


def test_without_a_dry_run_no_table_is_made(graph: Graph) -> None:
    assert broken_models.check(graph.facts()) == []


def test_a_table_that_the_base_could_make_is_found_at_its_class(graph: Graph) -> None:
    (finding,) = check(graph, run(**FAILS), run())
    assert finding.rule == "broken-models"
    assert finding.message == f"create_all() cannot make table games: {WHY}"
    assert finding.hint == (
        "Mend what the models say of it. If a migration makes what they lack, and that is not "
        "seen here: # lockstep: ignore[broken-models] and the reason."
    )
    assert (finding.location.path, finding.location.line) == (MODELS, 1)
    assert finding.environment == "alembic.ini"


def test_another_table_that_the_base_could_not_make_does_not_hide_it(graph: Graph) -> None:
    (finding,) = check(graph, run(**FAILS), run(unmade={"old": WHY}, unseen=("old",)))
    assert finding.message == f"create_all() cannot make table games: {WHY}"


def test_each_table_has_a_finding_of_its_own(graph: Graph) -> None:
    now = run(unmade={"games": WHY, "matches": "type mood does not exist"})
    assert [finding.message for finding in check(graph, now, run())] == [
        f"create_all() cannot make table games: {WHY}",
        "create_all() cannot make table matches: type mood does not exist",
    ]

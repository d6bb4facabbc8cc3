"""uncommitted-migration, of files that would fix a difference; test_forgotten_files.py has more."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, facts_of, observed
from graphs import Graph

from alembic_lockstep.facts import Facts
from alembic_lockstep.rules import migration_mismatch, missing_migration, uncommitted_migration

ADDED = column("add_column")
FORGOTTEN = "m/versions/0002.py"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = begin(tmp_path)
    graph.write({MODELS: GAME + WINNERS})
    return graph


def fixed_by(graph: Graph, *forgotten: str) -> Facts:
    now = observed("winners")
    return facts_of(graph, now, ADDED, fixed=(ADDED,), forgotten=forgotten)


def test_without_a_dry_run_no_file_is_missed(graph: Graph) -> None:
    (graph.root / FORGOTTEN).write_text("revision = '0002'\ndown_revision = '0001'\n")
    facts = graph.facts()
    assert facts.forgotten == (FORGOTTEN,)
    assert uncommitted_migration.check(facts) == []


def test_a_file_on_disk_that_fixes_nothing_is_not_missed(graph: Graph) -> None:
    facts = facts_of(graph, observed("winners"), ADDED, forgotten=(FORGOTTEN,))
    assert uncommitted_migration.check(facts) == []
    assert len(missing_migration.check(facts)) == 1


@pytest.mark.parametrize(("path", "kind"), [(FORGOTTEN, "migration"), ("m/fill.sql", "file")])
def test_a_file_that_was_not_staged(graph: Graph, path: str, kind: str) -> None:
    facts = fixed_by(graph, path)
    (finding,) = uncommitted_migration.check(facts)
    assert finding.rule == "uncommitted-migration"
    assert finding.message == (
        f"this {kind} is on disk but not staged, and the commit needs it for column games.winners"
    )
    assert (finding.location.path, finding.location.line) == (path, 1)
    assert [(location.path, location.line) for location in finding.related] == [(MODELS, 4)]
    assert missing_migration.check(facts) == migration_mismatch.check(facts) == []


def test_a_migration_that_was_edited_after_it_was_staged(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    (finding,) = uncommitted_migration.check(fixed_by(graph, FORGOTTEN))
    assert finding.message == (
        "this migration is staged without its last edits, and the commit needs it for "
        "column games.winners"
    )


def test_a_file_that_a_commit_of_some_paths_leaves_out(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = fixed_by(graph, FORGOTTEN)
    monkeypatch.setenv("GIT_INDEX_FILE", str(graph.root / ".git/next-index-9.lock"))
    (finding,) = uncommitted_migration.check(facts)
    assert finding.message.startswith(
        "this migration is not among the paths that are committed, and the commit needs it"
    )


def test_two_files_have_a_finding_each_and_name_every_difference(graph: Graph) -> None:
    fixed = (ADDED, column("modify_type"), column("add_column", "losers"))
    paths = (FORGOTTEN, "m/versions/0003.py")
    facts = facts_of(graph, observed("winners"), *fixed, fixed=fixed, forgotten=paths)
    findings = uncommitted_migration.check(facts)
    assert [finding.location.path for finding in findings] == [*paths]
    for finding in findings:
        assert finding.message.endswith("needs it for column games.winners, column games.losers")

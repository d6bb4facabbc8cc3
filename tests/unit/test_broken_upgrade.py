"""broken-upgrade: migrations that cannot be read or run, from facts to findings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dry_runs import MODELS, begin, facts_of, failed, observed
from graphs import Graph

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.findings import Location
from alembic_lockstep.rules import broken_upgrade

NEW = "m/versions/0002.py"
FAILS = "\n\ndef upgrade():\n    op.drop_table('matches')\n"
MESSAGE = "no such table: matches"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = begin(tmp_path)
    graph.put({"0002": "0001"}, FAILS)
    return graph


def test_without_a_dry_run_nothing_fails(graph: Graph) -> None:
    assert broken_upgrade.check(graph.facts()) == []


def test_an_upgrade_that_comes_to_its_end_passes(graph: Graph) -> None:
    assert broken_upgrade.check(facts_of(graph, observed())) == []


def test_a_migration_that_the_base_has_as_invalid_is_not_this_commits(graph: Graph) -> None:
    graph.write({"m/versions/old.py": "def upgrade(:\n"})
    graph.commit({})
    graph.put({"0003": "0002"})
    assert broken_upgrade.check(graph.facts()) == []


def test_a_column_that_the_application_queries_is_a_missing_migration(graph: Graph) -> None:
    now = failed("OperationalError", "no such column: games.winners", phase="start")
    assert broken_upgrade.check(facts_of(graph, now)) == []


def test_a_migration_that_is_not_python_is_found_at_its_error(graph: Graph) -> None:
    graph.write({NEW: "revision = '0002'\ndef upgrade(:\n"})
    (finding,) = broken_upgrade.check(graph.facts())
    assert finding.rule == "broken-upgrade"
    assert finding.message.startswith("this migration is not valid Python: ")
    location = finding.location
    assert (location.path, location.line, location.source) == (NEW, 2, "def upgrade(:")


def test_an_upgrade_that_fails_is_found_at_its_innermost_line(graph: Graph) -> None:
    frames = (("m/env.py", 9), (NEW, 5), (NEW, 6), ("", 88))
    now = failed("OperationalError", MESSAGE, *frames, phase="upgrade", revision="0002")
    (finding,) = broken_upgrade.check(facts_of(graph, now))
    assert finding.message == f"upgrade() of 0002 fails: OperationalError: {MESSAGE}"
    source = "    op.drop_table('matches')"
    assert finding.location == Location(NEW, 6, 5, source, len(source) - 4)
    assert (finding.environment, finding.hint) == ("alembic.ini", "")


def test_a_message_of_several_lines_becomes_one(graph: Graph) -> None:
    now = failed("ProgrammingError", 'relation "a"\n  does not\texist', revision="0002")
    (finding,) = broken_upgrade.check(facts_of(graph, now))
    assert finding.message == (
        'upgrade() of 0002 fails: ProgrammingError: relation "a" does not exist'
    )


def test_an_error_outside_of_the_migration_is_found_at_its_file(graph: Graph) -> None:
    now = failed("RuntimeError", "no", (MODELS, 2), revision="0002")
    (finding,) = broken_upgrade.check(facts_of(graph, now))
    assert (finding.location.path, finding.location.line) == (NEW, 1)


def test_a_migration_that_fails_when_it_is_imported(graph: Graph) -> None:
    now = failed("NameError", "name 'oops' is not defined", (NEW, 2), ("", 88))
    (finding,) = broken_upgrade.check(facts_of(graph, now))
    assert finding.message == (
        "importing this migration fails: NameError: name 'oops' is not defined"
    )
    assert (finding.location.path, finding.location.line) == (NEW, 2)


@pytest.mark.parametrize("ran_as", ["revisions", "restored"])
def test_a_revision_that_the_base_runs_is_blamed_on_an_edit(graph: Graph, ran_as: str) -> None:
    now = failed("OperationalError", MESSAGE, (NEW, 6), phase="upgrade", revision="0002")
    before = replace(observed(), **{ran_as: ("0001", "0002")})  # type: ignore[arg-type]
    (finding,) = broken_upgrade.check(facts_of(graph, now, before=before))
    assert finding.hint == (
        "The base runs this revision without error: it was edited, or something that it imports "
        "was. A migration should not depend on code that changes."
    )


@pytest.mark.parametrize(
    "before",
    [
        None,
        failed("RuntimeError", "no", phase="start"),
        failed("OperationalError", MESSAGE, phase="upgrade", revision="0001"),
        replace(observed(), revisions=("0001",)),
    ],
    ids=["not run", "does not start", "fails before it", "from its models"],
)
def test_where_the_base_did_not_run_the_revision_nothing_is_said_of_it(
    graph: Graph, before: Observation | None
) -> None:
    """The message said of a base that cannot start that it runs the revision."""
    now = failed("OperationalError", MESSAGE, (NEW, 6), phase="upgrade", revision="0002")
    (finding,) = broken_upgrade.check(facts_of(graph, now, before=before))
    assert "base" not in finding.hint


def test_a_file_that_was_not_added_is_named_before_anything_else(graph: Graph) -> None:
    (graph.root / "m/rows.csv").touch()
    now = failed(
        "FileNotFoundError",
        "No such file: '/checkout/m/rows.csv'",
        (NEW, 6),
        phase="upgrade",
        revision="0002",
        reads={"absent": ["m/rows.csv"]},
    )
    before = replace(observed(), revisions=("0002",))
    (finding,) = broken_upgrade.check(facts_of(graph, now, before=before))
    assert finding.hint.rpartition("\n")[2] == "git add :/m/rows.csv"


def test_a_large_file_that_this_machine_lacks_is_named_before_the_base(graph: Graph) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n"
    graph.write({"m/rows.csv": pointer, "m/other.csv": pointer})
    now = failed("Error", "line 1", (NEW, 6), revision="0002", reads={"opened": ["m/rows.csv"]})
    before = replace(observed(), revisions=("0002",))
    (finding,) = broken_upgrade.check(facts_of(graph, now, before=before))
    assert finding.hint == "m/rows.csv is a Git LFS pointer here: git lfs pull"

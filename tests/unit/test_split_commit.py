"""split-commit: differences between a branch's own commits, from verdicts to findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, failed, observed
from graphs import Graph

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.commit_ranges import Commit
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.rules import split_commit
from alembic_lockstep.verdict import EnvironmentVerdict, Ignores

ENVIRONMENT = Environment("alembic.ini", "", "m", ("m/versions",))
LINE = Location(MODELS, 4, 5, WINNERS.rstrip("\n"))
ADDED = column("add_column")
MODELS_CHANGE = Commit("a" * 40, "9" * 40, "Count winners")
MIGRATION = Commit("b" * 40, "a" * 40, "Their migration")
NOTE = Commit("c" * 40, "b" * 40, "A note")


def missing(operation: Operation = ADDED, location: Location = LINE) -> Finding:
    message = f"{operation.text} is in the models, but no migration adds it"
    return Finding("missing-migration", message, location, ENVIRONMENT.name, difference=operation)


def verdict(
    *findings: Finding, old: Sequence[Operation] = (), comparison: bool = True
) -> EnvironmentVerdict:
    """Return a verdict whose dry run introduced the differences of the findings.

    Args:
        old: Differences that the base has, too.
        comparison: There was a dry run.
    """
    introduced = tuple(finding.difference for finding in findings if finding.difference)
    run = Comparison(observed(), None, "replay", introduced=introduced, old=tuple(old))
    outcome = run if comparison else None
    return EnvironmentVerdict(ENVIRONMENT, findings, (), outcome, (), (), Ignores())


CLEAN = verdict()


@pytest.fixture
def tip(tmp_path: Path) -> Tree:
    """Return a tree in which the column is one line below where the commit has it.

    It has one empty line, which is not the line of a finding that has none.
    """
    graph: Graph = begin(tmp_path)
    graph.write({MODELS: f"# Games.\n{GAME}{WINNERS}\n"})
    return graph.facts().tree


def test_commits_that_are_whole_pass(tip: Tree) -> None:
    assert split_commit.check(CLEAN, [(MODELS_CHANGE, CLEAN), (NOTE, CLEAN)], tip) == []


def test_no_commits_pass(tip: Tree) -> None:
    assert split_commit.check(None, [], tip) == []


def test_what_the_whole_branch_lacks_is_reported_once(tip: Tree) -> None:
    whole = verdict(missing())
    commits = [(MODELS_CHANGE, verdict(missing())), (NOTE, verdict(old=[ADDED]))]
    assert split_commit.check(whole, commits, tip) == []


def test_another_finding_about_the_same_difference_is_reported_once(tip: Tree) -> None:
    mismatch = Finding("migration-mismatch", "never adds it", LINE, difference=ADDED)
    assert split_commit.check(verdict(mismatch), [(NOTE, verdict(missing()))], tip) == []


def test_a_finding_without_a_difference_of_the_whole_branch_is_reported_once(tip: Tree) -> None:
    heads = Finding("multiple-heads", "2 heads", LINE)
    assert split_commit.check(verdict(heads), [(NOTE, verdict(heads))], tip) == []


def test_a_migration_in_a_later_commit(tip: Tree) -> None:
    commits = [
        (MODELS_CHANGE, verdict(missing())),
        (NOTE, verdict(old=[ADDED])),
        (MIGRATION, CLEAN),
    ]
    (finding,) = split_commit.check(CLEAN, commits, tip)
    assert finding.rule == "split-commit"
    assert finding.message == (
        "column games.winners is in the models in commit aaaaaaaa (Count winners); models and "
        "migrations match again only with bbbbbbbb (Their migration)"
    )
    assert finding.hint == (
        "Put the change and its migration into one commit: git rebase -i aaaaaaaa^"
    )
    assert (finding.environment, finding.difference) == ("alembic.ini", ADDED)


def test_the_line_of_the_tip_is_shown_where_it_has_it(tip: Tree) -> None:
    (finding,) = split_commit.check(
        CLEAN, [(MODELS_CHANGE, verdict(missing())), (MIGRATION, CLEAN)], tip
    )
    assert (finding.location.line, finding.location.commit) == (5, "")


@pytest.mark.parametrize(
    "location",
    [
        Location(MODELS, 4, 5, "    losers = Column(Integer)"),
        Location(MODELS, 4, 5, LINE.source, in_base=True),
        Location("app/gone.py", 4, 5, LINE.source),
        Location(MODELS, 4),
    ],
    ids=["another line", "a deleted line", "a deleted file", "no line"],
)
def test_a_line_that_the_tip_lacks_is_shown_as_the_commits(tip: Tree, location: Location) -> None:
    commits = [(MODELS_CHANGE, verdict(missing(location=location))), (MIGRATION, CLEAN)]
    (finding,) = split_commit.check(CLEAN, commits, tip)
    assert (finding.location.line, finding.location.commit) == (4, "aaaaaaaa")


def test_the_first_commit_of_a_repository_is_rebased_from_the_root(tip: Tree) -> None:
    first = Commit("a" * 40, "", "All")
    (finding,) = split_commit.check(CLEAN, [(first, verdict(missing())), (MIGRATION, CLEAN)], tip)
    assert finding.hint.endswith("git rebase -i --root")


@pytest.mark.parametrize(
    "later",
    [
        verdict(comparison=False),
        EnvironmentVerdict(
            ENVIRONMENT,
            (),
            (),
            Comparison(failed("RuntimeError", "no"), None, "replay"),
            (),
            (),
            Ignores(),
        ),
    ],
    ids=["it was not run", "it failed"],
)
def test_a_later_commit_that_could_not_be_compared_is_not_named_as_the_fix(
    tip: Tree, later: EnvironmentVerdict
) -> None:
    commits = [(MODELS_CHANGE, verdict(missing())), (NOTE, later), (MIGRATION, CLEAN)]
    (finding,) = split_commit.check(CLEAN, commits, tip)
    assert finding.message == (
        "column games.winners is in the models in commit aaaaaaaa (Count winners)"
    )


def test_an_old_difference_of_the_branch_that_is_healed_and_brought_back_is_split(
    tip: Tree,
) -> None:
    whole = verdict(old=[ADDED])
    commits = [(MIGRATION, CLEAN), (MODELS_CHANGE, verdict(missing())), (NOTE, CLEAN)]
    (finding,) = split_commit.check(whole, commits, tip)
    assert finding.message.endswith("only with cccccccc (A note)")


def test_another_rules_finding_in_one_commit_keeps_its_rule(tip: Tree) -> None:
    broken = Finding("broken-upgrade", "upgrade() of 0002 fails", LINE)
    (finding,) = split_commit.check(CLEAN, [(NOTE, verdict(broken)), (MIGRATION, CLEAN)], tip)
    assert finding.rule == "broken-upgrade"
    assert finding.message == "upgrade() of 0002 fails (in commit cccccccc (A note))"


def test_an_environment_that_only_a_commit_has_is_judged_in_it(tip: Tree) -> None:
    (finding,) = split_commit.check(None, [(MODELS_CHANGE, verdict(missing()))], tip)
    assert finding.message == (
        "column games.winners is in the models in commit aaaaaaaa (Count winners)"
    )

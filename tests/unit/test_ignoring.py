"""Ignore differences by globs, and findings by comments; report both, and what is unused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, facts_of, observed, table
from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.ignores.ignoring import (
    Directives,
    faulty_ignores,
    ignore_differences,
    ignore_findings,
    summarize_ignores,
    unused_ignores,
)
from alembic_lockstep.verdict import Ignored, Ignores

ADDED, REMOVED = column("add_column"), column("remove_column", "points")
COMMENT = "  # lockstep: ignore[missing-migration] by hand"
IGNORED = WINNERS.rstrip() + COMMENT + "\n"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def of(graph: Graph, *introduced: Operation, old: tuple[Operation, ...] = ()) -> Facts:
    return facts_of(graph, observed("id", "winners"), *introduced, before=observed(), old=old)


def directives_of(facts: Facts) -> Directives:
    return Directives(facts.repository, facts.tree)


def ignored_by(facts: Facts, *globs: str) -> tuple[list[str], list[str]]:
    """Return the differences that are left, and what ignores the others."""
    reasons = {glob: f"because of {glob}" for glob in globs}
    left, ignored = ignore_differences(facts, reasons, directives_of(facts))
    assert left.comparison is not None
    return [each.text for each in left.comparison.introduced], [entry.by for entry in ignored]


def test_nothing_is_ignored_without_a_glob_or_comment(graph: Graph) -> None:
    graph.write({MODELS: GAME + WINNERS})
    assert ignored_by(of(graph, ADDED)) == (["column games.winners"], [])
    facts = graph.facts()
    assert ignore_differences(facts, {"*": "all"}, directives_of(facts)) == (facts, [])


@pytest.mark.parametrize(
    ("glob", "is_ignored"),
    [
        ("games", True),
        ("game*", True),
        ("games.winners", True),
        ("*.winners", True),
        ("winners", False),
        ("games.points", False),
        ("game", False),
        ("GAMES", False),
    ],
)
def test_a_glob_is_of_a_table_or_of_a_part_with_its_table(
    graph: Graph, glob: str, is_ignored: bool
) -> None:
    left, by = ignored_by(of(graph, ADDED), "other", glob)
    assert (left, by) == (([], [glob]) if is_ignored else (["column games.winners"], []))


def test_a_glob_of_a_table_and_of_what_is_in_no_table(graph: Graph) -> None:
    enum = replace(column("add_enum", "mood"), table="", text="enum mood")
    assert ignored_by(of(graph, table("add_table", "moves"), enum), "m*") == ([], ["m*", "m*"])
    assert ignored_by(of(graph, table("add_table", "moves")), "moves.") == (["table moves"], [])


def test_what_is_ignored_says_which_rule_would_have_reported_it(graph: Graph) -> None:
    facts = replace(of(graph, ADDED, REMOVED), fixed=(ADDED,))
    left, (entry,) = ignore_differences(facts, {"*.winners": "later"}, directives_of(facts))
    text = "column games.winners"
    assert entry == Ignored(
        "uncommitted-migration", text, "later", "*.winners", True, "alembic.ini"
    )
    assert (left.fixed, left.unfixed) == ((), (REMOVED,))
    _, (entry,) = ignore_differences(facts, {"*.points": "later"}, directives_of(facts))
    assert (entry.rule, facts.fixed) == ("missing-migration", (ADDED,))


def test_a_comment_is_about_the_rule_and_the_line_that_it_names(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED})
    facts = of(graph, ADDED)
    assert ignored_by(facts) == ([], [f"{MODELS}:4"])
    _, (entry,) = ignore_differences(facts, {}, directives_of(facts))
    assert (entry.reason, entry.is_glob) == ("by hand", False)
    assert ignored_by(replace(facts, fixed=(ADDED,))) == (["column games.winners"], [])
    assert ignored_by(of(graph, column("modify_type", "id")))[1] == []
    # A glob comes first.
    assert ignored_by(facts, "games")[1] == ["games"]


def test_a_comment_with_a_fault_or_about_a_deleted_line_ignores_nothing(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED.replace(" by hand", "")})
    assert ignored_by(of(graph, ADDED))[1] == []
    graph.write({MODELS: GAME + IGNORED})
    facts = of(graph, ADDED)
    directives = directives_of(facts)
    line = Location(MODELS, 4)
    assert len(directives.at(line)) == 1
    assert directives.at(replace(line, in_base=True)) == []
    assert directives.at(Location("m/env.py", 4)) == []


def test_a_comment_is_about_all_lines_of_its_statement(graph: Graph) -> None:
    comment = f"    {COMMENT.strip()}\n"
    graph.write({MODELS: f"{GAME}{comment}    winners = Column(\n        Integer\n    )\n"})
    directives = directives_of(graph.facts())
    lines = [line for line in range(1, 9) if directives.at(Location(MODELS, line))]
    assert lines == [5, 6, 7]


def test_a_failed_upgrade_is_never_ignored(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED.replace("missing-migration", "broken-upgrade")})
    broken = finding("broken-upgrade", 4)
    assert ignore_findings([broken], directives_of(graph.facts())) == ([broken], [])


def finding(rule: str, line: int) -> Finding:
    return Finding(rule, f"{rule} at {line}", Location(MODELS, line), "alembic.ini")


def test_findings_of_other_rules_and_lines_remain(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED})
    facts = graph.facts()
    findings = [
        finding("missing-migration", 4),
        finding("multiple-heads", 4),
        finding("missing-migration", 3),
    ]
    remaining, (entry,) = ignore_findings(findings, directives_of(facts))
    assert remaining == findings[1:]
    assert (entry.text, entry.by) == ("missing-migration at 4", f"{MODELS}:4")


def summary(facts: Facts, *globs: str, findings: tuple[Finding, ...] = ()) -> Ignores:
    reasons = dict.fromkeys(globs, "later")
    directives = directives_of(facts)
    _, ignored = ignore_differences(facts, reasons, directives)
    return summarize_ignores(facts, reasons, directives, findings, ignored)


def test_what_matches_an_old_difference_only_is_used(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED})
    facts = of(graph, old=(ADDED,))
    ignores = summary(facts, "games.*", "moves")
    assert (ignores.unused, ignores.ignored, ignores.faults) == (("moves",), (), ())
    assert ignores.used == {"games.*", f"{MODELS}:4"}
    assert summary(of(graph), "games.*").unused == ("games.*", f"{MODELS}:4")


@pytest.mark.parametrize(
    "comparison",
    [
        None,
        Comparison(observed(), None, "base-models"),
        Comparison(observed(error={"type": "OperationalError"}), None, "replay"),
    ],
)
def test_without_old_differences_nothing_is_known_to_be_unused(
    graph: Graph, comparison: Comparison | None
) -> None:
    ignores = summary(replace(graph.facts(), comparison=comparison), "games")
    assert (ignores.unused, ignores.used) == (None, frozenset())


def test_a_comment_about_another_rule_may_have_been_used_before(graph: Graph) -> None:
    graph.write({MODELS: GAME + IGNORED.replace("missing-migration", "unregistered-model")})
    assert summary(of(graph)).unused == ()
    graph.write({MODELS: GAME + IGNORED.replace("migration]", "migration, broken-models]")})
    assert summary(of(graph)).unused == ()


@pytest.mark.parametrize(
    "rules",
    ["missing-migration", "migration-mismatch", "uncommitted-migration, missing-migration"],
)
def test_a_comment_about_differences_is_unused_where_none_is(graph: Graph, rules: str) -> None:
    graph.write({MODELS: GAME + IGNORED.replace("missing-migration", rules)})
    assert summary(of(graph)).unused == (f"{MODELS}:4",)


def test_a_faulty_comment_is_named_and_not_unused(graph: Graph) -> None:
    """Only in files that were loaded, of the history, or with a finding."""
    fault = COMMENT.replace("missing", "mising")
    other = "app/other.py"
    graph.write({MODELS: GAME + WINNERS.rstrip() + fault + "\n", other: f"x = 1{fault}\n"})
    graph.put({"0002": "0001"}, f"x = 1{fault}\ny = 1{COMMENT.replace(' by hand', '')}\n")
    ignores = summary(of(graph))
    assert [entry.partition(": ")[0] for entry in ignores.faults] == [
        f"{MODELS}:4",
        "m/versions/0002.py:3",
        "m/versions/0002.py:4",
    ]
    assert ignores.unused == ()
    named = replace(finding("unregistered-model", 1), location=Location(other, 1))
    assert len(summary(of(graph), findings=(named,)).faults) == 4


def test_a_comment_in_the_migration_that_left_something_is_used(graph: Graph) -> None:
    """The difference is located there while the migration is new, and elsewhere afterwards."""
    upgrade = f"def upgrade():\n    op.add_column('games', 'points'){COMMENT}\n"
    mismatch = upgrade.replace("missing-migration", "migration-mismatch")
    graph.commit({"0002": "0001"}, mismatch)
    graph.write({"notes.txt": ""})
    assert summary(of(graph, old=(REMOVED,))).unused == ()
    added = replace(REMOVED, kind="add_column")
    assert summary(of(graph, old=(added,))).unused == ("m/versions/0002.py:4",)


def test_an_ignore_is_unused_if_no_environment_uses_it() -> None:
    first = Ignores(used=frozenset({"games"}), unused=("moves", "boards"))
    second = Ignores(used=frozenset({"moves"}), unused=("games", "boards"))
    assert unused_ignores([first, second]) == ["boards"]
    assert unused_ignores([first, replace(second, unused=None)]) == []
    assert unused_ignores([first, Ignores(unused=())]) == ["moves", "boards"]


def test_a_fault_is_named_once() -> None:
    environments = [
        Ignores(faults=("a.py:1: why", "b.py:1: why")),
        Ignores(faults=("a.py:1: why",)),
    ]
    assert faulty_ignores(environments) == ["a.py:1: why", "b.py:1: why"]

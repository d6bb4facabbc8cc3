"""Marks in migrations against findings about rows, and what the summary says of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dry_runs import begin, facts_of, observed
from graphs import Graph
from trials import NEW, change, failure, tried

from alembic_lockstep.gate import conclude
from alembic_lockstep.ignores.ignoring import Directives
from alembic_lockstep.rules.row_notes import row_notes
from alembic_lockstep.verdict import EnvironmentVerdict

LINE = 'op.alter_column("games", "name", nullable=False)'
FIRST, BACK = 6, 10
FAILED: dict[str, Any] = {
    "phase": "upgrade",
    "revision": "0002",
    "error": failure("NOT NULL constraint failed: games.name", "", FIRST),
}
LOST: dict[str, Any] = {"changes": [change("nulled", "games.name")]}
LEFT: dict[str, Any] = {"left": ["type mood"]}
BROKEN: dict[str, Any] = {
    "phase": "downgrade",
    "revision": "0002",
    "error": failure("no such column: x", "", BACK),
}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def judge(
    graph: Graph, trial: dict[str, Any], mark: tuple[str, str], globs: dict[str, str]
) -> EnvironmentVerdict:
    """Judge a migration with a mark at the end of a line."""
    facts = tried(graph, LINE, downgrade='op.drop_column("games", "x")', **trial)
    line, comment = mark
    text = (graph.root / NEW).read_text()
    assert line in text
    graph.write({NEW: text.replace(line, f"{line}  # lockstep: {comment}", 1)})
    assert facts.comparison is not None
    facts = facts_of(graph, facts.comparison.now)
    return conclude(facts, globs, Directives(facts.repository, facts.tree))


HEAD, UP, DOWN = "revision = '0002'", "def upgrade() -> None:", "def downgrade() -> None:"
MARKED = [
    (FAILED, LINE, "unsafe-upgrade"),
    (FAILED, UP, "unsafe-upgrade"),
    (FAILED, HEAD, "unsafe-upgrade"),
    (LOST, LINE, "lost-rows"),
    (LOST, UP, "lost-rows"),
    (LOST, HEAD, "lost-rows"),
    (LEFT, DOWN, "broken-downgrade"),
    (LEFT, HEAD, "broken-downgrade"),
    (BROKEN, 'op.drop_column("games", "x")', "broken-downgrade"),
    (BROKEN, DOWN, "broken-downgrade"),
    (BROKEN, HEAD, "broken-downgrade"),
]


@pytest.mark.parametrize(("trial", "line", "rule"), MARKED)
def test_a_mark_with_a_reason_is_honoured(
    graph: Graph, trial: dict[str, Any], line: str, rule: str
) -> None:
    verdict = judge(graph, trial, (line, f"ignore[{rule}] checked by hand"), {})
    assert verdict.findings == ()
    (ignored,) = verdict.ignores.ignored
    assert (ignored.rule, ignored.reason) == (rule, "checked by hand")


@pytest.mark.parametrize(
    ("trial", "line", "comment"),
    [
        (FAILED, LINE, "ignore[unsafe-upgrade]"),
        (FAILED, LINE, "ignore[lost-rows] another rule"),
        (FAILED, DOWN, "ignore[unsafe-upgrade] the other function"),
        (LOST, DOWN, "ignore[lost-rows] the other function"),
        (LEFT, UP, "ignore[broken-downgrade] the other function"),
        (LEFT, LINE, "ignore[broken-downgrade] a statement of the other function"),
    ],
)
def test_a_mark_about_something_else_is_not(
    graph: Graph, trial: dict[str, Any], line: str, comment: str
) -> None:
    verdict = judge(graph, trial, (line, comment), {})
    assert len(verdict.findings) == 1
    assert verdict.ignores.ignored == ()


def test_a_glob_about_differences_excuses_no_lost_rows(graph: Graph) -> None:
    verdict = judge(graph, LOST, (HEAD, "ignore[unsafe-upgrade] x"), {"games*": "kept by hand"})
    assert [finding.rule for finding in verdict.findings] == ["lost-rows"]


def test_without_a_trial_nothing_is_said(graph: Graph) -> None:
    assert row_notes(graph.facts()) == []
    assert row_notes(facts_of(graph, observed())) == []


def test_what_was_tried_is_said(graph: Graph) -> None:
    facts = tried(graph, LINE, filled={"games": 3, "maps": 1})
    assert row_notes(facts) == ["rows: 0002 ran on 4 rows in 2 tables, and back"]
    facts = tried(graph, LINE, filled={"games": 3}, **FAILED)
    assert row_notes(facts) == ["rows: 0002 ran on 3 rows in 1 table"]


def test_a_migration_without_a_way_back_is_named(graph: Graph) -> None:
    facts = tried(graph, LINE, filled={"games": 3}, one_way=["0002"])
    assert row_notes(facts) == [
        "rows: 0002 ran on 3 rows in 1 table; not back: 0002 says that there is no way back"
    ]


def test_tables_without_rows_are_named_with_the_reason(graph: Graph) -> None:
    unfilled = {f"t{number}": "a type\nof an extension" for number in range(9)}
    (note,) = row_notes(tried(graph, LINE, unfilled=unfilled))
    assert note.startswith("no rows in t0 (a type of an extension), t1 (a type")
    assert note.endswith("and 4 more")
    (note,) = row_notes(tried(graph, LINE, unfilled={"t": "x" * 1000}))
    assert len(note) < 150


def test_why_there_was_no_trial_is_said(graph: Graph) -> None:
    assert row_notes(tried(graph, LINE, note="off (rows = false)")) == ["rows: off (rows = false)"]


def test_the_notes_are_in_the_summary_of_the_environment(graph: Graph) -> None:
    facts = tried(graph, LINE, note="off (rows = false)")
    verdict = conclude(facts, {}, Directives(facts.repository, facts.tree))
    assert "rows: off (rows = false)" in verdict.notes

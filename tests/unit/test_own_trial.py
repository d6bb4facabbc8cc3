"""Trials on rows in which revisions of the base ran again, above an edited one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dry_runs import begin, observed
from graphs import Graph
from trials import change, function

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.facts import Facts
from alembic_lockstep.rules import broken_downgrade, lost_rows, unsafe_upgrade
from alembic_lockstep.rules.migration_lines import trial_of

DROP = function("upgrade", "op.drop_column('{0}', 'notes')") + function("downgrade", "pass")


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A history of which 0002 is edited, and 0003 above it is as in the base."""
    graph = begin(tmp_path)
    graph.branch("side")
    graph.commit({"0002": "0001"}, DROP.format("games"))
    graph.commit({"0003": "0002"}, DROP.format("rounds"))
    graph.put({"0002": "0001"}, DROP.format("games") + "# Edited.\nLIMIT = 1\n")
    return graph


def facts_with(graph: Graph, trial: TrialFacts) -> Facts:
    now = observed("id", connections=({"dialect": "sqlite", "driver": "", "target": ""},))
    comparison = Comparison(replace(now, trial=trial), None, "replay")
    return replace(graph.facts(), comparison=comparison)


def test_what_only_an_old_revision_did_is_left_out(graph: Graph) -> None:
    """mealie's d5f7a883d was blocked for an empty downgrade of months before."""
    trial = TrialFacts(
        revisions=["0002", "0003"],
        empty_downgrades=["0002", "0003"],
        one_way=[],
        changes=[change("nulled", "games"), change("nulled", "rounds")],
        left=["column games.notes", "index ix_rounds of rounds"],
        lost=["column rounds.notes"],
    )
    own = trial_of(facts_with(graph, trial))
    assert own["revisions"] == own["empty_downgrades"] == ["0002"]
    assert [each["table"] for each in own["changes"]] == ["games"]
    assert (own["left"], own["lost"]) == (["column games.notes"], [])


NOTHING = TrialFacts(note="the revisions that ran are published, or as in the base")
TRIED = TrialFacts(
    revisions=["0002", "0003"],
    empty_downgrades=["0002", "0003"],
    one_way=[],
    changes=[change("nulled", "games")],
)


def test_a_published_revision_is_not_tried_again_for_an_edit(graph: Graph) -> None:
    graph.git("branch", "--force", "main", "side")
    assert trial_of(facts_with(graph, TRIED)) == NOTHING


def test_an_edit_of_comments_is_none(graph: Graph) -> None:
    """mealie's 432914e31 was blocked for what a linter did to old migrations."""
    graph.put({"0002": "0001"}, "# Formatted.\n" + DROP.format("games").replace("'", '"'))
    assert trial_of(facts_with(graph, TRIED)) == NOTHING


def test_a_failure_of_an_old_revision_is_a_note(graph: Graph) -> None:
    error = {"type": "Error", "message": "NOT NULL", "module": "", "statement": "", "frames": []}
    trial = TrialFacts(
        revisions=["0002", "0003"],
        phase="upgrade",
        revision="0003",
        error=error,  # type: ignore[typeddict-item]
    )
    facts = facts_with(graph, trial)
    assert trial_of(facts)["note"] == "0003, which the base has, fails above an edited one"
    for rule in (unsafe_upgrade, lost_rows, broken_downgrade):
        assert rule.check(facts) == []


def test_a_trial_of_new_revisions_alone_stays_as_it_is(graph: Graph) -> None:
    graph.put({"0004": "0003"})
    trial = TrialFacts(revisions=["0004"], left=["type mood"])
    assert trial_of(facts_with(graph, trial)) == trial

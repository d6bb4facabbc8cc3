"""stale-branch: the history that a merge into the target would have, from trees to findings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import Graph, Parents

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules import stale_branch

Judge = Callable[..., list[Finding]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Return what the rule finds for three histories, from revisions to their parents."""

    def judge(
        branch: dict[str, Parents], target: dict[str, Parents], merged: dict[str, Parents]
    ) -> list[Finding]:
        own, theirs, both = (
            at_tree(tmp_path / name, parents)
            for name, parents in {"branch": branch, "target": target, "merged": merged}.items()
        )
        return stale_branch.check(own, theirs, both, "origin/main", own.tree)

    return judge


def at_tree(root: Path, parents: dict[str, Parents]) -> EnvironmentAtTree:
    root.mkdir()
    graph = Graph(root)
    graph.git("commit", "--quiet", "--allow-empty", "-m", "Empty")
    graph.put(parents)
    return graph.facts().now


OLD: dict[str, Parents] = {"0001": None, "0002": "0001"}


def test_a_branch_on_top_of_its_target_passes(judge: Judge) -> None:
    branch = {**OLD, "0003": "0002"}
    assert judge(branch, OLD, branch) == []


def test_a_target_that_has_gained_no_migration_passes(judge: Judge) -> None:
    assert judge(OLD, OLD, OLD) == []


def test_a_target_that_is_ahead_of_a_branch_without_migrations_passes(judge: Judge) -> None:
    target = {**OLD, "000a": "0002"}
    assert judge(OLD, target, target) == []


def test_a_branch_that_merges_both_heads_itself_passes(judge: Judge) -> None:
    target = {**OLD, "000a": "0002"}
    branch: dict[str, Parents] = {**target, "0003": "0002", "0004": ("000a", "0003")}
    assert judge(branch, target, branch) == []


def test_two_heads_of_the_target_are_not_the_branchs(judge: Judge) -> None:
    two_heads = {**OLD, "000a": "0001"}
    assert judge(OLD, two_heads, two_heads) == []


def test_two_heads_of_the_branch_are_another_rules(judge: Judge) -> None:
    two_heads = {**OLD, "000a": "0001"}
    assert judge(two_heads, OLD, two_heads) == []


def test_a_parent_that_branch_or_target_lack_already_is_another_rules(judge: Judge) -> None:
    lost = {**OLD, "0003": "gone"}
    assert judge(lost, OLD, lost) == []


def test_two_migrations_on_one_parent_leave_two_heads(judge: Judge) -> None:
    branch, target = {**OLD, "0003": "0002"}, {**OLD, "000a": "0002"}
    (finding,) = judge(branch, target, {**branch, **target})
    assert finding.rule == "stale-branch"
    assert finding.message == (
        "merged into origin/main as it is now, this leaves 2 heads: 0003, 000a; "
        "`upgrade head` will refuse to choose"
    )
    assert finding.location == Location(
        "m/versions/0003.py", 2, 17, "down_revision = '0002'", len("'0002'")
    )
    assert finding.environment == "alembic.ini"
    assert finding.hint == (
        "Rebase onto origin/main and set down_revision = '000a' here "
        "(alembic-lockstep rebase does, and tries it), or merge origin/main and "
        "make a merge revision: alembic merge heads && git add :/m/versions"
    )


def test_of_several_new_migrations_the_lowest_gets_another_parent(judge: Judge) -> None:
    branch, target = {**OLD, "0003": "0002", "0004": "0003"}, {**OLD, "000a": "0002"}
    (finding,) = judge(branch, target, {**branch, **target})
    assert finding.location.path == "m/versions/0003.py"


def test_an_old_revision_that_the_branch_makes_a_head_is_named(judge: Judge) -> None:
    branch: dict[str, Parents] = {"0001": None, "0009": "0001", "0003": "0001"}
    target: dict[str, Parents] = {"0001": None, "0009": "0001", "0003": "0009", "000a": "0001"}
    (finding,) = judge(branch, target, {**target, **branch})
    assert "this leaves 3 heads: 0003, 0009, 000a; " in finding.message
    assert finding.location.path == "m/versions/0009.py"


def test_only_heads_of_the_target_that_stay_heads_are_named(judge: Judge) -> None:
    target: dict[str, Parents] = {**OLD, "000a": "0002", "000b": "0002"}
    branch: dict[str, Parents] = {**OLD, "000a": "0002", "0003": "000a", "0004": "0001"}
    (finding,) = judge(branch, target, {**target, **branch})
    assert "set down_revision = '000b' here (alembic-lockstep rebase" in finding.hint


def test_a_parent_that_the_target_deleted_is_named_and_not_the_heads(judge: Judge) -> None:
    branch: dict[str, Parents] = {**OLD, "0003": "0002"}
    target: dict[str, Parents] = {"0001": None, "000a": "0001"}
    (finding,) = judge(branch, target, {**target, "0003": "0002"})
    assert finding.message == (
        "down_revision '0002' is gone in origin/main; merged into it, every upgrade will say: "
        "Can't locate revision identified by '0002'"
    )
    assert finding.hint == (
        "Rebase onto origin/main and set down_revision to a revision that is still there."
    )
    assert (finding.location.path, finding.location.line) == ("m/versions/0003.py", 2)

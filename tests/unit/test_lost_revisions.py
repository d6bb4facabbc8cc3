"""Migrations that a commit builds on and lacks: git still has them, and the printed command helps.

Each test loses a migration in a way of its own, types the command that the finding prints, in a
subfolder, and asks the rule again.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git import lost_files
from alembic_lockstep.git.command import run_git
from alembic_lockstep.rules import unknown_parent

LOST = "revision = 'lost'\ndown_revision = '0001'\n"
FILE = "m/versions/lost.py"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    return graph


def on_a_branch(graph: Graph) -> None:
    graph.branch("feature/winners")
    graph.commit({"lost": "0001"})
    graph.branch("main", "main")


def on_a_remote_branch(graph: Graph) -> None:
    on_a_branch(graph)
    graph.git("update-ref", "refs/remotes/origin/theirs", "feature/winners")
    graph.git("branch", "-D", "feature/winners")


def at_a_tag(graph: Graph) -> None:
    on_a_branch(graph)
    graph.git("tag", "v1", "feature/winners")
    graph.git("branch", "-D", "feature/winners")


def deleted_in_an_earlier_commit(graph: Graph) -> None:
    graph.commit({"lost": "0001"})
    graph.write({FILE: None})
    graph.commit({})


def dropped_by_a_merge(graph: Graph) -> None:
    on_a_branch(graph)
    graph.git("merge", "--strategy=ours", "--no-ff", "-m", "Not that", "feature/winners")
    graph.git("branch", "-D", "feature/winners")


def in_a_stash(graph: Graph) -> None:
    graph.put({"lost": "0001"})
    graph.git("stash", "push")


def untracked_in_a_stash(graph: Graph) -> None:
    (graph.root / FILE).write_text(LOST)
    graph.git("stash", "push", "--include-untracked")


def in_an_older_stash(graph: Graph) -> None:
    in_a_stash(graph)
    graph.write({"notes.txt": "More work.\n"})
    graph.git("stash", "push")


def at_the_tip_of_a_deleted_branch(graph: Graph) -> None:
    on_a_branch(graph)
    graph.git("branch", "-D", "feature/winners")


def amended(graph: Graph) -> None:
    graph.write({FILE: LOST, "notes.txt": "Notes.\n"})
    graph.commit({})
    graph.write({FILE: None})
    graph.git("commit", "--quiet", "--amend", "-m", "Notes alone")


def in_a_dropped_stash(graph: Graph) -> None:
    in_a_stash(graph)
    graph.git("stash", "drop")


def of_a_branch_without_reflog(graph: Graph) -> None:
    at_the_tip_of_a_deleted_branch(graph)
    graph.git("reflog", "expire", "--expire-unreachable=now", "--all")


def staged_and_never_committed(graph: Graph) -> None:
    graph.put({"lost": "0001"})
    graph.git("reset", "--hard")


#: From how it was lost to what the finding says.
WAYS: dict[Callable[[Graph], None], str] = {
    on_a_branch: "The branch feature/winners has it: merge it, rebase onto it",
    on_a_remote_branch: "The branch origin/theirs has it: merge it",
    at_a_tag: "The tag v1 has it. Bring it back",
    deleted_in_an_earlier_commit: r"Commit \w{8} \(A change\) has it, and a later one deleted it",
    dropped_by_a_merge: r"Commit \w{8} \(A change\) has it, and a later one deleted it",
    in_a_stash: r"The stash stash@\{0\} has it. Bring it back",
    untracked_in_a_stash: r"The stash stash@\{0\} has it. Bring it back",
    in_an_older_stash: r"The stash stash@\{1\} has it. Bring it back",
    at_the_tip_of_a_deleted_branch: r"\(A change\) has it, and no branch has that commit any more",
    amended: r"\(A change\) has it, and no branch has that commit any more",
    in_a_dropped_stash: "has it, and no branch has that commit any more",
    of_a_branch_without_reflog: "has it, and no branch has that commit any more",
    staged_and_never_committed: "A file that was staged and never committed has it",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_git_still_has_comes_back_by_the_printed_command(
    graph: Graph, way: Callable[[Graph], None]
) -> None:
    way(graph)
    assert not (graph.root / FILE).exists()
    graph.put({"0003": "lost"})
    type_hint(graph, WAYS[way])
    assert (graph.root / FILE).read_text().startswith(LOST)
    assert unknown_parent.check(graph.facts()) == []


def type_hint(graph: Graph, words: str) -> str:
    """Type the command at the end of the finding's hint, in a subfolder."""
    (finding,) = unknown_parent.check(graph.facts())
    match = re.search(r": (git .*)$", finding.hint)
    assert match, finding.hint
    assert re.search(words, finding.hint), finding.hint
    folder = graph.root / "m/versions"
    subprocess.run(("bash", "-ec", match[1]), cwd=folder, check=True, capture_output=True)
    return match[1]


def test_the_ancestors_that_are_lost_as_well_come_back_with_it(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"older": "0001"})
    graph.commit({"lost": "older", "newer": "lost"})
    graph.branch("main", "main")
    graph.git("branch", "-D", "side")
    graph.put({"0003": "lost"})
    command = type_hint(graph, "no branch has that commit")
    assert command.endswith(" -- :/m/versions/lost.py :/m/versions/older.py")
    assert unknown_parent.check(graph.facts()) == []


def test_the_last_state_of_the_file_comes_back(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"lost": "0001"})
    graph.commit({"lost": "0001"}, "# Mended.\n")
    graph.branch("main", "main")
    graph.git("branch", "-D", "side")
    graph.put({"0003": "lost"})
    type_hint(graph, "no branch has that commit")
    assert "# Mended." in (graph.root / FILE).read_text()


def test_a_branch_is_preferred_to_a_newer_commit_that_was_amended(graph: Graph) -> None:
    on_a_branch(graph)
    amended(graph)
    graph.put({"0003": "lost"})
    type_hint(graph, "The branch feature/winners has it")


@pytest.mark.parametrize("text", ["# lost\n", "revision = 'other'\ndown_revision = 'lost'\n"])
def test_a_file_that_only_names_it_is_another(graph: Graph, text: str) -> None:
    graph.branch("side")
    graph.write({"m/versions/other.py": text, "elsewhere/lost.py": LOST})
    graph.commit({})
    graph.branch("main", "main")
    graph.put({"0003": "lost"})
    (finding,) = unknown_parent.check(graph.facts())
    assert finding.hint.startswith("No file on disk and nothing in this clone has it")


def test_git_is_not_asked_without_a_finding(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_tip_of_a_deleted_branch(graph)
    monkeypatch.setattr(lost_files, "run_git", None)
    graph.put({"0002": "0001"})
    assert unknown_parent.check(graph.facts()) == []


def test_a_search_that_takes_too_long_is_said_to(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_files, "PATIENCE", 1e-6)
    graph.put({"0003": "lost"})
    (finding,) = unknown_parent.check(graph.facts())
    assert finding.hint == (
        "No file on disk has it, and what git has was not searched whole: "
        "git log took more than 1e-06 s."
    )
    with pytest.raises(CouldNotJudge):
        run_git(graph.root, "log", timeout=1e-6)

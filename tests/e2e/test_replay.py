"""The history replay tells faulty commits from sound ones, by brute force and by the tool."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bench.generated import AFTER, COLUMN, MODELS, files, next_migration
from bench.machine import developer
from bench.make_subjects import write
from replaying.check import Checker, Found
from replaying.outcome import (
    BEYOND,
    CLEAN,
    DIFFER,
    JUDGED,
    NEITHER,
    SAME,
    Outcome,
    precision,
)
from replaying.projects import Alembic, Project
from replaying.repository import Clone, Commit
from replaying.truth import BruteForce, Truth

from .harness import begin_repository, clean_environ, run

SHOP = Project(
    "shop",
    "nobody/shop",
    since="2020-01-01",
    until="2099-12-31",
    environments=(Alembic("alembic.ini", "migrations/versions"),),
    environ={"DATABASE_URL": "{url}", "PYTHONPATH": "{root}"},
)
COMMIT = Commit("a" * 40, "b" * 40)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Ten revisions; then a note, a column without its migration, the migration, and no column.

    The project limits a dry run to less than the start of a Python takes.
    """
    root = tmp_path / "shop"
    root.mkdir()
    environ = clean_environ(tmp_path)
    begin_repository(root, environ)
    changed = files(10)[MODELS].replace(AFTER, f"{AFTER}\n{COLUMN}")
    path, migration = next_migration(10)
    settings = f"{files(10)['pyproject.toml']}\n[tool.alembic-lockstep]\ntimeout = 0.01\n"
    begin = {**files(10), "pyproject.toml": settings}
    steps = ({"NOTES.md": "Nothing.\n"}, {MODELS: changed}, {path: migration})
    for number, texts in enumerate((begin, *steps)):
        write(root, texts)
        run(("git", "add", "--all"), cwd=root, environ=environ, check=True)
        run(("git", "commit", "-qm", f"Step {number}"), cwd=root, environ=environ, check=True)
    return Clone.of(root / ".git", tmp_path / "clone")


def test_brute_force_and_the_tool_find_the_same(clone: Clone, tmp_path: Path) -> None:
    python = Path(sys.executable)
    home = tmp_path / "home"
    home.mkdir()
    environ = developer(home, tmp_path / "cache", python.parent.parent)
    brute = BruteForce(SHOP, clone, python, tmp_path, environ, None)
    checker = Checker(SHOP, clone, python.with_name("alembic-lockstep"), python, environ)
    commits = clone.commits(SHOP.since, SHOP.until, ["migrations/versions"])
    assert len(commits) == 2  # neither the note nor the commit that has no parent
    elsewhere = clone.commits(SHOP.since, SHOP.until, ["migrations/versions"], ["elsewhere/"])
    assert elsewhere == commits[:1]
    brute.truth(commits[0])
    assert set(brute.runs) == {commits[0].sha}  # a clean commit's parent has nothing to excuse
    mended, faulty = (
        Outcome(commit, brute.truth(commit), checker.found(commit, ("--no-cache",)))
        for commit in commits
    )
    fault = "alembic.ini: column accounts_items.note is in the models"
    assert faulty.truth == Truth(frozenset({fault}))
    assert (faulty.kind, mended.kind) == (SAME, CLEAN)
    assert not (tmp_path / "worktree").exists()
    again = BruteForce(SHOP, clone, Path(os.devnull), tmp_path, environ, None)
    assert again.truth(commits[1]) == faulty.truth  # from what was kept: nothing runs


def test_what_the_tool_alone_finds_is_told_apart() -> None:
    fault, another = frozenset({"one"}), frozenset({"other"})
    cases = {
        CLEAN: (Truth(), Found()),
        SAME: (Truth(fault), Found(fault)),
        BEYOND: (Truth(fault), Found(fault | another, another)),
        NEITHER: (Truth(unknown="why"), Found(failure="why")),
        JUDGED: (Truth(unknown="why"), Found(fault)),
    }
    assert {kind: Outcome(COMMIT, *case).kind for kind, case in cases.items()} == {
        kind: kind for kind in cases
    }
    different = [
        (Truth(), Found(fault)),
        (Truth(fault), Found()),
        (Truth(fault), Found(another, another)),
        (Truth(), Found(failure="why")),
    ]
    assert {Outcome(COMMIT, *case).kind for case in different} == {DIFFER}


def test_precision_counts_commits_that_brute_force_knows() -> None:
    fault = frozenset({"one"})
    outcomes = [
        Outcome(Commit(str(number), ""), *case)
        for number, case in enumerate(
            [
                (Truth(fault), Found(fault)),
                (Truth(fault), Found()),
                (Truth(), Found(failure="why")),
                (Truth(unknown="why"), Found(fault)),
            ]
        )
    ]
    said = "precision 1/2, recall 1/2; not judged, and therefore blocked: 1"
    assert precision(outcomes) == said

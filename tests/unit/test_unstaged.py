"""Settings on disk that are not in what is judged, in real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alembic_lockstep.context import RunContext
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.unstaged_settings import unstaged_settings

OURS = "[tool.alembic-lockstep]\nstrict = true\n"
WHY = "The settings in pyproject.toml on disk are not in what is judged: "


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "Somebody")
    git(tmp_path, "config", "user.email", "somebody@example.invalid")
    write(tmp_path, "[project]\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "First")
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    command = ("git", *arguments)
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(text)


def advice(root: Path, tree: str = "") -> str:
    repository = Repository.discover(root)
    return unstaged_settings(RunContext(repository, {}), tree or repository.staged_tree({}))


def test_settings_that_are_not_staged_are_named_with_the_command(root: Path) -> None:
    write(root, OURS)
    assert advice(root) == f"{WHY}git add :/pyproject.toml"
    git(root, "add", "pyproject.toml")
    assert advice(root) == ""


def test_settings_that_git_does_not_track_are_named(root: Path) -> None:
    git(root, "rm", "--quiet", "--cached", "pyproject.toml")
    write(root, OURS)
    assert advice(root) == f"{WHY}git add :/pyproject.toml"


def test_settings_that_are_staged_and_not_committed_do_not_count_for_head(root: Path) -> None:
    write(root, OURS)
    git(root, "add", "pyproject.toml")
    assert (
        advice(root, git(root, "rev-parse", "HEAD^{tree}")) == f"{WHY}git commit :/pyproject.toml"
    )


@pytest.mark.parametrize("text", ["[project]\nname = 'shop'\n", "[tool.alembic-lockstep\n"])
def test_other_changes_and_drafts_are_not_spoken_of(root: Path, text: str) -> None:
    write(root, text)
    assert advice(root) == ""


def test_an_older_commit_may_have_other_settings(root: Path) -> None:
    old = git(root, "rev-parse", "HEAD^{tree}")
    write(root, OURS)
    git(root, "commit", "--quiet", "-am", "Set")
    assert advice(root, old) == ""

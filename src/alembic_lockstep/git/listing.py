"""Ignored files of working trees, as git lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from alembic_lockstep.git.command import paths, run_git
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.working_tree import IGNORED

_BYTECODE = re.compile(r"(^|/)__pycache__/|\.pyc$")


def list_ignored(repository: Repository) -> list[str]:
    """Return ignored files, and folders (ending in `/`) in which everything is ignored.

    Bytecode is left out: a checkout has its own.
    """
    ignored = _ignored_in(repository, repository.root)
    for folder, git_dir in repository.submodules.items():
        top = repository.root / folder
        if (top / ".git").exists():
            ignored += [f"{folder}/{path}" for path in _ignored_in(repository, top, git_dir)]
    return ignored


def list_worktrees(repository: Repository) -> list[tuple[str, list[str]]]:
    """Return this working tree, and the main one if it is another, each with its ignored files."""
    main = repository.main_root
    worktrees = [(str(repository.root), list_ignored(repository))]
    if main != repository.root:
        worktrees.append((str(main), _ignored_in(repository, main)))
    return worktrees


def _ignored_in(repository: Repository, root: Path, git_dir: Path | None = None) -> list[str]:
    git_dir = git_dir or root / ".git"
    environ = {
        "GIT_DIR": str(git_dir),
        "GIT_WORK_TREE": str(root),
        "GIT_INDEX_FILE": str(git_dir / "index"),
    }
    # A hook's variables speak of the repository's own working tree.
    listed = run_git(
        root, "ls-files", *IGNORED, environ=None if root == repository.root else environ
    )
    return [path for path in _outermost(paths(listed)) if not _BYTECODE.search(path)]


def _outermost(names: Sequence[str]) -> list[str]:
    """Drop files and folders below a folder that is listed, too.

    With `--directory`, git lists a folder and its content where the folder's own `.gitignore`
    ignores all of it, as `uv venv`, Python 3.13's venv and the caches of ruff, mypy and pytest do.
    """
    outermost: list[str] = []
    for name in sorted(names):
        folder = outermost[-1] if outermost and outermost[-1].endswith("/") else None
        if folder is None or not name.startswith(folder):
            outermost.append(name)
    return outermost

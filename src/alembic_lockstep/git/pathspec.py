"""Paths of the repository in commands to type, which lead on from any of its folders."""

from __future__ import annotations

import shlex
from collections.abc import Iterable


def from_anywhere(paths: Iterable[str]) -> str:
    """Return paths from the root as git takes them wherever it is run: `:/shop/models.py`.

    Who commits in a subfolder has the hook run at the root, and types what it says below.
    """
    return shlex.join(_top(path) for path in paths)


def add_command(paths: Iterable[str], *, force: bool = False) -> str:
    """Return the command that stages files."""
    return f"git add {'--force ' if force else ''}{from_anywhere(paths)}"


def _top(path: str) -> str:
    # Another sign behind `:/` would be taken for more of git's pathspec magic: `:/_site`.
    return f":/{path}" if path[:1].isalnum() or path.startswith(".") else f":(top){path}"

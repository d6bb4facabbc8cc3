"""Sources from which environments are found: the judged tree's files, and paths among them.

All paths are POSIX from the root; "" is the root.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

Read = Callable[[str], "str | None"]

# Stands for the root's absolute path, which `%(here)s` begins with.
TOP = "/<root>"
# Environments in these folders are fixtures, samples or third-party code.
_NOT_OURS = frozenset(
    {".venv", "doc", "docs", "example", "examples", "fixtures", "node_modules", "sample"}
    | {"samples", "site-packages", "template", "templates", "test", "tests", "venv"}
)


@dataclass(frozen=True)
class Sources:
    """Files of the judged tree, and the settings that name an application.

    Attributes:
        files: Every file of the tree.
        read: The text of a file of the tree; None for any other path.
        read_ignored: The text of a file that git ignores.
        flask_app: As the settings or FLASK_APP name it; "" if neither does.
        alchemy_config: As the settings or LITESTAR_APP name it; "" if neither does.
    """

    files: frozenset[str]
    read: Read
    read_ignored: Read
    flask_app: str
    alchemy_config: str = ""


def folder_of(path: str) -> str:
    """Return the folder that a file lies in."""
    return posixpath.dirname(path)


def join(folder: str, path: str) -> str:
    """Join and normalise paths below the root; return "" for a path that leaves the root."""
    joined = posixpath.normpath(posixpath.join(TOP, folder, path))
    return "" if not joined.startswith(TOP + "/") else joined[len(TOP) + 1 :]


def here(folder: str) -> str:
    """Return the value of `%(here)s` in a configuration of that folder."""
    return posixpath.join(TOP, folder).rstrip("/")


def upward(folder: str) -> list[str]:
    """Return the folder and its parents up to the root."""
    parents = PurePosixPath(folder).parents if folder else ()
    return list(dict.fromkeys([folder, *("" if str(p) == "." else str(p) for p in parents)]))


def is_material(folder: str) -> bool:
    """Return whether a folder holds fixtures, templates or third-party code."""
    return any(part in _NOT_OURS or "{" in part for part in folder.split("/"))

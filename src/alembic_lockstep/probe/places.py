"""Distinguish files of the commit, of the environment, and those that are on disk only."""

from __future__ import annotations

import functools
import os
import sys
from typing import Dict, List, Optional

from .protocol import Request


class Places:
    """Paths of the checkout, the user's working trees, and the ignored files that all share.

    A linked worktree often has no virtual environment of its own: the main one's editable
    installs point into the main working tree.
    """

    def __init__(self, request: Request) -> None:
        self.checkout: str = request["checkout"]
        self._mirrors: Dict[str, str] = {}
        self._shared: Dict[str, str] = {}
        # The last: in our own repository, the probe is a part of the working tree.
        probe = os.path.dirname(os.path.abspath(__file__))
        self._environment: List[str] = [sys.prefix, sys.base_prefix, sys.exec_prefix, probe]
        for worktree, ignored in request["worktrees"]:
            mirror = os.path.join(self.checkout, _mirror_of(worktree, request["config"]))
            self._mirrors[worktree] = os.path.normpath(mirror)
            for path in (*ignored, ".git"):
                for top in (worktree, mirror):
                    self._environment.append(os.path.join(top, path.rstrip("/")))
            for path in ignored:
                shown = os.path.join(self._mirrors[worktree], path.rstrip("/"))
                self._shared[os.path.join(worktree, path.rstrip("/"))] = shown
        self._ignored = frozenset(self._environment)
        self.tops: List[str] = [self.checkout, *self._mirrors]

    def in_checkout(self, path: str) -> bool:
        """Return whether the file is the judged tree's."""
        return self._is_code(path, self.checkout)

    def is_tree(self, folder: str, name: str) -> bool:
        """Return whether an entry of one of the checkout's folders is the judged tree's."""
        return os.path.join(folder, name) not in self._ignored

    def in_worktree(self, path: str) -> bool:
        """Return whether the file is the repository's, but on disk and not in the judged tree."""
        return self._worktree_of(path) is not None

    def shared(self, path: str) -> Optional[str]:
        """Return the checkout's path of a working tree's ignored file; None for any other path."""
        if not any(_below(path, worktree) for worktree in self._mirrors):
            return None
        head = path
        while head and head not in self._shared:
            folder = os.path.dirname(head)
            head = "" if folder == head else folder
        return self._shared[head] + path[len(head) :] if head else None

    def moved(self, path: str) -> Optional[str]:
        """Return the checkout's path for a path of a working tree; None for any other path."""
        folder, name = os.path.split(os.path.abspath(path))
        plain = os.path.join(folder, name)
        candidates = [plain, os.path.join(_real_folder(folder), name)]
        if os.path.islink(plain):  # an editable install may be a folder of links to the sources
            candidates.append(os.path.realpath(plain))
        moved = [
            candidate for candidate in map(self._mirrored, candidates) if candidate is not None
        ]
        return next(filter(os.path.exists, moved), moved[0] if moved else None)

    def shown(self, folder: str) -> str:
        """Return the checkout's folder for one of a working tree if it exists; else the folder."""
        moved = self.moved(folder)
        return folder if moved is None or not os.path.isdir(moved) else moved

    def _mirrored(self, path: str) -> Optional[str]:
        worktree = self._worktree_of(path)
        if worktree is None:
            return None
        inside = os.path.relpath(path, worktree)
        return os.path.normpath(os.path.join(self._mirrors[worktree], inside))

    def _worktree_of(self, path: str) -> Optional[str]:
        if _below(path, self.checkout):
            return None
        return next((top for top in self._mirrors if self._is_code(path, top)), None)

    def _is_code(self, path: str, top: str) -> bool:
        # Paths of the environment count only below `top`: `top` itself may lie in an ignored
        # folder, or below `sys.prefix`.
        return _below(path, top) and not any(
            _below(path, folder) for folder in self._environment if _below(folder, top, proper=True)
        )


def _mirror_of(worktree: str, config: str) -> str:
    """Return the folder of the tree that `worktree` holds.

    On the host it is the whole tree. A container's working directory may hold a part of it:
    `backend/alembic.ini` lies there as `alembic.ini`.
    """
    parts = config.split("/")
    for depth in range(len(parts)):
        if os.path.exists(os.path.join(worktree, *parts[depth:])):
            return os.path.join("", *parts[:depth])
    return ""


@functools.lru_cache(maxsize=None)  # every import asks, mostly for the same few folders
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _below(path: str, folder: str, proper: bool = False) -> bool:
    return path.startswith(folder + os.sep) or (path == folder and not proper)

"""Deleting from a checkout what neither the tree nor the ignored files bring."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from alembic_lockstep.git.deletion import delete
from alembic_lockstep.git.ignored import BYTECODE, Shown


@dataclass
class Sweep:
    """Deletes what neither the tree nor the ignored files bring: the project's own output.

    Attributes:
        folder: The checkout's top folder.
        began: Python files written after this moment (nanoseconds) lose their bytecode. Python
            trusts bytecode by the source's size and modification second, and two trees can be
            checked out within one second.
        tracked: Files of the tree.
        shown: What is ignored.
        present: The statuses of ignored files and links that are there.
        tracked_there: The number of the tree's files that are there.
    """

    folder: Path
    began: int
    tracked: set[str]
    shown: dict[str, Shown]
    present: dict[str, os.stat_result] = field(default_factory=dict)
    tracked_there: int = 0

    def run(self) -> None:
        """Look at all that is there."""
        folders = [path for path, one in self.shown.items() if one.is_folder]
        self._folders = {*folders_of(self.tracked), *folders, *folders_of(self.shown)}
        self._sweep(str(self.folder), "")

    def _sweep(self, folder: str, prefix: str) -> None:
        for entry in list(os.scandir(folder)):
            path = prefix + entry.name
            if path == ".git" or (entry.name == BYTECODE and _is_folder(entry)):
                continue
            if _is_folder(entry):
                if path in self._folders:
                    self._sweep(entry.path, f"{path}/")
                else:
                    delete(Path(entry.path))
            elif path in self.tracked:
                self.tracked_there += 1
                self._check_bytecode(entry)
            elif not self._is_shown(path, entry):
                delete(Path(entry.path))

    def _check_bytecode(self, entry: os.DirEntry[str]) -> None:
        if (
            entry.name.endswith(".py")
            and entry.stat(follow_symlinks=False).st_mtime_ns > self.began
        ):
            drop_compiled(Path(entry.path))

    def _is_shown(self, path: str, entry: os.DirEntry[str]) -> bool:
        one = self.shown.get(path)
        status = entry.stat(follow_symlinks=False)
        if one is None or one.is_folder or one.is_link != stat.S_ISLNK(status.st_mode):
            return False
        if one.is_file and not stat.S_ISREG(status.st_mode):
            return False
        self.present[path] = status
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return the folders that paths lie in, without the root."""
    return {folder for path in paths for folder in upward(path)}


def upward(path: str) -> Iterator[str]:
    """Yield the folders that a path lies in, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def drop_compiled(file: Path) -> None:
    """Delete the bytecode of a Python file."""
    for compiled in (file.parent / BYTECODE).glob(f"{_escape(file.stem)}.*.pyc"):
        compiled.unlink()


def _escape(stem: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in stem)

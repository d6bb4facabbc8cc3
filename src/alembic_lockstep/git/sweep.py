"""Deleting a project's own output from a checkout."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from alembic_lockstep.git.deletion import delete
from alembic_lockstep.git.entries import folders_of
from alembic_lockstep.git.ignored import BYTECODE, IgnoredEntry


@dataclass
class Sweep:
    """Deletes files that are neither in the tree nor ignored: the project's own output.

    Attributes:
        folder: The checkout's top folder.
        began: Python files written after this moment (nanoseconds) lose their bytecode. Python
            trusts bytecode by the source's size and modification second, and two trees can be
            checked out within one second.
        tracked: Files of the tree.
        shown: Ignored files, folders and links by their paths.
        present: Statuses of the ignored files and links that exist; filled by `run`.
        tracked_there: Number of the tree's files that exist; filled by `run`.
    """

    folder: Path
    began: int
    tracked: set[str]
    shown: dict[str, IgnoredEntry]
    present: dict[str, os.stat_result] = field(default_factory=dict)
    tracked_there: int = 0

    def run(self) -> None:
        """Sweep the whole checkout."""
        folders = [path for path, entry in self.shown.items() if entry.is_folder]
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
            drop_bytecode(Path(entry.path))

    def _is_shown(self, path: str, entry: os.DirEntry[str]) -> bool:
        shown = self.shown.get(path)
        status = entry.stat(follow_symlinks=False)
        if shown is None or shown.is_folder or shown.is_link != stat.S_ISLNK(status.st_mode):
            return False
        if shown.is_file and not stat.S_ISREG(status.st_mode):
            return False
        self.present[path] = status
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def drop_bytecode(file: Path) -> None:
    """Delete the bytecode of a Python file."""
    for bytecode in (file.parent / BYTECODE).glob(f"{glob.escape(file.stem)}.*.pyc"):
        bytecode.unlink()

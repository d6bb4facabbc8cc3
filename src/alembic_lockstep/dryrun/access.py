"""Files that compiled code and subprocesses read in the checkout, by the kernel's access times.

Python's audit events do not report a file that a C library opens. The checkout is ours, so before a
run every access time in it is set to zero; a file that has another one afterwards was read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic_lockstep.errors import CouldNotJudge

# Never the tree's, and read only by git and Python.
SKIPPED = {".git", "__pycache__"}
# The files of a `.git` that compiled code (libgit2) opens.
OF_GIT = (".git/HEAD", ".git/config")


@dataclass
class AccessTimes:
    """The files that one run read in a checkout; paths are POSIX from there, "" is the top.

    Attributes:
        of_git: Files of its `.git` that were read.
    """

    checkout: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    of_git: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, checkout: Path) -> AccessTimes | None:
        """Set every access time to zero; None where the file system records none."""
        try:
            if not _are_recorded(checkout.parent):
                return None
            for entry in _entries(checkout):
                # Listing a folder has just changed its own.
                if entry.is_folder or entry.status.st_atime_ns:
                    _reset(entry.path_on_disk, entry.status)
            for file in _files_of_git(checkout):
                _reset(str(file), file.stat())
        except (OSError, NotImplementedError):  # another account's files, or an unsupported call
            return None
        return cls(checkout)

    def end(self) -> None:
        """Note what was read since `begin`; our own reads of the checkout have to come later."""
        if not self.checkout.is_dir():
            raise CouldNotJudge(
                "the project deleted or renamed the folder in which it was run (a checkout of "
                "what is committed)",
                fix="env.py, or what it imports or runs, does that to the working directory: let "
                "it work in a folder of its own.",
            )
        for entry in list(_entries(self.checkout)):
            if entry.status.st_atime_ns and not entry.is_ours:
                (self.folders if entry.is_folder else self.files).append(entry.path)
        read = (file for file in _files_of_git(self.checkout) if file.stat().st_atime_ns)
        self.of_git = [file.relative_to(self.checkout).as_posix() for file in read]


def complete(reads: Mapping[str, Any], access: AccessTimes | None) -> dict[str, Any]:
    """Add the files to a trace that the project's Python did not report.

    They are also listed under `unseen`, as the revision that read them is unknown.
    """
    whole = dict(reads)
    compiled = whole.pop("compiled", [])
    if access is None:
        where = "on a file system without access times"
        untraceable = {f"compiled code ({name}) {where}" for name in compiled}
        untraced = sorted({*whole.get("untraced", ()), *untraceable})
        return {**whole, "untraced": untraced, "unseen": []}
    listed = whole.get("listed", {})
    folders = set(access.folders).difference(listed, whole.get("searched", ()))
    more = {path: _names(access.checkout / path) for path in folders}
    opened = whole.get("opened", [])
    unseen = sorted(set(access.files).difference(opened))
    of_git = {f"git's own files ({path})" for path in access.of_git}
    settings = (path for path in unseen if path.endswith("pyproject.toml"))
    texts = {*whole.get("texts", ()), *(path for path in unseen if path.endswith(".py"))}
    return {
        **whole,
        "opened": sorted([*opened, *unseen]),
        "listed": {**listed, **more},
        "texts": sorted(texts),
        "settings": sorted({*whole.get("settings", ()), *settings}),
        "unseen": unseen,
        **({"untraced": sorted({*whole.get("untraced", ()), *of_git})} if of_git else {}),
    }


@dataclass(frozen=True)
class _Entry:
    """A file, link or folder of the checkout; its status is from before it was listed."""

    path_on_disk: str
    path: str
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_ours(self) -> bool:
        """Return whether it is our link to an ignored file or folder: the tree's are relative."""
        return (
            stat.S_ISLNK(self.status.st_mode) and Path(self.path_on_disk).readlink().is_absolute()
        )


def _entries(top: Path) -> Iterator[_Entry]:
    """Yield all entries below a folder; a folder comes after its entries."""
    return _below(_Entry(str(top), "", top.stat()))


def _below(folder: _Entry) -> Iterator[_Entry]:
    for item in list(os.scandir(folder.path_on_disk)):
        path = f"{folder.path}/{item.name}" if folder.path else item.name
        with suppress(FileNotFoundError):  # the project may still be cleaning up
            entry = _Entry(item.path, path, item.stat(follow_symlinks=False))
            if not entry.is_folder:
                yield entry
            elif item.name not in SKIPPED:
                yield from _below(entry)
    yield folder


def _files_of_git(checkout: Path) -> list[Path]:
    return [file for file in (checkout / name for name in OF_GIT) if file.is_file()]


def _are_recorded(folder: Path) -> bool:
    """Return whether reads of files and of folders are both recorded here (see noatime)."""
    with TemporaryDirectory(dir=folder) as name:
        file = Path(name, "file")
        file.write_text("read me")
        paths = (file.parent, file)
        for path in paths:
            _reset(str(path), path.stat())
        were_set = not any(path.stat().st_atime_ns for path in paths)
        file.read_text()
        list(file.parent.iterdir())
        return were_set and all(path.stat().st_atime_ns for path in paths)


def _reset(path: str, status: os.stat_result) -> None:
    # Not of a link's target, which may be the user's.
    os.utime(path, ns=(0, status.st_mtime_ns), follow_symlinks=False)


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in SKIPPED)

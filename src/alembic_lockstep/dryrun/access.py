"""What compiled code and subprocesses read in the checkout, as the kernel's access times tell.

Python's audit events know nothing of a file that a C library opens. The checkout is ours, so
before a run every access time in it is set back; what has another one afterwards was read.
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

# Never the tree's, and read by nobody but git and Python.
SKIPPED = {".git", "__pycache__"}
# What compiled code (libgit2) opens of a `.git` in any case.
OF_GIT = (".git/HEAD", ".git/config")


@dataclass
class AccessTimes:
    """The access times of one run in a checkout; paths are POSIX from there, "" is the top.

    `of_git` are files of its `.git` that were read.
    """

    checkout: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    of_git: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, checkout: Path) -> AccessTimes | None:
        """Set every access time back; None where the file system keeps none."""
        try:
            if not _are_kept(checkout.parent):
                return None
            for entry in _entries(checkout):
                # The folder has just been listed by ourselves.
                if entry.is_folder or entry.status.st_atime_ns:
                    _set_back(entry.place, entry.status)
            for file in _files_of_git(checkout):
                _set_back(str(file), file.stat())
        except (OSError, NotImplementedError):  # somebody else's files, or no such call here
            return None
        return cls(checkout)

    def end(self) -> None:
        """Note what was read since. From now on others may look around in the checkout."""
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
    """Add to a trace what the project's Python did not know of.

    `unseen` are the files so found; nobody can tell which revision read them.
    """
    whole = dict(reads)
    compiled = whole.pop("compiled", [])
    if access is None:
        where = "on a file system without access times"
        unknown = {f"compiled code ({name}) {where}" for name in compiled}
        untraced = sorted({*whole.get("untraced", ()), *unknown})
        return {**whole, "untraced": untraced, "unseen": []}
    listed = whole.get("listed", {})
    folders = set(access.folders).difference(listed, whole.get("searched", ()))
    more = {path: _names(access.checkout / path) for path in folders}
    opened = whole.get("opened", [])
    unseen = sorted(set(access.files).difference(opened))
    of_git = {f"git's own files ({path})" for path in access.of_git}
    texts = {*whole.get("texts", ()), *(path for path in unseen if path.endswith(".py"))}
    return {
        **whole,
        "opened": sorted([*opened, *unseen]),
        "listed": {**listed, **more},
        "texts": sorted(texts),
        "unseen": unseen,
        **({"untraced": sorted({*whole.get("untraced", ()), *of_git})} if of_git else {}),
    }


@dataclass(frozen=True)
class _Entry:
    """A file, link or folder of the checkout; its status is from before it was listed."""

    place: str
    path: str
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_ours(self) -> bool:
        """Whether it is a link to an ignored file or folder: the tree's own are relative."""
        return stat.S_ISLNK(self.status.st_mode) and Path(self.place).readlink().is_absolute()


def _entries(top: Path) -> Iterator[_Entry]:
    """All that is in there; a folder comes after what is in it, and after it was listed."""
    return _below(_Entry(str(top), "", top.stat()))


def _below(folder: _Entry) -> Iterator[_Entry]:
    for found in list(os.scandir(folder.place)):
        path = f"{folder.path}/{found.name}" if folder.path else found.name
        with suppress(FileNotFoundError):  # the project may still be cleaning up
            entry = _Entry(found.path, path, found.stat(follow_symlinks=False))
            if not entry.is_folder:
                yield entry
            elif found.name not in SKIPPED:
                yield from _below(entry)
    yield folder


def _files_of_git(checkout: Path) -> list[Path]:
    return [file for file in (checkout / name for name in OF_GIT) if file.is_file()]


def _are_kept(folder: Path) -> bool:
    """Whether reading is noted here, of files and of folders: neither need be (noatime)."""
    with TemporaryDirectory(dir=folder) as name:
        file = Path(name, "file")
        file.write_text("read me")
        both = (file.parent, file)
        for place in both:
            _set_back(str(place), place.stat())
        were_set = not any(place.stat().st_atime_ns for place in both)
        file.read_text()
        list(file.parent.iterdir())
        return were_set and all(place.stat().st_atime_ns for place in both)


def _set_back(place: str, status: os.stat_result) -> None:
    # Not of what a link leads to, which may be the user's.
    os.utime(place, ns=(0, status.st_mtime_ns), follow_symlinks=False)


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in SKIPPED)

"""Ignored files for a checkout: what to copy of them, what to link, and how to keep it fresh.

They are the environment (`.env`, generated models, uploads), and a project may write to them:
hence copies. The user's files are only read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

#: Bytes and files of one ignored entry that are copied; of a larger one a link is shown. Generated
#: code, settings, instance folders and coverage reports are far below, data dumps far above.
ENTRY_BYTES, ENTRY_FILES = 64 << 20, 5_000
#: The same for all that is ignored.
ALL_BYTES, ALL_FILES = 256 << 20, 20_000
#: What marks a folder that tools fill and no project writes to: virtual environments of venv and
#: conda, caches (https://bford.info/cachedir/: mypy, pytest, ruff, cargo).
MARKS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")
NEVER_COPIED = "node_modules"
#: Folders in folders that are copied.
DEEPEST = 100
#: Entries of a folder that do not count for its bound, and must not hide that it is exceeded.
MOST_ASIDE = 8
BYTECODE = "__pycache__"


@dataclass(frozen=True)
class Shown:
    """A file, folder or link to be shown in a checkout.

    Attributes:
        path: POSIX path from the root.
        source: The user's file; of a link, what it is to lead to.
        status: Of the user's file or folder; None for a link.
    """

    path: str
    source: str
    status: os.stat_result | None = field(default=None, compare=False)

    @property
    def is_file(self) -> bool:
        """Whether it is a copy of a file."""
        return self.status is not None and stat.S_ISREG(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.status is None


class _TooLargeError(Exception):
    """An entry is above the bound."""


@dataclass
class _Budget:
    """What may still be copied."""

    bytes: int
    files: int

    def spend(self, size: int) -> None:
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0 or self.files < 0:
            raise _TooLargeError


@dataclass(frozen=True)
class Survey:
    """Looks at ignored files of a working tree.

    Attributes:
        root: The working tree's top folder.
        checkout: The top folder of the checkout.
        clones: Whether files can be cloned (reflinks), which takes no space.
    """

    root: Path
    checkout: Path
    clones: bool

    def look(self, names: Iterable[str]) -> Iterator[Shown]:
        """Yield what is to be shown of entries as git lists them, folders before their content.

        Args:
            names: POSIX paths from the root; a folder's ends in `/`.
        """
        left = _Budget(ALL_BYTES, ALL_FILES)
        for name in names:
            path = name.rstrip("/")
            source = str(self.root / path)
            entry = _Budget(min(left.bytes, ENTRY_BYTES), min(left.files, ENTRY_FILES))
            before = entry.bytes, entry.files
            try:
                shown = list(self._entry(path, source, entry))
            except _TooLargeError:
                yield Shown(path, source)
                continue
            left = _Budget(
                left.bytes - before[0] + entry.bytes, left.files - before[1] + entry.files
            )
            yield from shown

    def _entry(self, path: str, source: str, budget: _Budget) -> Iterator[Shown]:
        """Yield an entry itself, which is shown as a file also where it is a link to one."""
        try:
            status = os.stat(source)  # noqa: PTH116 - of thousands of files
        except OSError:  # a link that leads nowhere; deleted meanwhile
            return
        if os.path.islink(source) and stat.S_ISDIR(status.st_mode):  # noqa: PTH114
            yield Shown(path, self._aim(source))
        else:
            yield from self._copied(path, source, status, budget, source)

    def _copied(
        self, path: str, source: str, status: os.stat_result, budget: _Budget, top: str
    ) -> Iterator[Shown]:
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, source, status, budget, top)
        elif stat.S_ISREG(status.st_mode):  # no socket, pipe or device
            budget.spend(0 if self.clones else status.st_size)
            yield Shown(path, source, status)

    def _folder(
        self, path: str, source: str, status: os.stat_result, budget: _Budget, top: str
    ) -> Iterator[Shown]:
        budget.spend(0)
        try:
            entries = list(islice(os.scandir(source), budget.files + MOST_ASIDE))
        except OSError:  # unreadable, or deleted meanwhile
            return
        names = {entry.name for entry in entries}
        if not names.isdisjoint(MARKS) or os.path.basename(source) == NEVER_COPIED:  # noqa: PTH119
            yield Shown(path, source)
            return
        if path.count("/") > DEEPEST:
            raise _TooLargeError
        yield Shown(path, source, status)
        for entry in entries:
            if entry.name != BYTECODE:
                yield from self._inner(f"{path}/{entry.name}", entry, budget, top)

    def _inner(
        self, path: str, entry: os.DirEntry[str], budget: _Budget, top: str
    ) -> Iterator[Shown]:
        """Yield what lies in a folder. A link within the entry `top` stays one."""
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                yield from self._copied(path, entry.path, status, budget, top)
                return
            budget.spend(0)
            if self._stays(entry.path, top) or not entry.is_file():
                yield Shown(path, self._aim(entry.path))
            else:
                yield from self._copied(path, entry.path, entry.stat(), budget, top)
        except OSError:  # deleted meanwhile
            return

    def _stays(self, link: str, top: str) -> bool:
        return _is_below(_target(link), top)

    def _aim(self, link: str) -> str:
        """Return what a link is to lead to from the checkout: its own files, or the user's."""
        target = _target(link)
        root = str(self.root)
        if not _is_below(target, root):
            return target
        folder = os.path.relpath(os.path.dirname(link), root)  # noqa: PTH120
        return os.path.relpath(os.path.relpath(target, root), folder)


def _target(link: str) -> str:
    """Return where a link leads to, by its own words."""
    return os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))  # noqa: PTH115, PTH118, PTH120


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)

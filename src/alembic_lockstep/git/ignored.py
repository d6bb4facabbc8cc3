"""Ignored files for a checkout: which to copy and which to link.

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

#: Bytes and files of an ignored entry that is copied; a larger one becomes a link. Generated code,
#: settings, instance folders and coverage reports are far below, data dumps far above.
ENTRY_BYTES, ENTRY_FILES = 64 << 20, 5_000
#: The same for all ignored entries together.
ALL_BYTES, ALL_FILES = 256 << 20, 20_000
#: Files that mark a folder that only tools write to: virtual environments of venv and conda,
#: caches (https://bford.info/cachedir/: mypy, pytest, ruff, cargo).
MARKS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")
NEVER_COPIED = "node_modules"
#: Nesting of folders that are copied.
DEEPEST = 100
#: Entries that are listed beyond a folder's bound, as some are not copied and so do not count.
SURPLUS = 8
BYTECODE = "__pycache__"


@dataclass(frozen=True)
class IgnoredEntry:
    """A file, folder or link to be shown in a checkout.

    Attributes:
        path: POSIX path from the root.
        source: The user's file; for a link, its target.
        status: Status of the user's file or folder; None for a link.
    """

    path: str
    source: str
    status: os.stat_result | None = field(default=None, compare=False)

    @property
    def is_file(self) -> bool:
        """True for a copy of a file."""
        return self.status is not None and stat.S_ISREG(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """True for a symbolic link."""
        return self.status is None


class _TooLargeError(Exception):
    """An ignored entry exceeds its budget."""


@dataclass
class _Budget:
    """Bytes and files that may still be copied."""

    bytes: int
    files: int

    def spend(self, size: int) -> None:
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0 or self.files < 0:
            raise _TooLargeError


@dataclass(frozen=True)
class IgnoredFiles:
    """Selects the ignored files of a working tree that a checkout shows.

    Attributes:
        root: The working tree's top folder.
        checkout: The top folder of the checkout.
        can_clone: Files can be cloned (reflinks), which takes no space.
    """

    root: Path
    checkout: Path
    can_clone: bool

    def select(self, names: Iterable[str]) -> Iterator[IgnoredEntry]:
        """Yield the files, folders and links to show, folders before their content.

        Args:
            names: POSIX paths from the root, as git lists them; a folder's ends in `/`.
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
                yield IgnoredEntry(path, source)
                continue
            left = _Budget(
                left.bytes - before[0] + entry.bytes, left.files - before[1] + entry.files
            )
            yield from shown

    def _entry(self, path: str, source: str, budget: _Budget) -> Iterator[IgnoredEntry]:
        """Yield an entry; a link to a file is shown as that file."""
        try:
            status = os.stat(source)  # noqa: PTH116 - of thousands of files
            is_link = os.path.islink(source) and stat.S_ISDIR(status.st_mode)  # noqa: PTH114
            target = self._link_target(source) if is_link else ""
        except OSError:  # a link that leads nowhere; deleted meanwhile
            return
        if is_link:
            yield IgnoredEntry(path, target)
        else:
            yield from self._copied(path, source, status, budget, source)

    def _copied(
        self, path: str, source: str, status: os.stat_result, budget: _Budget, top: str
    ) -> Iterator[IgnoredEntry]:
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, source, status, budget, top)
        elif stat.S_ISREG(status.st_mode):  # no socket, pipe or device
            budget.spend(0 if self.can_clone else status.st_size)
            yield IgnoredEntry(path, source, status)

    def _folder(
        self, path: str, source: str, status: os.stat_result, budget: _Budget, top: str
    ) -> Iterator[IgnoredEntry]:
        budget.spend(0)
        try:
            entries = list(islice(os.scandir(source), budget.files + SURPLUS))
        except OSError:  # unreadable, or deleted meanwhile
            return
        names = {entry.name for entry in entries}
        if not names.isdisjoint(MARKS) or os.path.basename(source) == NEVER_COPIED:  # noqa: PTH119
            yield IgnoredEntry(path, source)
            return
        if path.count("/") > DEEPEST:
            raise _TooLargeError
        yield IgnoredEntry(path, source, status)
        for entry in entries:
            if entry.name != BYTECODE:
                yield from self._inner(f"{path}/{entry.name}", entry, budget, top)

    def _inner(
        self, path: str, entry: os.DirEntry[str], budget: _Budget, top: str
    ) -> Iterator[IgnoredEntry]:
        """Yield an entry of a folder. A link within the entry `top` is shown as a link."""
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                yield from self._copied(path, entry.path, status, budget, top)
                return
            budget.spend(0)
            if _is_below(_target(entry.path), top) or not entry.is_file():
                yield IgnoredEntry(path, self._link_target(entry.path))
            else:
                yield from self._copied(path, entry.path, entry.stat(), budget, top)
        except OSError:  # deleted meanwhile
            return

    def _link_target(self, link: str) -> str:
        """Return a link's target in the checkout: the checkout's own file, or one outside."""
        target = _target(link)
        root = str(self.root)
        if not _is_below(target, root):
            return target
        folder = os.path.relpath(os.path.dirname(link), root)  # noqa: PTH120
        return os.path.relpath(os.path.relpath(target, root), folder)


def _target(link: str) -> str:
    """Return the target of a link, normalized but not resolved further."""
    return os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))  # noqa: PTH115, PTH118, PTH120


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)

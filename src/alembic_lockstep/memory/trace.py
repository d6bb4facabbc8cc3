"""A trace: all that dry runs read. Whatever agrees with it has the same outcome.

In build systems this is called a constructive trace (Mokhov, Mitchell, Peyton Jones: "Build
Systems à la Carte", 2018): no rule says what a project depends on, so it is watched.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic_lockstep.git.entries import Change
from alembic_lockstep.memory.digests import THERE, content_of, have_changed, stamp_of

# What git, Alembic and Flask are configured by, and we find environments from, wherever it is.
_ALWAYS = frozenset({".gitattributes", ".gitignore", ".gitmodules", ".flaskenv", "env.py"})
_ALWAYS_ENDINGS = (".ini", ".toml")
# What is in the base's run as well, because that has the same packages, may be of this commit.
_PINS = re.compile(
    r"(.*/)?((pdm|poetry|uv|Pipfile)\.lock|Pipfile|(require|constraints)[^/]*\.(txt|in)"
    r"|requirements/[^/]+\.(txt|in))"
)
_SETS = ("opened", "texts", "folders", "absent", "searched", "imported")
_MODULES = (".py", ".pyc", ".pyd", ".so")

SameCode = Callable[[Change], bool]


@dataclass(frozen=True)
class Trace:
    """What dry runs in a tree read. Paths are POSIX from the root.

    Attributes:
        opened: Files that were read or asked for, tracked or ignored.
        texts: Python files of which more was read than their code.
        folders: Folders that were looked for and there.
        absent: Names that were looked for and not there.
        listed: Folders whose content was asked for, with the names in there.
        searched: Folders in which the import system looked for modules.
        imported: Last components of the modules' names that it looked for.
        ignored: Of the files and folders that are not tracked, what they held if they were read.
        outside: Files outside the repository and folders of installed packages, with their stamps.
    """

    opened: frozenset[str]
    texts: frozenset[str]
    folders: frozenset[str]
    absent: frozenset[str]
    listed: Mapping[str, frozenset[str]]
    searched: frozenset[str]
    imported: frozenset[str]
    ignored: Mapping[str, str]
    outside: Mapping[str, str]

    @classmethod
    def of(cls, reads: Iterable[Mapping[str, Any]], tracked: Collection[str], root: Path) -> Trace:
        """Merge what dry runs report (`Observation.reads`), of a tree with these files."""
        runs = list(reads)

        def merged(name: str) -> frozenset[str]:
            return frozenset(path for one in runs for path in one[name])

        listed: dict[str, frozenset[str]] = {}
        for one in runs:
            for folder, names in one["listed"].items():
                listed[folder] = listed.get(folder, frozenset()) | frozenset(names)
        folders = {folder for path in tracked for folder in _upward(path)}
        # A folder ends in a slash.
        opened = {path for path in merged("opened") | merged("copies") if path[-1:] != "/"}
        looked = {path[:-1] for path in merged("opened") if path[-1:] == "/"}
        names = {posixpath.join(folder, one) for folder, those in listed.items() for one in those}
        shown = (opened | looked | names).difference(tracked, folders)
        others = {path: content_of(root / path, is_read=path in opened) for path in shown}
        # What the project wrote into the checkout is in none of the two.
        ignored = {path: content for path, content in others.items() if content}
        return cls(
            opened=frozenset(opened.intersection(tracked).union(opened.intersection(ignored))),
            texts=merged("texts"),
            folders=frozenset(looked & folders),
            absent=merged("absent"),
            listed=listed,
            searched=merged("searched"),
            imported=merged("imported"),
            ignored=ignored,
            outside={path: stamp_of(path) for path in merged("outside")},
        )

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Trace:
        """What `stored` became in JSON."""
        return cls(
            **{name: frozenset(stored[name]) for name in _SETS},
            listed={folder: frozenset(names) for folder, names in stored["listed"].items()},
            ignored=stored["ignored"],
            outside=stored["outside"],
        )

    def without(self, unseen: Collection[str]) -> Trace:
        """It, less files and folders that are neither tracked nor ignored: no checkout has them."""
        ignored = {path: known for path, known in self.ignored.items() if path not in unseen}
        return replace(self, ignored=ignored, opened=self.opened.difference(unseen))

    @property
    def stored(self) -> dict[str, Any]:
        """The trace as JSON can hold it."""
        return {
            **{name: sorted(getattr(self, name)) for name in _SETS},
            "listed": {folder: sorted(names) for folder, names in self.listed.items()},
            "ignored": dict(self.ignored),
            "outside": dict(self.outside),
        }

    @cached_property
    def _read_in(self) -> frozenset[str]:
        """The folders in which something was read."""
        nearest = {posixpath.dirname(path) for path in self.opened} - {""}
        return frozenset(nearest.union(*map(_upward, nearest)))

    def is_touched(self, changes: Iterable[Change], same_code: SameCode) -> bool:
        """Whether a change set, from the tree of this trace to another, touches what was read."""
        edits = []
        for change in changes:
            if change.status == "M" and change.path in self.opened:
                edits.append(change)
            elif self._touches(change):
                return True
        return not all(self._is_harmless(edit, same_code) for edit in edits)

    def _is_harmless(self, edit: Change, same_code: SameCode) -> bool:
        is_code = edit.path.endswith(".py") and edit.path not in self.texts
        return edit.sha == edit.old_sha or (is_code and same_code(edit))

    def _touches(self, change: Change) -> bool:
        if change.status == "M":
            # A submodule or a link, behind which files were read.
            return is_always_read(change.path) or change.path in self._read_in
        if change.status in "UTX":
            return True
        gone = change.old_path if change.status in "DR" else ""
        come = change.path if change.status in "ACR" else ""
        return any(self._touches_name(path, is_new=path == come) for path in (gone, come) if path)

    def _touches_name(self, path: str, *, is_new: bool) -> bool:
        """Whether it matters that this file is there now, or no more."""
        if is_always_read(path) or path in self.opened or path in self._read_in:
            return True
        if path in self.absent or not self.absent.isdisjoint(_upward(path)):
            return True
        if not is_new and not self.folders.isdisjoint(_upward(path)):
            return True
        for folder, name, is_file in _steps(path):
            if folder in self.listed and (not is_new or name not in self.listed[folder]):
                return True
            if folder in self.searched and self._could_be_imported(folder, name, is_file):
                return True
        return False

    def _could_be_imported(self, folder: str, name: str, is_file: bool) -> bool:
        if name.partition(".")[0] not in self.imported:
            return False
        if is_file:
            return name.endswith(_MODULES)
        return posixpath.join(folder, name) not in self._read_in

    def has_changed(self, root: Path, since: int) -> bool:
        """Whether something of it that git does not have was changed since a moment."""
        read = (path for path, content in self.ignored.items() if content != THERE)
        return have_changed((*(str(root / path) for path in read), *self.outside), since)

    def changed_outside(self) -> str:
        """Return a file outside the repository that was read and has changed; "" if none has."""
        changed = (path for path, stamp in self.outside.items() if stamp_of(path) != stamp)
        return next(changed, "")

    def ignored_is_same(
        self, root: Path, ignored_among: Callable[[Collection[str]], set[str]]
    ) -> bool:
        """Whether a working tree shows the ignored files that were there to be read, and no more.

        Args:
            root: The working tree's top folder.
            ignored_among: Tells which of some paths git ignores.
        """
        for path, content in self.ignored.items():
            if content_of(root / path, is_read=content != THERE) != content:
                return False
        come = {path for path in self.absent if os.path.lexists(root / path)}
        for folder, names in self.listed.items():
            come.update(posixpath.join(folder, one) for one in _names_in(root / folder) - names)
        for folder in self.searched:
            new = (one for one in _names_in(root / folder) if self._is_new_module(folder, one))
            come.update(posixpath.join(folder, name) for name in new)
        known = set(self.ignored)
        return ignored_among(sorted(known | come)) == known

    def _is_new_module(self, folder: str, name: str) -> bool:
        is_file = name.endswith(_MODULES)
        if posixpath.join(folder, name) in self.opened or not (is_file or "." not in name):
            return False
        return self._could_be_imported(folder, name, is_file)


def is_always_read(path: str) -> bool:
    """Whether we ourselves, or git, may look at a file of this name."""
    name = posixpath.basename(path)
    return name in _ALWAYS or name.endswith(_ALWAYS_ENDINGS) or pins_versions(path)


def pins_versions(path: str) -> bool:
    """Whether a file of this name says which versions of packages a project wants."""
    return _PINS.fullmatch(path) is not None


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder)) - {"__pycache__", ".git"}  # noqa: PTH208
    except OSError:
        return set()


def _upward(path: str) -> Iterator[str]:
    """The folders that a path lies in, without the root."""
    while path := posixpath.dirname(path):
        yield path


def _steps(path: str) -> Iterator[tuple[str, str, bool]]:
    """Each folder on the way to a file, with the next name on it, and whether that is the file."""
    is_file = True
    while path:
        folder, name = posixpath.split(path)
        yield folder, name, is_file
        path, is_file = folder, False

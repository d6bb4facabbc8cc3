"""A trace: all that dry runs read. A tree that agrees with it has the same outcome.

In build systems this is called a constructive trace (Mokhov, Mitchell, Peyton Jones: "Build
Systems à la Carte", 2018): no rule lists a project's dependencies, so its reads are recorded.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, replace
from functools import cached_property, partial

from alembic_lockstep.cache.digests import THERE, changed_since, content_of, stamp_of
from alembic_lockstep.git.entries import folders_of, parent_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from alembic_lockstep.git.entries import Change

    SameCode = Callable[[Change, frozenset[str] | None], bool]

# Files in any folder that configure git, Alembic and Flask, or from which we find environments.
_ALWAYS = frozenset({".gitattributes", ".gitignore", ".gitmodules", ".flaskenv", "env.py"})
_ALWAYS_ENDINGS = (".ini", ".toml")
# Files that pin packages. The base ran with the packages of the tree: see `pinned_models.py`.
_PINS = (
    r"(.*/)?((pdm|poetry|uv|Pipfile)\.lock|Pipfile|(require|constraints)[^/]*\.(txt|in)"
    r"|requirements/[^/]+\.(txt|in))"
)
_PINS_ENDINGS = (".lock", "Pipfile", ".txt", ".in")
_SETS = (
    "opened", "texts", "settings", "existing", "folders", "absent", "searched", "imported",
)  # fmt: skip
_MODULES = (".py", ".pyc", ".pyd", ".so")


@dataclass(frozen=True)
class Trace:
    """Files that dry runs in a tree read. Paths are POSIX from the root.

    Attributes:
        opened: Files that were read or looked for, tracked or ignored.
        texts: Python files of which more was read than their code.
        settings: Files `pyproject.toml` that the project read by itself.
        functions: The functions that ran, by the Python files of which this is known.
        existing: Files of which only the existence was asked; absolute if outside the repository.
        folders: Folders that were looked for and exist.
        absent: Paths that were looked for and do not exist.
        listed: Folders that were listed, with the names in them.
        searched: Folders in which the import system looked for modules.
        imported: Last components of the modules' names that it looked for.
        ignored: Files and folders that are not tracked, see `content_of`.
        outside: Files outside the repository and folders of installed packages, with their stamps.
        pins: Whether another version that a requirements or lock file pins may change the verdict.
            The packages that are installed count in any case.
    """

    opened: frozenset[str]
    texts: frozenset[str]
    settings: frozenset[str]
    functions: Mapping[str, frozenset[str]]
    existing: frozenset[str]
    folders: frozenset[str]
    absent: frozenset[str]
    listed: Mapping[str, frozenset[str]]
    searched: frozenset[str]
    imported: frozenset[str]
    ignored: Mapping[str, str]
    outside: Mapping[str, str]
    pins: bool

    @classmethod
    def of(
        cls,
        reads: Iterable[Mapping[str, Any]],
        tracked: Collection[str],
        root: Path | str,
        *,
        pins: bool = True,
    ) -> Trace:
        """Merge the reads of dry runs (`Observation.reads`) in a tree with these files."""
        runs = list(reads)

        def merged(name: str) -> frozenset[str]:
            return frozenset(path for run in runs for path in run[name])

        listed: dict[str, frozenset[str]] = {}
        for run in runs:
            for folder, names in run["listed"].items():
                listed[folder] = listed.get(folder, frozenset()) | frozenset(names)
        folders = folders_of(tracked)
        # What the project made outside was there for itself only.
        existing = {path for path in merged("existing") if not _is_gone(path)}
        # A folder ends in a slash.
        opened = {path for path in merged("opened") | merged("copies") if path[-1:] != "/"}
        looked = {path[:-1] for path in merged("opened") if path[-1:] == "/"}
        names = {posixpath.join(folder, name) for folder, names in listed.items() for name in names}
        here = {path for path in existing if not posixpath.isabs(path)}
        shown = (opened | looked | names | here).difference(tracked, folders)
        others = {path: content_of(f"{root}/{path}", is_read=path in opened) for path in shown}
        # The project's own output is neither tracked nor in the working tree.
        ignored = {path: content for path, content in others.items() if content}
        return cls(
            opened=frozenset((opened | here) & set(tracked) | opened & set(ignored)),
            texts=merged("texts"),
            settings=merged("settings"),
            functions=executed_functions(runs),
            existing=frozenset(existing),
            folders=frozenset(looked & folders),
            absent=merged("absent"),
            listed=listed,
            searched=merged("searched"),
            imported=merged("imported"),
            ignored=ignored,
            outside={path: stamp_of(path) for path in merged("outside")},
            pins=pins,
        )

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Trace:
        """Rebuild a trace from the JSON of `stored`."""
        return cls(
            **{name: frozenset(stored[name]) for name in _SETS},
            listed={folder: frozenset(names) for folder, names in stored["listed"].items()},
            functions={path: frozenset(ran) for path, ran in stored["functions"].items()},
            ignored=stored["ignored"],
            outside=stored["outside"],
            pins=stored["pins"],
        )

    def without(self, forgotten: Collection[str]) -> Trace:
        """Return a copy without these untracked, unignored files: no checkout has them."""
        ignored = {path: held for path, held in self.ignored.items() if path not in forgotten}
        return replace(self, ignored=ignored, opened=self.opened.difference(forgotten))

    @property
    def stored(self) -> dict[str, Any]:
        """Return the trace in JSON types."""
        return {
            **{name: sorted(getattr(self, name)) for name in _SETS},
            "listed": {folder: sorted(names) for folder, names in self.listed.items()},
            "functions": {path: sorted(ran) for path, ran in self.functions.items()},
            "ignored": dict(self.ignored),
            "outside": dict(self.outside),
            "pins": self.pins,
        }

    @cached_property
    def _read_in(self) -> frozenset[str]:
        """Folders, at any level, of files that were read."""
        return frozenset(folders_of(self.opened))

    def is_touched(self, changes: Iterable[Change], same_code: SameCode) -> bool:
        """Return whether a change set, from this trace's tree, touches what was read."""
        edits = []
        for change in changes:
            if change.status == "M" and (change.path in self.opened or is_project(change.path)):
                edits.append(change)
            elif self._touches(change):
                return True
        return not all(self._is_harmless(edit, same_code) for edit in edits)

    def _is_harmless(self, edit: Change, same_code: SameCode) -> bool:
        path = edit.path
        if is_project(path):
            is_parsed = path not in self.settings and not self.pins
        else:
            is_parsed = path.endswith(".py") and path not in self.texts
        # With the same content, its mode has changed.
        return is_parsed and edit.sha != edit.old_sha and same_code(edit, self.functions.get(path))

    def _touches(self, change: Change) -> bool:
        if change.status == "M":
            # A submodule or a linked folder in which files were read.
            is_read = is_always_read(change.path) or change.path in self._read_in
            return is_read or (self.pins and pins_versions(change.path))
        if change.status in "UTX":
            return True
        deleted = change.old_path if change.status in "DR" else ""
        added = change.path if change.status in "ACR" else ""
        return any(
            self._touches_name(path, is_new=path == added) for path in (deleted, added) if path
        )

    def _touches_name(self, path: str, *, is_new: bool) -> bool:
        """Return whether the addition or deletion of a file touches what was read."""
        if is_always_read(path) or pins_versions(path):
            return True
        if path in self.opened or path in self._read_in:
            return True
        if path in self.absent or not self.absent.isdisjoint(parent_folders(path)):
            return True
        if not is_new and not self.folders.isdisjoint(parent_folders(path)):
            return True
        for folder, name, is_file in _steps(path):
            # A name that is listed may be of the base's run, or of the commit's, whose files the
            # base had not.
            is_there = not is_file and is_new and name in self.listed.get(folder, ())
            if folder in self.listed and not is_there:
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

    def changed_file(self, root: Path | str, since: int) -> str:
        """Return an untracked or outside file that was changed since a moment (nanoseconds)."""
        read = (path for path, content in self.ignored.items() if content != THERE)
        return changed_since((*(f"{root}/{path}" for path in read), *self.outside), since)

    def changed_outside(self) -> str:
        """Return a file outside the repository that changed since it was read; "" if none did."""
        changed = (path for path, stamp in self.outside.items() if stamp_of(path) != stamp)
        return next(changed, "") or next(filter(_is_gone, self.existing), "")

    def changed_ignored_file(
        self, root: Path | str, ignored_among: Callable[[Collection[str]], set[str]]
    ) -> str:
        """Return an ignored file that could be read then and has changed, or is new; or "".

        Args:
            root: The working tree's top folder.
            ignored_among: Returns those of some paths that git ignores.
        """
        for path, content in self.ignored.items():
            if content_of(f"{root}/{path}", is_read=content != THERE) != content:
                return path
        added = {path for path in self.absent if os.path.lexists(f"{root}/{path}")}
        for folder, names in self.listed.items():
            added.update(
                posixpath.join(folder, name) for name in _names_in(f"{root}/{folder}") - names
            )
        for folder in self.searched:
            modules = filter(partial(self._is_new_module, folder), _names_in(f"{root}/{folder}"))
            added.update(posixpath.join(folder, name) for name in modules)
        before = set(self.ignored)
        changed = ignored_among(sorted(before | added)) ^ before
        return min(changed, default="")

    def _is_new_module(self, folder: str, name: str) -> bool:
        is_file = name.endswith(_MODULES)
        if posixpath.join(folder, name) in self.opened or not (is_file or "." not in name):
            return False
        return self._could_be_imported(folder, name, is_file)


def executed_functions(runs: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Return the functions that ran in any of several runs, by file.

    Files that a run read without telling what of them ran are left out: of an older Python, or
    read by ourselves.

    Args:
        runs: The reads of each.
    """
    merged: dict[str, frozenset[str]] = {}
    unclear: set[str] = set()
    for run in runs:
        for path, ran in run["functions"].items():
            merged[path] = merged.get(path, frozenset()).union(ran)
        unclear.update({*run["opened"], *run["copies"]}.difference(run["functions"]))
    return {path: ran for path, ran in merged.items() if path not in unclear}


def _is_gone(path: str) -> bool:
    """Return whether a path is one outside of the repository and does not exist."""
    return posixpath.isabs(path) and not stamp_of(path)


def is_project(path: str) -> bool:
    """Return whether a file describes a project, in tables of which we read some."""
    return posixpath.basename(path) == "pyproject.toml"


def is_always_read(path: str) -> bool:
    """Return whether git or we ourselves read every file of this name."""
    name = posixpath.basename(path)
    return name in _ALWAYS or name.endswith(_ALWAYS_ENDINGS)


def pins_versions(path: str) -> bool:
    """Return whether a file of this name pins versions of packages."""
    return path.endswith(_PINS_ENDINGS) and re.fullmatch(_PINS, path) is not None


def _names_in(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder)) - {"__pycache__", ".git"}
    except OSError:
        return set()


def _steps(path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the folders above a file, each with the name in it and whether that is the file."""
    is_file = True
    while path:
        folder, name = posixpath.split(path)
        yield folder, name, is_file
        path, is_file = folder, False

"""Turn recorded names into the trace: files that must be the same for a cached verdict.

Paths of the checkout are POSIX from its root, as in git. A file may be reached by several names:
through links of the tree, and, if it is ignored, by its path in the working tree. The trace has
all of them, and the links too: each may change by itself.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any, Dict, Iterable, List, Set, Tuple

from . import bytecode
from .copies import INSTALLED, STANDARD_LIBRARY
from .executed import ExecutedFunctions
from .installation import absolute, compiled_packages, import_paths, installed
from .modules import loaded_files
from .places import Places
from .reads import Names, Reads, readlink

PROBE = os.path.dirname(os.path.abspath(__file__))
KERNEL = ("/proc/", "/dev/", "/sys/")
# Files there are like any others, only in memory.
IN_MEMORY = "/dev/shm/"  # noqa: S108 - nothing is written there
# Looked for when Python starts, before the recording begins.
AT_START = {"sitecustomize", "usercustomize"}
MOST_LINKS = 40
# Always on sys.path, and seldom on disk.
STANDARD_ZIP = os.sep + "python{}{}.zip".format(*sys.version_info[:2])


def trace(reads: Reads, places: Places, copies: Iterable[str]) -> Dict[str, Any]:
    """Return the trace as JSON-able data.

    `compiled` are modules that may have read files without Python's knowledge, `texts` Python
    files that were read as texts, and not only imported, `settings` files `pyproject.toml` that
    others than Alembic read. A folder in `opened` ends in `/`: its
    existence was looked at. `during` is the trace of the time while revisions ran. `functions`
    has the qualified names of the functions that ran, by the files of which this can be told.
    Of files in `existing` no more than their existence was asked: a log may grow. Paths there are
    of the checkout, or absolute.
    """
    during, whole = (_Trace(places, reads.scratch, reads.shadow) for _ in range(2))
    during.add(reads.during)
    whole.add(reads)
    # Some were opened before the recording began.
    whole.add_opened(map(os.path.abspath, loaded_files().values()))
    whole.add_searched(import_paths())
    whole.add_installation()
    imported = reads.imported | AT_START | {_last(name) for name in sys.modules}
    started = "multiprocessing.popen_spawn_posix" in sys.modules
    return {
        **whole.as_json(imported),
        "functions": whole.functions(reads.executed),
        "during": during.as_json(reads.during.imported),
        "copies": _sorted(copies),
        "installed": installed(places),
        "compiled": _sorted(compiled_packages()),
        "untraced": _sorted(
            reads.untraced
            | ({"a subprocess (python)"} if started else set())
            | {f"git's own files ({path})" for path in whole.of_git}
        ),
    }


class _Trace:
    """Sorter of names into those of the checkout and those outside."""

    def __init__(self, places: Places, scratch: Set[str], shadow: str) -> None:
        self._places = places
        self._shadow = shadow
        self._top = places.checkout
        # With the files that SQLite adds to them.
        self._scratch = {name + end for name in scratch for end in ("", "-wal", "-shm", "-journal")}
        self._trails: Dict[str, List[str]] = {}
        self._sorted: Dict[str, Tuple[List[str], List[str]]] = {}
        self._environment = _environment(places)
        self._standard = (STANDARD_LIBRARY, os.path.realpath(STANDARD_LIBRARY) + os.sep)
        self.opened: Set[str] = set()
        self.absent: Set[str] = set()
        self.listed: Dict[str, List[str]] = {}
        self.searched: Set[str] = set()
        self.texts: Set[str] = set()
        self.settings: Set[str] = set()
        self.existing: Set[str] = set()
        self.outside: Set[str] = set()
        # Files of `.git` that were opened: they change with each commit.
        self.of_git: Set[str] = set()

    def add(self, names: Names) -> None:
        """Add all recorded names."""
        self.add_opened(names.opened)
        self.add_looked(names.looked)
        self.add_existing(names.existing)
        self.add_absent(names.absent)
        self.add_listed(names.listed)
        self.add_searched(names.searched)
        self.texts.update(self.files(*names.texts))
        settings = (name for name in names.looked if name.endswith("pyproject.toml"))
        self.settings.update(self.files(*names.settings, *settings))

    def as_json(self, imported: Iterable[str]) -> Dict[str, Any]:
        """Return the trace as JSON-able data."""
        self.existing -= self.opened | self.outside
        kinds = ("opened", "existing", "absent", "searched", "texts", "settings", "outside")
        sets = {kind: _sorted(getattr(self, kind)) for kind in kinds}
        return {**sets, "listed": self.listed, "imported": _sorted(imported)}

    def add_opened(self, names: Iterable[str]) -> None:
        """Add files that were opened, or that were missing when they should have been."""
        for name in names:
            inside, outside = self._sort(name)
            self._note(inside)
            self._note_git(name)
            self.outside.update(path for path in outside if not _is_folder(path))

    def add_looked(self, names: Iterable[str]) -> None:
        """Add paths that were looked at; for the working tree's own files, the checkout's."""
        for name in names:
            inside, outside = self._sort(name)
            self._note(inside)
            self.outside.update(
                path
                for path in outside
                if not _is_folder(path) and not self._places.in_worktree(path)
            )

    def add_existing(self, names: Iterable[str]) -> None:
        """Add paths of which only the existence was asked; those outside are absolute."""
        for name in names:
            inside, outside = self._sort(name)
            files = {path for path in inside if self._kind(path) == "file"}
            self._note(path for path in inside if path not in files)
            self.existing |= files
            self.existing.update(
                path
                for path in outside
                if not _is_folder(path) and not self._places.in_worktree(path)
            )

    def add_absent(self, names: Iterable[str]) -> None:
        """Add paths that did not exist, even if they do now."""
        for name in names:
            inside, outside = self._sort(name)
            self._note(inside[1:-1])  # links on the way
            self.absent.update(path for path in (*inside[:1], *inside[-1:]) if path)
            self.outside.update(outside)

    def add_listed(self, names: Iterable[str]) -> None:
        """Add folders that were listed."""
        for name in names:
            inside, outside = self._sort(name)
            self.outside.update(outside)
            for path in inside:
                if self._kind(path) == "folder":
                    entries = os.listdir(os.path.join(self._top, path))
                    self.listed[path] = _sorted(set(entries) - {"__pycache__", ".git"})
                else:
                    self._note([path])

    def add_searched(self, names: Iterable[str]) -> None:
        """Add folders in which modules were looked for; those outside are the installation's."""
        for name in names:
            for path in self._sort(name)[0]:
                if self._kind(path) == "folder":
                    self.searched.add(path)
                else:
                    self._note([path])

    def add_installation(self) -> None:
        """Add the folders of installed packages, and the files that Python reads when it starts."""
        for entry in absolute(sys.path):
            inside, outside = self._sort(entry)
            if inside or not outside:
                continue
            self.outside.add(entry)
            names = os.listdir(entry) if os.path.isdir(entry) else ()
            self.outside.update(
                os.path.join(entry, name) for name in names if name.endswith(".pth")
            )
        configuration = os.path.join(sys.prefix, "pyvenv.cfg")
        if os.path.exists(configuration):
            self.outside.add(configuration)

    def functions(self, executed: ExecutedFunctions) -> Dict[str, List[str]]:
        """Return the functions that ran, by the checkout's files of which this can be told."""
        names = [name for name in executed.by_file if _below(name, self._top)]
        recorded: Dict[str, List[str]] = {}
        unclear: Set[str] = set()
        for name in names:
            functions = executed.of(name)
            for path in self.files(name):
                recorded[path] = _sorted({*recorded.get(path, ()), *functions})
                unclear.update(() if functions else [path])
        return {path: ran for path, ran in recorded.items() if path not in unclear}

    def files(self, *names: str) -> Set[str]:
        """Return the checkout's files that have one of these names."""
        paths = {path for name in names for path in self._sort(name)[0]}
        return {path for path in paths if os.path.isfile(os.path.join(self._top, path))}

    def _note(self, paths: Iterable[str]) -> None:
        for path in paths:
            kind = self._kind(path)
            if kind == "file":
                self.opened.add(path)
            elif kind == "absent":
                self.absent.add(path)
            elif path:
                self.opened.add(f"{path}/")

    def _note_git(self, name: str) -> None:
        path = self._inside(os.path.normpath(name))
        if path and _is_of_git(path) and os.path.isfile(os.path.join(self._top, path)):
            self.of_git.add(path)

    def _kind(self, path: str) -> str:
        file = os.path.join(self._top, path)
        # A link of the tree is a file to git; one of ours stands for an ignored folder.
        if os.path.islink(file) and self._places.in_checkout(file):
            return "file"
        if os.path.isdir(file):
            return "folder"
        return "file" if os.path.lexists(file) else "absent"

    def _sort(self, name: str) -> Tuple[List[str], List[str]]:
        """Return paths in the checkout (as spelt, links on the way, the real one) and outside."""
        if name not in self._sorted:
            self._sorted[name] = self._sorted_anew(_source(os.path.normpath(name)))
        return self._sorted[name]

    def _sorted_anew(self, spelt: str) -> Tuple[List[str], List[str]]:
        if self._is_ours(spelt):
            return [], []
        ways = [spelt, *self._trail(spelt)]
        real = ways[-1]
        if real != spelt and self._is_ours(real):
            return [], []
        if any(_below(way, folder) for way in ways for folder in self._environment):
            return [], [real if _below(spelt, self._top) else spelt]
        inside = [self._inside(way) for way in ways]
        paths = list(dict.fromkeys(path for path in inside if path is not None))
        if any("__pycache__" in path.split("/") or _is_of_git(path) for path in paths):
            return [], []
        outside = spelt if not _below(spelt, self._top) else real
        return paths, [] if _below(outside, self._top) else [outside]

    def _inside(self, path: str) -> Any:
        if not _below(path, self._top):
            path = self._places.shared(path) or path
        if not _below(path, self._top):
            return None
        return path[len(self._top) + 1 :].replace(os.sep, "/")

    def _is_ours(self, path: str) -> bool:
        """Return whether a path never counts: the standard library, the machine, our own files."""
        if (path + os.sep).startswith(self._standard):
            return not INSTALLED.search(path + os.sep)
        if path.startswith(KERNEL) and not path.startswith(IN_MEMORY):
            return True
        if any(_below(path, folder) for folder in (self._shadow, *bytecode.in_use) if folder):
            return True
        return (
            path.startswith(PROBE + os.sep) or path.endswith(STANDARD_ZIP) or path in self._scratch
        )

    def _trail(self, path: str, depth: int = 0) -> List[str]:
        """Return the links that a path leads over, and its end; folders' trails are cached."""
        folder, name = os.path.split(path)
        if not name or depth > MOST_LINKS:
            return [path]
        if folder not in self._trails:
            self._trails[folder] = self._trail(folder, depth)
        *links, end = self._trails[folder]
        here = os.path.join(end, name)
        try:
            target = os.path.join(end, readlink(here))
        except OSError:  # no link
            return [*links, here]
        return [*links, here, *self._trail(os.path.normpath(target), depth + 1)]


def _environment(places: Places) -> Set[str]:
    """Return the interpreter's own folders, except those with the project in them."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix}
    folders = prefixes | {os.path.realpath(folder) for folder in prefixes}
    return {folder for folder in folders if not any(_below(top, folder) for top in places.tops)}


def _is_of_git(path: str) -> bool:
    """Return whether a path is the checkout's `.git` or below: every run has one."""
    return _below(path, ".git")


def _is_folder(path: str) -> bool:
    return not path.endswith(".py") and os.path.isdir(path)


def _source(name: str) -> str:
    """Return the source of bytecode, or the name itself."""
    if name.endswith(".pyc"):
        try:
            return importlib.util.source_from_cache(name)
        except ValueError:  # there is no source
            pass
    return name


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _sorted(names: Iterable[str]) -> List[str]:
    return sorted(set(names))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)

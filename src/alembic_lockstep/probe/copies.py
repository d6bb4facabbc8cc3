"""Find modules that were loaded from elsewhere although the judged tree has their source.

A project that is installed without being editable, or that a container has on PYTHONPATH,
stands in front of its own sources. What was loaded there is judged only if it is the same.

Files are matched by module names, wherever in the tree they would be imported from: `foo.models`
is `foo/models.py`, `src/foo/models.py`, `packages/foo/src/foo/models.py`. Another project's module
may bear a name that the tree has too (`alembic/__init__.py` next to the migrations): the installed
distribution that it belongs to decides. A distribution from an index is the tree's own if the tree
has its name, or has most of its modules with much the same content.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from importlib import metadata
from typing import Iterator, List, Set, Tuple

from .modules import loaded_files
from .places import Places
from .protocol import Copy
from .sources import TreeFiles, normal, read

STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


def loaded_copies(places: Places) -> Tuple[List[Copy], Set[str]]:
    """Return the tree's modules that were loaded from elsewhere, unless they are the same.

    Each with its `path` in the tree, the `loaded` file, and whether it `differs`; if not, there was
    nothing to compare (compiled code, or a file that the tree no longer has). The second value has
    the paths of all modules that were loaded from elsewhere, harmless or not.
    """
    tree_files = TreeFiles(places)
    copies: List[Copy] = []
    loaded_paths: Set[str] = set()
    for name, file in sorted(loaded_files().items()):
        if places.in_checkout(file) or places.in_worktree(file):
            continue
        importable = _importable(name, file)
        paths = tree_files.paths_of(importable)
        loaded_paths.update(paths)
        if not paths or _is_harmless(file, importable, paths, tree_files):
            continue
        differs = file.endswith(".py")
        copies += [
            {"path": path, "loaded": file, "differs": differs and tree_files.has(path)}
            for path in paths
        ]
    return copies, loaded_paths


def _importable(name: str, file: str) -> str:
    """Return `foo/bar.py` or `foo/bar/__init__.py`; empty for a module under another name."""
    folder, base = os.path.split(file)
    stem = base.partition(".")[0]
    path = name.replace(".", "/") + ("/__init__" if stem == "__init__" else "")
    loaded = os.path.join(folder, stem).replace(os.sep, "/")
    return f"{path}.py" if loaded.endswith(f"/{path}") else ""


def _is_harmless(file: str, importable: str, paths: List[str], tree_files: TreeFiles) -> bool:
    if file.startswith(STANDARD_LIBRARY) and not INSTALLED.search(file):
        return True
    content = read(file) if file.endswith(".py") else None
    if content is not None and any(tree_files.has_content(path, content) for path in paths):
        return True
    return _is_of_another_project(file, importable, tree_files)


def _is_of_another_project(file: str, importable: str, tree_files: TreeFiles) -> bool:
    """Return whether a distribution that is not made from this tree installed the file."""
    for entry in sys.path:
        inside = os.path.relpath(file, entry).replace(os.sep, "/")
        for distribution in _installed(entry) if file.startswith(os.path.join(entry, "")) else ():
            if distribution.owns(inside, importable):
                return not distribution.local and not _is_made_from(distribution, entry, tree_files)
    return False


def _is_made_from(distribution: Distribution, entry: str, tree_files: TreeFiles) -> bool:
    if distribution.name in tree_files.projects:
        return True
    if tree_files.requires(distribution.name):
        return False
    return tree_files.resembles(entry, tuple(distribution.modules(entry)))


@functools.lru_cache(maxsize=None)
def _installed(entry: str) -> List[Distribution]:
    return [Distribution(distribution) for distribution in metadata.distributions(path=[entry])]


class Distribution:
    """Installed distribution; `local` if it was installed from a folder or file."""

    def __init__(self, installed: metadata.Distribution) -> None:
        name = installed.metadata["Name"] or ""
        self.name = normal(name)
        self.local = '"file:' in (installed.read_text("direct_url.json") or "")
        self._record = installed.read_text("RECORD")
        self._tops = (installed.read_text("top_level.txt") or name).split()

    def owns(self, file: str, importable: str) -> bool:
        """Return whether it installed that file, a path from the folder that it is installed in."""
        if self._record is not None:
            return f"\n{file}," in f"\n{self._record}"
        # A Linux distribution's package, or an egg.
        return importable.partition("/")[0].partition(".")[0] in self._tops

    def modules(self, entry: str) -> Iterator[str]:
        """Yield its Python files, as paths from the folder that it is installed in."""
        if self._record is not None:
            files = (
                line.rpartition(",")[0].rpartition(",")[0] for line in self._record.splitlines()
            )
            yield from (
                file for file in files if file.endswith(".py") and not file.startswith("..")
            )
            return
        for top in self._tops:
            for folder, _, names in os.walk(os.path.join(entry, top)):
                inside = os.path.relpath(folder, entry).replace(os.sep, "/")
                yield from (f"{inside}/{name}" for name in names if name.endswith(".py"))

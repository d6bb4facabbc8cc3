"""Modules that were loaded from elsewhere although the judged tree has their source.

A project that is installed without being editable, or that a container has on PYTHONPATH,
stands in front of its own sources. What was loaded there is judged only if it is the same.

Files are matched by module names, wherever in the tree they would be imported from: `foo.models`
is `foo/models.py`, `src/foo/models.py`, `packages/foo/src/foo/models.py`. Another project's module
may bear a name that the tree has too (`alembic/__init__.py` beside the migrations): it is told by
the installed distribution that it belongs to. One from an index is the tree's own if the tree has
its name, or, whatever it is called, most of its modules with much the same content.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from importlib import metadata
from typing import Any, Dict, Iterator, List, Set, Tuple

from .modules import loaded_files
from .places import Places
from .sources import Sources, normal, read

STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


def loaded_copies(places: Places) -> Tuple[List[Dict[str, Any]], Set[str]]:
    """Modules of the tree that were loaded from elsewhere and are not known to be the same.

    Each with its `path` in the tree, the file that was `loaded`, and whether it `differs`; if not,
    there was nothing to compare (compiled code, or a file that the tree has no more). Beside them
    the paths of all modules that were loaded from elsewhere, harmless or not.
    """
    sources = Sources(places)
    found = []
    everything: Set[str] = set()
    for name, file in sorted(loaded_files().items()):
        if places.in_checkout(file) or places.in_worktree(file):
            continue
        importable = _importable(name, file)
        paths = sources.of(importable)
        everything.update(paths)
        if not paths or _is_harmless(file, importable, paths, sources):
            continue
        differs = file.endswith(".py")
        found += [
            {"path": path, "loaded": file, "differs": differs and sources.has(path)}
            for path in paths
        ]
    return found, everything


def _importable(name: str, file: str) -> str:
    """`foo/bar.py` or `foo/bar/__init__.py`; empty for a module loaded under another name."""
    folder, base = os.path.split(file)
    stem = base.partition(".")[0]
    path = name.replace(".", "/") + ("/__init__" if stem == "__init__" else "")
    loaded = os.path.join(folder, stem).replace(os.sep, "/")
    return f"{path}.py" if loaded.endswith(f"/{path}") else ""


def _is_harmless(file: str, importable: str, paths: List[str], sources: Sources) -> bool:
    if file.startswith(STANDARD_LIBRARY) and not INSTALLED.search(file):
        return True
    content = read(file) if file.endswith(".py") else None
    if content is not None and any(sources.are(path, content) for path in paths):
        return True
    return _is_anothers(file, importable, sources)


def _is_anothers(file: str, importable: str, sources: Sources) -> bool:
    """Whether the file was installed by a distribution that is not made from this tree."""
    for entry in sys.path:
        inside = os.path.relpath(file, entry).replace(os.sep, "/")
        for one in _installed(entry) if file.startswith(os.path.join(entry, "")) else ():
            if one.brought(inside, importable):
                return not one.local and not _is_made_from(one, entry, sources)
    return False


def _is_made_from(distribution: Distribution, entry: str, sources: Sources) -> bool:
    if distribution.name in sources.projects:
        return True
    if sources.requires(distribution.name):
        return False
    return sources.resembles(entry, tuple(distribution.modules(entry)))


@functools.lru_cache(maxsize=None)
def _installed(entry: str) -> List[Distribution]:
    return [Distribution(found) for found in metadata.distributions(path=[entry])]


class Distribution:
    """An installed distribution; `local` if it was installed from a folder or file."""

    def __init__(self, found: metadata.Distribution) -> None:
        name = found.metadata["Name"] or ""
        self.name = normal(name)
        self.local = '"file:' in (found.read_text("direct_url.json") or "")
        self._record = found.read_text("RECORD")
        self._tops = (found.read_text("top_level.txt") or name).split()

    def brought(self, file: str, importable: str) -> bool:
        """Whether it installed that file, named from the folder that it is installed in."""
        if self._record is not None:
            return f"\n{file}," in f"\n{self._record}"
        # A Linux distribution's package, or an egg.
        return importable.partition("/")[0].partition(".")[0] in self._tops

    def modules(self, entry: str) -> Iterator[str]:
        """Yield its Python files, named from the folder that it is installed in."""
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

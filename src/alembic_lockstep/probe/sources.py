"""Index the judged tree's Python files by the names under which they are imported."""

from __future__ import annotations

import functools
import os
import re
from typing import Dict, FrozenSet, Iterator, List, Optional, Set, Tuple

from .places import Places

PACKAGING = frozenset({"pyproject.toml", "setup.cfg", "setup.py"})
# Of a project, in any of these files; a few names of other things do no harm.
NAME = re.compile(r"""(?m)(?:^|[\s(,{])name\s*=\s*["']?([A-Za-z0-9][\w.-]*)""")
# A line of these is a requirement; in other files only a name with a version is. A name in quotes
# alone may be anything, the project's own name too.
REQUIREMENTS = re.compile(r"require.*\.(txt|in)|constraints.*\.txt|Pipfile")
REQUIRED = re.compile(r"(?m)^\s*([A-Za-z0-9][\w.-]*)")
REQUIRED_ELSEWHERE = re.compile(
    r"""(?m)(?:^\s*|["'])([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\]\s*)?"""
    r"""(?:[<>~!;@]|==|=\s*(?:\{|["'][\^~<>=!*\d]))"""
)
#: Folders for other projects' code, which may be installed as well, in another version.
FOREIGN = frozenset(
    {"_vendor", "extern", "external", "externals", "third-party", "third_party", "thirdparty"}
    | {"vendor", "vendored", "vendors"}
)
#: Modules of a distribution that are compared; few packages have more.
MOST_COMPARED = 500


class TreeFiles:
    """Python files of the tree, by every path under which they could be imported."""

    def __init__(self, places: Places) -> None:
        self._checkout = places.checkout
        self._paths: Dict[str, List[str]] = {}
        self._packaging: List[str] = []
        self._requirements: List[str] = []
        packages: Set[str] = set()
        for folder, folders, names in os.walk(places.checkout):
            folders[:] = [n for n in folders if n != "__pycache__" and places.is_tree(folder, n)]
            inside = os.path.relpath(folder, places.checkout).replace(os.sep, "/")
            if inside != "." and "__init__.py" in names:
                packages.add(inside)
            for name in names:
                if name.endswith(".py") and places.is_tree(folder, name):
                    self._add(name if inside == "." else f"{inside}/{name}", packages)
            self._packaging += [os.path.join(folder, name) for name in PACKAGING & set(names)]
            self._requirements += [
                os.path.join(folder, name) for name in names if REQUIREMENTS.fullmatch(name)
            ]

    def _add(self, path: str, packages: Set[str]) -> None:
        parts = path.split("/")
        for depth in range(len(parts)):
            # Nothing is imported from inside a package by a shorter name: `six` is not
            # `requests/vendored/six.py`.
            if "/".join(parts[:depth]) not in packages:
                self._paths.setdefault("/".join(parts[depth:]), []).append(path)

    def paths_of(self, importable: str) -> List[str]:
        """Return the tree's paths for `foo/bar.py`, or where it was if the package still exists."""
        paths = self._paths.get(importable)
        if paths is not None:
            return paths
        package, _, name = importable.removesuffix("/__init__.py").rpartition("/")
        rest = importable[len(package) + 1 :] if package else name
        parents = self._paths.get(f"{package}/__init__.py", []) if package else []
        return [parent[: -len("__init__.py")] + rest for parent in parents]

    def has_content(self, path: str, content: bytes) -> bool:
        """Return whether the tree's file has this content, apart from line ends."""
        return read(os.path.join(self._checkout, path)) == content

    def has(self, path: str) -> bool:
        """Return whether the tree has this file."""
        return os.path.isfile(os.path.join(self._checkout, path))

    @functools.cached_property
    def projects(self) -> Set[str]:
        """Names of the distributions that are made from the tree."""
        texts = map(_text, self._packaging)
        return {normal(name) for text in texts for name in NAME.findall(text)}

    def requires(self, name: str) -> bool:
        """Return whether the tree lists a distribution, by its normal name, as a requirement."""
        return name in self._required

    @functools.cached_property
    def _required(self) -> Set[str]:
        names = [name for file in self._requirements for name in REQUIRED.findall(_text(file))]
        for file in self._packaging:
            names += REQUIRED_ELSEWHERE.findall(_text(file))
        return set(map(normal, names))

    @functools.lru_cache(maxsize=None)  # noqa: B019 - lives as long as the program
    def resembles(self, entry: str, modules: Tuple[str, ...]) -> bool:
        """Return whether most of the modules are the tree's: at the same path, most lines the same.

        Args:
            entry: The folder that they are imported from.
            modules: Their paths in it.
        """
        alike = different = 0
        for module in modules[:MOST_COMPARED]:
            lines = _lines(os.path.join(entry, module))
            if lines:
                likest = max(
                    (len(lines & ours) / len(lines | ours) for ours in self._own(module)), default=0
                )
                alike, different = alike + (likest > 0.5), different + (likest <= 0.5)
        return alike > different

    def _own(self, importable: str) -> Iterator[FrozenSet[bytes]]:
        for path in self._paths.get(importable, ()):
            if FOREIGN.isdisjoint(path.split("/")):
                yield _lines(os.path.join(self._checkout, path))


def _text(file: str) -> str:
    return (read(file) or b"").decode("utf-8", "replace")


def _lines(file: str) -> FrozenSet[bytes]:
    """Return the lines of a file that are not blank."""
    return frozenset(line.strip() for line in (read(file) or b"").split(b"\n")) - {b""}


def normal(name: str) -> str:
    """Return a distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(file: str) -> Optional[bytes]:
    """Return a file's content with plain line ends; None if it cannot be read."""
    try:
        with open(file, "rb") as stream:
            return stream.read().replace(b"\r\n", b"\n")
    except OSError:
        return None

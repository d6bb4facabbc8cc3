"""Files that Python files import, told from their text."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from pathlib import PurePosixPath

# What may import, or reach for, anything that the project has loaded.
_ANYTHING = re.compile(
    r"\b(import_module|__import__|current_app|sys\.modules|target_metadata|config\.attributes)\b"
)
_WORD = re.compile(r"\w+")
# The fields that hold statements, or what holds statements.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_UPWARD = re.compile(r"\bfrom\s+\.")


def imported_files(
    paths: Iterable[str], loaded: Collection[str], read: Callable[[str], str | None]
) -> set[str]:
    """Return the files, of those that a run loaded, which some revisions import: directly or not.

    Names are looked for anywhere in the tree, so that no import path has to be known; a name that
    two files have counts for both. What may reach for anything reaches no revision: Alembic loads
    these past `sys.modules`, so only an import that names one gets it.
    """
    python = [path for path in loaded if path.endswith(".py")]
    by_name: dict[str, list[str]] = {}
    for path in python:
        by_name.setdefault(_last_name(path), []).append(path)
    # Most migrations import nothing of the project; that takes no parsing to see.
    words = {word for path in python for word in PurePosixPath(path).with_suffix("").parts}
    found: set[str] = set()
    revisions = set(paths)
    waiting = list(revisions)
    while waiting:
        path = waiting.pop()
        text = read(path) or ""
        if _ANYTHING.search(text):
            found |= {*python} - revisions
            continue
        if words.isdisjoint(_WORD.findall(text)) and not _UPWARD.search(text):
            continue
        wanted = _modules(text, PurePosixPath(path).parent.parts)
        new = {
            known
            for name in wanted
            for known in by_name.get(name[-1], ())
            if known not in found and _is(known, name)
        }
        found |= new
        waiting += new
    return found


def _last_name(path: str) -> str:
    file = PurePosixPath(path)
    return file.parent.name if file.name == "__init__.py" else file.stem


def _is(path: str, module: tuple[str, ...]) -> bool:
    file = PurePosixPath(path)
    parts = file.parts[:-1] if file.name == "__init__.py" else (*file.parts[:-1], file.stem)
    return parts[-len(module) :] == module


# The runs of the tree and of the base ask about nearly the same files, some of them generated and
# large; parsing these again was half of a check's time.
@cache
def _modules(text: str, package: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Return every module that a text may import, with the packages that hold it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    modules: set[tuple[str, ...]] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules.update(_upward(tuple(alias.name.split("."))))
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = (*above, *(node.module.split(".") if node.module else ()))
            modules.update(_upward(module))
            modules.update((*module, alias.name) for alias in node.names)
    return frozenset(modules)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the statements of a module, however deep, without their expressions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in _BLOCKS:
            waiting += getattr(node, part, ())


def _upward(module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for size in range(1, len(module) + 1):
        yield module[:size]

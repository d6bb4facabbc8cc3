"""Files that Python files import, found by their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from pathlib import PurePosixPath

from alembic_lockstep.pysource.parsing import INVALID, imported_module, parse_python

# Words of code that may import or reach anything that the project has loaded.
_ANYTHING = re.compile(
    r"\b(import_module|__import__|import_string|resolve_name|locate|find_spec|importlib|runpy"
    r"|current_app|sys\.modules|target_metadata|config\.attributes)\b"
)
_WORD = re.compile(r"\w+")
# Fields of syntax nodes that hold statements, or nodes with statements.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_RELATIVE = re.compile(r"\bfrom\s+\.")


def imported_files(
    paths: Iterable[str], loaded: Collection[str], read: Callable[[str], str | None]
) -> set[str]:
    """Return those loaded files that some revisions import, directly or not.

    A module is matched by its name anywhere in the tree, so that no import path is needed; a
    name that two files have counts for both. Code that may reach anything does not reach other
    revisions: Alembic loads these past `sys.modules`, so only an import by name finds them.

    Args:
        paths: The revisions' files.
        loaded: The files that a run loaded.
        read: Reads a file of the tree.
    """
    python = [path for path in loaded if path.endswith(".py")]
    by_name: dict[str, list[str]] = {}
    for path in python:
        by_name.setdefault(_last_name(path), []).append(path)
    # Most migrations import nothing of the project; that takes no parsing to see.
    words = {word for path in python for word in PurePosixPath(path).with_suffix("").parts}
    imported: set[str] = set()
    revisions = set(paths)
    waiting = list(revisions)
    while waiting:
        path = waiting.pop()
        text = read(path) or ""
        if _ANYTHING.search(text):
            imported |= {*python} - revisions
            continue
        if words.isdisjoint(_WORD.findall(text)) and not _RELATIVE.search(text):
            continue
        new = {
            candidate
            for module in _modules(text, PurePosixPath(path).parent.parts)
            for candidate in by_name.get(module[-1], ())
            if candidate not in imported and _is_module(candidate, module)
        }
        imported |= new
        waiting += new
    return imported


def _last_name(path: str) -> str:
    file = PurePosixPath(path)
    return file.parent.name if file.name == "__init__.py" else file.stem


def _is_module(path: str, module: tuple[str, ...]) -> bool:
    file = PurePosixPath(path)
    parts = file.parts[:-1] if file.name == "__init__.py" else (*file.parts[:-1], file.stem)
    return parts[-len(module) :] == module


# The tree and its base share nearly all files, some of them generated and large: parsing these
# twice was half of a check's time.
@cache
def _modules(text: str, package: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Return each module that a text may import, and the packages that hold it."""
    try:
        tree = parse_python(text)
    except INVALID:
        return frozenset()
    modules: set[tuple[str, ...]] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules.update(_with_packages(tuple(alias.name.split("."))))
        elif isinstance(node, ast.ImportFrom):
            module = imported_module(node, package)
            modules.update(_with_packages(module))
            modules.update((*module, alias.name) for alias in node.names)
    return frozenset(modules)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the statements of a module at any depth, without their expressions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in _BLOCKS:
            waiting += getattr(node, part, ())


def _with_packages(module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for size in range(1, len(module) + 1):
        yield module[:size]

"""Imports that load nothing: all that they name was there before the module started."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.cache.unused_names import Import
from alembic_lockstep.pysource.parsing import INVALID, parse_python


@dataclass(frozen=True)
class LoadedModules:
    """What was loaded before a file of the checkout started, in all runs that loaded it.

    Attributes:
        path: The file.
        orders: For each run what was loaded before what, see `TakenNames.order` of the probe.
        contents: Returns the contents of one of the checkout's files, in all judged trees.
    """

    path: str
    orders: Sequence[Mapping[str, Any]]
    contents: Callable[[str], Sequence[bytes]]

    def have(self, node: Import) -> bool:
        """Return whether a module-level import of a single name only binds the name."""
        orders = [order for order in self.orders if self.path in order["starts"]]
        return bool(orders) and all(self._has(order, node) for order in orders)

    def _has(self, order: Mapping[str, Any], node: Import) -> bool:
        start, own_name = order["starts"][self.path]
        (alias,) = node.names
        name = alias.name
        if isinstance(node, ast.ImportFrom):
            name = _absolute(node, own_name, is_package=self.path.endswith("__init__.py"))
        number, names = order["loaded"].get(name, (start + 1, ()))
        if number > start:
            return False
        if isinstance(node, ast.Import):
            # With `as`, the last part is taken from its package, which may hold something else.
            return not alias.asname or "." not in name
        files = [path for path, (_, module) in order["starts"].items() if module == name]
        if not files:
            return alias.name in names
        versions = [content for path in files for content in self.contents(path)]
        return bool(versions) and all(alias.name in _names_of(content) for content in versions)


def _absolute(node: ast.ImportFrom, importer: str, *, is_package: bool) -> str:
    name = node.module or ""
    if not node.level:
        return name
    package = importer if is_package else importer.rpartition(".")[0]
    try:
        return importlib.util.resolve_name("." * node.level + name, package)
    except ImportError:
        return ""


def _names_of(content: bytes) -> frozenset[str]:
    """Return the names that a module certainly has, once it is loaded."""
    try:
        body = parse_python(importlib.util.decode_source(content)).body
    except INVALID:
        return frozenset()
    if any(isinstance(node, ast.Delete) for node in body):
        return frozenset()
    return frozenset(name for node in body for name in _bound(node))


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, Import):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))

"""Definitions and imports of the repository's modules, read from their text."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

from alembic_lockstep.pysource.parsing import INVALID, imported_module, parse_python

Name = tuple[str, str]  # module and global name
# Never modules of the repository, even if it has files of these names.
LIBRARIES = {"alembic", "flask_sqlalchemy", "sqlalchemy", "sqlmodel", *sys.stdlib_module_names}


@dataclass(frozen=True)
class Module:
    """A Python file.

    Attributes:
        definitions: The class, function or value of each global name; of those that `if` and
            `try` define several times, the first that runs.
        imports: From a local name to module and name; the name "" is the module itself.
        stars: Modules of which all names were imported.
    """

    path: str
    tree: ast.Module
    definitions: dict[str, ast.stmt | ast.expr]
    imports: dict[str, Name]
    stars: list[str]

    @classmethod
    def parse(cls, path: str, text: str) -> Module | None:
        """Parse a file; None if it is not valid Python."""
        return _parse(path, text)

    @property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Its global classes."""
        items = self.definitions.items()
        return {name: node for name, node in items if isinstance(node, ast.ClassDef)}

    def imported(self, chain: list[str]) -> Iterator[Name]:
        """Yield what `a.b.C` may name: an import's own name, or an imported module's attribute."""
        stars = [(module, chain[0]) for module in self.stars]
        for module, name in [self.imports[chain[0]]] if chain[0] in self.imports else stars:
            dotted = [part for part in (module, name, *chain[1:]) if part]
            for size in range(1, len(dotted)):
                yield from _readings(".".join(dotted[:size]).split("."), dotted[size])


@dataclass(frozen=True)
class Modules:
    """The modules of a tree.

    Attributes:
        read: The text of the tree's files.
        files: Paths of the tree.
    """

    read: Callable[[str], str | None]
    files: Collection[str]
    _parsed: dict[str, Module | None] = field(default_factory=dict)

    def at(self, path: str) -> Module | None:
        """Return the module of a file; None if it is not valid Python."""
        if path not in self._parsed:
            self._parsed[path] = Module.parse(path, self.read(path) or "")
        return self._parsed[path]

    def named(self, dotted: str, near: str = "") -> Module | None:
        """Return the module that an import means; None if the repository lacks it.

        Args:
            near: The path of the importing file: of several modules, the nearest is meant.
        """
        path = self.path_of(dotted, near)
        return None if path is None else self.at(path)

    def path_of(self, dotted: str, near: str = "") -> str | None:
        """Return the file of the module that `named` returns; None if the repository lacks it."""
        if dotted.partition(".")[0] in LIBRARIES:
            return None
        roots = self._paths_by_name.get(dotted, {})
        nearest = max(roots, key=lambda root: (_depth(root, near), -len(root)), default=None)
        return None if nearest is None else roots[nearest]

    @cached_property
    def _paths_by_name(self) -> dict[str, dict[str, str]]:
        """Files by dotted name, and then by the folder from which it is imported."""
        paths: dict[str, dict[str, str]] = {}
        for path in self.files:
            if not path.endswith(".py"):
                continue
            parts = _stem(path).split("/")
            for depth in range(len(parts)):
                root = "/".join(parts[:depth])
                # Modules of a package are imported through the package.
                if not root or f"{root}/__init__.py" not in self.files:
                    paths.setdefault(".".join(parts[depth:]), {})[root] = path
        return paths


def import_name(path: str, modules: Collection[str], loaded: Iterable[str]) -> str:
    """Return the name by which a file is imported; "" if it has none.

    Args:
        modules: Names of modules of the repository that were imported.
        loaded: Paths of these and other modules, which show the folders of imports.
    """
    endings = [module.replace(".", "/") for module in modules]
    stems = [f"/{_stem(file)}" for file in loaded]
    roots = {
        stem.removesuffix(f"/{ending}")[1:]
        for stem in stems
        for ending in endings
        if stem.endswith(f"/{ending}")
    }
    around = [root for root in roots if not root or path.startswith(f"{root}/")]
    readings = [_stem(path).removeprefix(root).strip("/") for root in sorted(around, key=len)]
    parts = _stem(path).split("/")
    readings = [*reversed(readings), *("/".join(parts[depth:]) for depth in range(len(parts)))]
    names = (reading.split("/") for reading in readings)
    return next((".".join(name) for name in names if all(map(str.isidentifier, name))), "")


def _stem(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__")


def _depth(root: str, near: str) -> int:
    """Return the depth of a root above a path; -1 if it is not above it."""
    if root and not near.startswith(f"{root}/"):
        return -1
    return len(root.split("/")) if root else 0


# The tree and its base share nearly every file.
@cache
def _parse(path: str, text: str) -> Module | None:
    try:
        tree = parse_python(text)
    except INVALID:
        return None
    package = tuple(path.split("/")[:-1])
    imports: dict[str, Name] = {}
    stars = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                imports[alias.asname or top] = (alias.name if alias.asname else top, "")
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(imported_module(node, package))
            stars += [module for alias in node.names if alias.name == "*"]
            for alias in node.names:
                imports[alias.asname or alias.name] = (module, alias.name)
    definitions: dict[str, ast.stmt | ast.expr] = {}
    for name, node in _defined(tree):
        definitions.setdefault(name, node)
    return Module(path, tree, definitions, imports, stars)


def _defined(node: ast.AST) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """Yield names and values that statements define, those in `if` and `try` included."""
    for child in _children(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child.name, child
        elif isinstance(child, ast.Assign):
            for target in child.targets:
                if isinstance(target, ast.Name):
                    yield target.id, child.value
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            if child.value is not None:
                yield child.target.id, child.value
        elif isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _defined(child)


def _children(node: ast.AST) -> Iterable[ast.AST]:
    """Return the statements below a node that run: not those for type checkers."""
    if isinstance(node, ast.If) and chain_of(node.test)[-1:] == ["TYPE_CHECKING"]:
        return node.orelse
    return ast.iter_child_nodes(node)


def _readings(parent: list[str], name: str) -> Iterator[Name]:
    """Yield a name for each import root: relative imports are resolved from the repository's."""
    for skipped in range(len(parent)):
        yield ".".join(parent[skipped:]), name


def chain_of(expression: ast.expr) -> list[str]:
    """Return the names of `a.b.C`; empty for any other expression."""
    if isinstance(expression, ast.Name):
        return [expression.id]
    if isinstance(expression, ast.Attribute):
        head = chain_of(expression.value)
        return [*head, expression.attr] if head else []
    return []

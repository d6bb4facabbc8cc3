"""The repository's modules, read from their text: what they define, and what they import."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

Name = tuple[str, str]  # module and global name
# They are libraries, whatever files of the repository are called.
LIBRARIES = {"alembic", "flask_sqlalchemy", "sqlalchemy", "sqlmodel", *sys.stdlib_module_names}


@dataclass(frozen=True)
class Module:
    """One Python file.

    Attributes:
        definitions: What its global names stand for: a class, a function or a value; of those
            that `if` and `try` define several times, the first.
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
        """Read a file; None if it is not valid Python."""
        return _parse(path, text)

    @property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Its global classes."""
        found = self.definitions.items()
        return {name: node for name, node in found if isinstance(node, ast.ClassDef)}

    def imported(self, chain: list[str]) -> Iterator[Name]:
        """What `a.b.C` may name: an import's own name, or an attribute of an imported module."""
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
    _known: dict[str, Module | None] = field(default_factory=dict)

    def at(self, path: str) -> Module | None:
        """The module of a file; None if it is not valid Python."""
        if path not in self._known:
            self._known[path] = Module.parse(path, self.read(path) or "")
        return self._known[path]

    def named(self, dotted: str, near: str = "") -> Module | None:
        """The module that an import means; None if it is not one of the repository.

        Args:
            near: The path of what imports it: of several that fit, the nearest is meant.
        """
        if dotted.partition(".")[0] in LIBRARIES:
            return None
        roots = self._places.get(dotted, {})
        found = max(roots, key=lambda root: (_shared(root, near), -len(root)), default=None)
        return None if found is None else self.at(roots[found])

    @cached_property
    def _places(self) -> dict[str, dict[str, str]]:
        """From each dotted name to the folders from which it can be imported, and its file."""
        found: dict[str, dict[str, str]] = {}
        for path in self.files:
            if not path.endswith(".py"):
                continue
            parts = _stem(path).split("/")
            for depth in range(len(parts)):
                root = "/".join(parts[:depth])
                # What lies in a package is imported through the package.
                if not root or f"{root}/__init__.py" not in self.files:
                    found.setdefault(".".join(parts[depth:]), {})[root] = path
        return found


def import_name(path: str, modules: Collection[str], loaded: Iterable[str]) -> str:
    """Return the name by which a file is imported; "" if it has none.

    Args:
        modules: Names of modules of the repository that were imported.
        loaded: Their paths, and others: they tell from which folders is imported.
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


def _shared(root: str, near: str) -> int:
    """How many folders on the way to a path a root is made of; -1 if it lies elsewhere."""
    if root and not near.startswith(f"{root}/"):
        return -1
    return len(root.split("/")) if root else 0


# The tree and its base share nearly every file.
@cache
def _parse(path: str, text: str) -> Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the project's to mend
            tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    package = path.split("/")[:-1]
    imports: dict[str, Name] = {}
    stars = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                imports[alias.asname or top] = (alias.name if alias.asname else top, "")
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            stars += [module for alias in node.names if alias.name == "*"]
            for alias in node.names:
                imports[alias.asname or alias.name] = (module, alias.name)
    definitions: dict[str, ast.stmt | ast.expr] = {}
    for name, node in _defined(tree):
        definitions.setdefault(name, node)
    return Module(path, tree, definitions, imports, stars)


def _defined(node: ast.AST) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """What a module's statements define, those in `if` and `try` included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child.name, child
        elif isinstance(child, ast.Assign):
            targets = (one.id for one in child.targets if isinstance(one, ast.Name))
            yield from ((name, child.value) for name in targets)
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            if child.value is not None:
                yield child.target.id, child.value
        elif isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _defined(child)


def _readings(parent: list[str], name: str) -> Iterator[Name]:
    """A relative import is known from the repository's root; the import root may lie below."""
    for skipped in range(len(parent)):
        yield ".".join(parent[skipped:]), name


def _absolute(node: ast.ImportFrom, package: list[str]) -> str:
    if not node.level:
        return node.module or ""
    parent = package[: len(package) - node.level + 1]
    return ".".join([*parent, *((node.module or "").split(".") if node.module else [])])


def chain_of(expression: ast.expr) -> list[str]:
    """The names of `a.b.C`; empty for any other expression."""
    if isinstance(expression, ast.Name):
        return [expression.id]
    if isinstance(expression, ast.Attribute):
        head = chain_of(expression.value)
        return [*head, expression.attr] if head else []
    return []

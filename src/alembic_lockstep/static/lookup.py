"""Follow names from their use to their definition, through the repository's imports.

Nothing is computed: what stands for anything but a literal, a class, a function or something of a
library is `Unknown`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from alembic_lockstep.pysource.module_index import Module, Modules, chain_of
from alembic_lockstep.pysource.source import FUNCTION, callee, keyword, members

# Calls that only mark a text: `op.f("ix_games_host")`, `text("now()")`.
_MARKS = {"f", "conv", "quoted_name", "text", "literal_column", "literal"}


class Unknown(str):
    """The text of an expression whose value only the running code knows."""

    __slots__ = ()


@dataclass(frozen=True)
class Definition:
    """What a name stands for: a node of the repository, or without one something of a library."""

    node: ast.AST | None
    module: Module
    name: str

    @property
    def statements(self) -> dict[str, ast.stmt]:
        """Return the members of a class."""
        return dict(members(self.node)) if isinstance(self.node, ast.ClassDef) else {}

    @property
    def bases(self) -> list[ast.expr]:
        """Return the bases of a class."""
        nodes = self.node.bases if isinstance(self.node, ast.ClassDef) else []
        return [base.value if isinstance(base, ast.Subscript) else base for base in nodes]


@dataclass(frozen=True)
class Lookup:
    """Finds definitions in the modules of a tree."""

    modules: Modules

    def definition(self, node: ast.AST | None, module: Module) -> Definition | None:
        """Return what `a.b.C` stands for; None if that cannot be told, or for other expressions."""
        chain = chain_of(node) if isinstance(node, ast.expr) else []
        if chain and not hasattr(node, "lineno"):
            return Definition(None, module, chain[-1])  # ours, for what SQLModel makes of a field
        return self._chain(chain, module)

    def resolved(self, node: ast.expr, module: Module) -> tuple[ast.expr, Module]:
        """Return the expression that a name stands for, or the expression itself."""
        target = self.definition(node, module)
        is_expression = target and isinstance(target.node, ast.expr)
        return (target.node, target.module) if target and is_expression else (node, module)  # type: ignore[return-value]

    def lineage(self, owner: Definition) -> list[Definition]:
        """Return a class and its ancestors; those of libraries have no node, and "" if unknown."""
        order: dict[tuple[str, str], Definition] = {}
        waiting = [owner]
        while waiting:
            cls = waiting.pop(0)
            if order.setdefault((cls.module.path, cls.name), cls) is cls:
                waiting = [*(self._base(base, cls.module) for base in cls.bases), *waiting]
        return list(order.values())

    def roots(self, owner: Definition) -> list[str]:
        """Return the names of the libraries' classes that a class derives from."""
        return [base.name for base in self.lineage(owner) if base.node is None]

    def callee(self, node: ast.AST | None, module: Module) -> str:
        """Return the last name of what is called; the library's of a class that derives from it."""
        if not isinstance(node, ast.Call):
            return ""
        target = self.definition(node.func, module)
        if target is None:
            return callee(node)
        if isinstance(target.node, ast.ClassDef):
            return next(filter(None, self.roots(target)), target.name)
        returned = returned_by(target.node)
        if isinstance(returned, ast.Call):
            passes_on = any(isinstance(arg, ast.Starred) for arg in returned.args)
            return callee(returned) if passes_on else target.name
        return target.name

    def literal(self, node: ast.AST | None, module: Module) -> object:
        """Return the value of a literal, directly or by name; else what stands there, `Unknown`."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return tuple(self.literal(item, module) for item in node.elts)
        if isinstance(node, ast.Call) and node.args and callee(node) in _MARKS:
            return self.literal(node.args[0], module)
        if isinstance(node, (ast.JoinedStr, ast.BinOp)):
            return self._joined(node, module)
        target = self.definition(node, module)
        if target and isinstance(target.node, ast.expr):
            return self.literal(target.node, target.module)
        return None if node is None else Unknown(ast.unparse(node))

    def text(self, node: ast.AST | None, module: Module) -> str:
        """Return the text of a literal; "" for anything else."""
        value = self.literal(node, module)
        return value if is_text(value) else ""

    def spelled(self, node: ast.AST, module: Module) -> str:
        """Return an expression so that equal texts mean the same, however names are imported."""
        value = self.literal(node, module)
        if not isinstance(value, Unknown):
            return str(value)
        target = self.definition(node, module)
        if target and not isinstance(target.node, ast.expr):
            return target.name
        if isinstance(node, ast.Call):
            parts = [self.spelled(arg, module) for arg in node.args]
            named = [f"{item.arg}={self.spelled(item.value, module)}" for item in node.keywords]
            text = f"{self.callee(node, module)}({', '.join([*parts, *sorted(named)])})"
            return Unknown(text) if any(isinstance(part, Unknown) for part in parts) else text
        return value

    def strings(
        self, node: ast.AST, module: Module, within: tuple[ast.AST, ...] = ()
    ) -> Iterator[str]:
        """Yield the texts in a node, and in what its names stand for."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value
            target = self.definition(inner, module) if isinstance(inner, ast.Name) else None
            meaning = target.node if target and not isinstance(target.node, ast.ClassDef) else None
            if target and meaning and meaning not in within:
                yield from self.strings(meaning, target.module, (*within, meaning))

    def _chain(self, chain: list[str], module: Module) -> Definition | None:
        if not chain:
            return None
        head, rest = chain[0], chain[1:]
        node = module.definitions.get(head)
        if node is None:
            return self._imported(chain, module)
        alias = chain_of(node) if isinstance(node, ast.expr) else []
        if alias and alias[0] != head:
            return self._chain([*alias, *rest], module)
        if not rest:
            return Definition(node, module, head)
        for cls in self.lineage(Definition(node, module, head)):
            statement = cls.statements.get(rest[0])
            if statement and len(rest) == 1:
                return Definition(getattr(statement, "value", statement), cls.module, rest[0])
        return Definition(None, module, rest[-1]) if isinstance(node, ast.Call) else None

    def _imported(self, chain: list[str], module: Module) -> Definition | None:
        origin = module.imports.get(chain[0])
        for dotted, name in [origin] if origin else [(star, chain[0]) for star in module.stars]:
            parts = [*dotted.split("."), *filter(None, [name]), *chain[1:]]
            target = self._below(parts, module)
            if target or origin:
                return target
        return Definition(None, module, chain[-1]) if hasattr(builtins, chain[0]) else None

    def _below(self, parts: list[str], module: Module) -> Definition | None:
        """Return what the names after those of a module stand for in it."""
        for size in range(len(parts), 0, -1):
            source = self.modules.named(".".join(parts[:size]), module.path)
            if source:
                return self._chain(parts[size:], source)
        return Definition(None, module, parts[-1])

    def _base(self, node: ast.expr, module: Module) -> Definition:
        target = self.definition(node, module)
        if target and isinstance(target.node, ast.Call):  # Base = declarative_base(cls=Mixin)
            own = self.definition(keyword(target.node, "cls"), target.module)
            return own or Definition(None, target.module, callee(target.node))
        return target or Definition(None, module, "")

    def _joined(self, node: ast.JoinedStr | ast.BinOp, module: Module) -> object:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node.left, node.right]
        inner = [part.value if isinstance(part, ast.FormattedValue) else part for part in parts]
        values = [self.literal(part, module) for part in inner]
        is_sum = isinstance(node, ast.JoinedStr) or isinstance(node.op, ast.Add)
        if is_sum and values and all(map(is_text, values)):
            return "".join(map(str, values))
        return Unknown(ast.unparse(node))


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a literal is a text."""
    return isinstance(value, str) and not isinstance(value, Unknown)


def returned_by(node: ast.AST | None) -> ast.expr | None:
    """Return the expression that a function of one `return` gives."""
    if isinstance(node, ast.Lambda):
        return node.body
    returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)] if node else []
    return returns[0].value if isinstance(node, FUNCTION) and len(returns) == 1 else None


def with_name(module: Module, name: str, value: ast.expr) -> Module:
    """Return the module as the body of a function sees it that has this local name."""
    is_circular = any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(value))
    return (
        module if is_circular else replace(module, definitions={**module.definitions, name: value})
    )


def items_of(node: ast.AST | None) -> list[ast.expr]:
    """Return the elements of a tuple or list, or the one expression that stands for it."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return list(node.elts)
    return [node] if isinstance(node, ast.expr) else []

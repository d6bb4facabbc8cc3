"""From an expression's text to what it stands for, through the repository's imports."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from alembic_lockstep.pysource.module_index import Module, Modules
from alembic_lockstep.pysource.source import FUNCTION, members
from alembic_lockstep.static.values import (
    Attribute,
    Called,
    Class,
    Dictionary,
    Enumeration,
    Function,
    Member,
    ModuleValue,
    Named,
    Opaque,
    Value,
)

# Definitions may lead in a circle, and text may be nested at will.
DEEPEST, DEEPEST_CALL = 40, 8
ENUMS = ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "Choices", "TextChoices")
_PLAIN = (str, int, float, type(None))


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its module, its class, and what local names stand for."""

    module: Module
    names: Mapping[str, Value] = field(default_factory=dict)
    owner: Class | None = None


@dataclass
class Evaluator:
    """Evaluates expressions of a tree's modules, running nothing."""

    modules: Modules
    _globals: dict[tuple[str, str], Value] = field(default_factory=dict)
    _attributes: dict[tuple[int, str], Value] = field(default_factory=dict)
    _unfoldings: dict[int, Value] = field(default_factory=dict)
    _running: list[ast.FunctionDef | ast.Lambda] = field(default_factory=list)
    _depth: int = 0

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """What the expression stands for."""
        if self._depth > DEEPEST:
            return Opaque("…")
        self._depth += 1
        try:
            found = self._evaluate(node, scope)
        finally:
            self._depth -= 1
        return found

    def annotation(self, node: ast.expr, scope: Scope) -> Value:
        """The same of an annotation, in which a text is another one."""
        return self.unquoted(self.evaluate(node, scope), scope)

    def unquoted(self, value: Value, scope: Scope) -> Value:
        """What a text stands for that is an annotation itself."""
        if not isinstance(value, str):
            return value
        try:
            return self.annotation(ast.parse(value.strip(), mode="eval").body, scope)
        except (SyntaxError, ValueError, RecursionError):
            return Opaque(value)

    def attribute(self, value: Value, name: str) -> Value:
        """What `value.name` stands for."""
        if isinstance(value, Named):
            return Named(f"{value.name}.{name}")
        if isinstance(value, ModuleValue):
            return self.name(value.module, name)
        if isinstance(value, Class):
            return self._of_class(value, name)
        if isinstance(value, Enumeration):
            found = dict(value.members)
            return Member(name, found[name]) if name in found else Opaque(f"{value.name}.{name}")
        if isinstance(value, Member) and name in ("name", "value"):
            return value.name if name == "name" else value.value
        if isinstance(value, Called) and value.last == "Table" and value.args:
            table = value.args[0]
            if name in ("c", "columns"):
                return value
            return Attribute(table, name) if isinstance(table, str) else opaque(name, value)
        if isinstance(value, Called) and value.last.endswith("SQLAlchemy"):
            return Named(f"flask_sqlalchemy.{name}")
        return opaque(f".{name}", value)

    def name(self, module: Module, name: str) -> Value:
        """What a module's global name stands for."""
        key = (module.path, name)
        if key not in self._globals:
            self._globals[key] = Opaque(name)  # what leads back to itself
            self._globals[key] = self._global(module, name)
        return self._globals[key]

    def class_of(self, module: Module, node: ast.ClassDef) -> Class | Enumeration:
        """A class; those of enumerations with their members."""
        found = Class(node.name, module, node)
        if not any(self._is_enum(base) for base in self.bases(found)):
            return found
        scope = Scope(module)
        own = [
            (name, self.evaluate(statement.value, scope))
            for name, statement in members(node)
            if isinstance(statement, ast.Assign) and not name.startswith("_")
        ]
        return Enumeration(node.name, tuple(_without_auto(own)))

    def bases(self, cls: Class) -> list[Value]:
        """What a class derives from."""
        scope = Scope(cls.module)
        found = [self._base(base, scope) for base in cls.node.bases]
        # declarative_base(cls=…)
        made = [base.keyword("cls") for base in found if isinstance(base, Called)]
        return [*found, *(one for one in made if one is not None)]

    def lineage(self, cls: Class) -> Iterator[Class]:
        """A class and its ancestors in the repository, each once."""
        seen: dict[int, Class] = {}
        waiting = [cls]
        while waiting:
            one = waiting.pop(0)
            if id(one.node) not in seen:
                seen[id(one.node)] = one
                yield one
                waiting = [base for base in self.bases(one) if isinstance(base, Class)] + waiting

    def result(self, function: Function, args: Mapping[str, Value]) -> Value:
        """What a function returns that assigns and returns only."""
        node = function.node
        if node in self._running or len(self._running) >= DEEPEST_CALL:
            return Opaque(function.name)
        self._running.append(node)
        try:
            return self._result(function, dict(args))
        finally:
            self._running.pop()

    def _result(self, function: Function, names: dict[str, Value]) -> Value:
        node, args = function.node, dict(names)
        scope = Scope(function.module, names)
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body, scope)
        for statement in node.body:
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.evaluate(statement.value, scope)
            if not self._assign(statement, scope, names) and not _says_nothing(statement):
                break
        return self.text(node, Scope(function.module, args))

    def _assign(self, statement: ast.stmt, scope: Scope, names: dict[str, Value]) -> bool:
        """Carry out `name = …`, `known["key"] = …`; False for another statement."""
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return False
        target, value = statement.targets[0], self.evaluate(statement.value, scope)
        if isinstance(target, ast.Name):
            names[target.id] = value
            return True
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            known = names.get(target.value.id)
            if isinstance(known, Dictionary):
                key = self.evaluate(target.slice, scope)
                kept = (pair for pair in known.items if pair[0] != key)
                names[target.value.id] = Dictionary((*kept, (key, value)))
                return True
        return False

    def bound(self, function: Function, node: ast.Call, scope: Scope) -> dict[str, Value] | None:
        """What a function's parameters stand for in a call; None if that cannot be told."""
        if any(keyword.arg is None for keyword in node.keywords):
            return None
        given = {one.arg or "": self.evaluate(one.value, scope) for one in node.keywords}
        found = _bound(function.node.args, self._items(node.args, scope), given)
        return None if found is None else {**self._defaults(function), **found}

    def _base(self, node: ast.expr, scope: Scope) -> Value:
        return self.evaluate(node.value if isinstance(node, ast.Subscript) else node, scope)

    def _is_enum(self, base: Value) -> bool:
        if isinstance(base, Named):
            return base.last in ENUMS
        return isinstance(base, Enumeration)

    def _global(self, module: Module, name: str) -> Value:
        node = module.definitions.get(name)
        if isinstance(node, ast.expr):
            return self.evaluate(node, Scope(module))
        if isinstance(node, ast.ClassDef):
            return self.class_of(module, node)
        if isinstance(node, ast.FunctionDef):
            return Function(name, module, node)
        if name in module.imports:
            return self._import(module, *module.imports[name])
        for star in module.stars:
            found = self._import(module, star, name)
            # No library's star covers up `int`.
            if not isinstance(found, Opaque | Named) or not hasattr(builtins, name):
                return found
        return Named(name) if hasattr(builtins, name) else Opaque(name)

    def _import(self, module: Module, dotted: str, name: str) -> Value:
        source = self.modules.named(".".join(filter(None, (dotted, name))), module.path)
        if source is not None:
            return ModuleValue(source)
        source = self.modules.named(dotted, module.path)
        if source is not None and name:
            return self.name(source, name)
        return Named(".".join(filter(None, (dotted, name))))

    def _of_class(self, cls: Class, name: str) -> Value:
        if name in ("__name__", "__qualname__"):
            return cls.name
        if name in ("__table__", "c", "columns"):
            return cls
        key = (id(cls.node), name)
        if key not in self._attributes:
            self._attributes[key] = Attribute(cls, name)  # what leads back to itself
            self._attributes[key] = self._constant(cls, name)
        return self._attributes[key]

    def _constant(self, cls: Class, name: str) -> Value:
        """What an attribute stands for that is a constant or a table; else the attribute itself."""
        for one in self.lineage(cls):
            statement = dict(members(one.node)).get(name)
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                found = self.evaluate(statement.value, Scope(one.module, {}, one))
                is_plain = isinstance(found, (*_PLAIN, tuple, Dictionary)) and found is not None
                if is_plain or (isinstance(found, Called) and found.last == "Table"):
                    return found
                break
        return Attribute(cls, name)

    def _evaluate(self, node: ast.expr, scope: Scope) -> Value:
        if isinstance(node, ast.Constant):
            value = node.value
            return value if isinstance(value, _PLAIN) else Opaque(repr(value))
        if isinstance(node, ast.Name):
            return self._local(node.id, scope)
        if isinstance(node, ast.Attribute):
            return self._dotted(node, scope)
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return self._items(node.elts, scope)
        if isinstance(node, ast.Subscript):
            base, index = self.evaluate(node.value, scope), self.evaluate(node.slice, scope)
            args = index if isinstance(index, tuple) else (index,)
            return Called("[]", (base, *args))
        return self._computed(node, scope)

    def _computed(self, node: ast.expr, scope: Scope) -> Value:
        if isinstance(node, ast.Dict) and all(node.keys):
            keys = [self.evaluate(key, scope) for key in node.keys if key]
            values = [self.evaluate(value, scope) for value in node.values]
            return Dictionary(tuple(zip(keys, values, strict=True)))
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, scope)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            operand = self.evaluate(node.operand, scope)
            if isinstance(operand, (int, float)):
                return -operand
        if isinstance(node, ast.BinOp):
            left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
            found = _binary(node.op, left, right)
            if found is not None:
                return found
        if isinstance(node, ast.Lambda):
            return Function(ast.unparse(node), scope.module, node)
        return self.text(node, scope)

    def _local(self, name: str, scope: Scope) -> Value:
        if name in scope.names:
            return scope.names[name]
        if scope.owner is not None and name in dict(members(scope.owner.node)):
            return self._of_class(scope.owner, name)
        return self.name(scope.module, name)

    def _dotted(self, node: ast.Attribute, scope: Scope) -> Value:
        # `import shop.base` binds `shop`, which need not be a file.
        base = self.evaluate(node.value, scope)
        if isinstance(base, Named):
            source = self.modules.named(f"{base.name}.{node.attr}", scope.module.path)
            if source is not None:
                return ModuleValue(source)
        if isinstance(base, ModuleValue) and node.attr not in base.module.definitions:
            folder = base.module.path.removesuffix("/__init__.py").replace("/", ".")
            source = self.modules.named(f"{folder}.{node.attr}", scope.module.path)
            if source is not None:
                return ModuleValue(source)
        return self.attribute(base, node.attr)

    def _items(self, nodes: list[ast.expr], scope: Scope) -> tuple[Value, ...]:
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                inner = self.evaluate(node.value, scope)
                found += inner if isinstance(inner, tuple) else [opaque("*", inner)]
            else:
                found.append(self.evaluate(node, scope))
        return tuple(found)

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        args = self._items(node.args, scope)
        given: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                given[keyword.arg] = value
            elif isinstance(value, Dictionary) and all(isinstance(k, str) for k, _ in value.items):
                given.update({str(key): item for key, item in value.items})
            else:
                given["**"] = value
        keywords = tuple(sorted(given.items(), key=lambda pair: pair[0]))
        if isinstance(node.func, ast.Attribute):
            base = self._dotted(node.func, scope)
            if isinstance(base, (Opaque, Attribute)):
                owner = self.evaluate(node.func.value, scope)
                return self._method(owner, node.func.attr, args, keywords)
        return self._called(self.evaluate(node.func, scope), args, keywords)

    def _called(
        self,
        function: Value,
        args: tuple[Value, ...],
        keywords: tuple[tuple[str, Value], ...],
    ) -> Value:
        if isinstance(function, Named):
            return _of_library(function, args) or Called(function.name, args, keywords)
        if isinstance(function, Function):
            bound = _bound(function.node.args, args, dict(keywords))
            if bound is not None:
                return self.result(function, {**self._defaults(function), **bound})
            return self.text(function.node, Scope(function.module))
        if isinstance(function, Called) and function.last == "partial" and function.args:
            both = {**dict(function.keywords), **dict(keywords)}
            given = tuple(sorted(both.items(), key=lambda pair: pair[0]))
            return self._called(function.args[0], (*function.args[1:], *args), given)
        if isinstance(function, Class):
            return Called(function.name, (function, *args), keywords)
        return opaque("()", function, args, keywords)

    def _method(
        self,
        owner: Value,
        name: str,
        args: tuple[Value, ...],
        keywords: tuple[tuple[str, Value], ...],
    ) -> Value:
        if isinstance(owner, str) and not args and name in ("lower", "upper", "strip"):
            return str(getattr(owner, name)())
        return Called(f".{name}", (owner, *args), keywords)

    def _defaults(self, function: Function) -> dict[str, Value]:
        node, scope = function.node.args, Scope(function.module)
        places = [*node.posonlyargs, *node.args]
        named = zip(reversed(places), reversed(node.defaults), strict=False)
        pairs = [*named, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
        return {one.arg: self.evaluate(value, scope) for one, value in pairs if value is not None}

    def _joined(self, node: ast.JoinedStr, scope: Scope) -> Value:
        parts = []
        for part in node.values:
            value = self.evaluate(
                part.value if isinstance(part, ast.FormattedValue) else part, scope
            )
            if not isinstance(value, (str, int)):
                return self.text(node, scope)
            parts.append(str(value))
        return "".join(parts)

    def text(self, node: ast.expr | ast.stmt, scope: Scope) -> Opaque:
        """The text without docstrings, marked by what its names stand for."""
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        if self._depth > DEEPEST:
            return Opaque("…")
        self._depth += 1
        try:
            known = [name for name in sorted(names) if not hasattr(builtins, name)]
            parts = [self._unfolded(self._local(name, scope)) for name in known]
        finally:
            self._depth -= 1
        return opaque(_text(node), *parts)

    def _unfolded(self, value: Value) -> Value:
        """What makes a function or a class change with what it does."""
        if not isinstance(value, (Function, Class)):
            return value
        key = id(value.node)
        if key not in self._unfoldings:
            self._unfoldings[key] = Opaque(value.name)  # what leads back to itself
            self._unfoldings[key] = self.text(value.node, Scope(value.module))
        return self._unfoldings[key]


def opaque(text: str, *parts: object) -> Opaque:
    """What cannot be told, marked by the parts that it is made of."""
    return Opaque(text, sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:16])


def _text(node: ast.AST) -> str:
    kept = ast.unparse(node)
    if not isinstance(node, (ast.ClassDef, *FUNCTION)):
        return kept
    docstring = ast.get_docstring(node, clean=False)
    return "\n".join(map(ast.unparse, node.body[1:])) if docstring is not None else kept


def _bound(
    node: ast.arguments, args: tuple[Value, ...], keywords: dict[str, Value]
) -> dict[str, Value] | None:
    """What the parameters stand for; None if that cannot be told."""
    places = [one.arg for one in (*node.posonlyargs, *node.args)]
    known = {*places, *(one.arg for one in node.kwonlyargs)}
    found = {name: value for name, value in keywords.items() if name in known}
    found.update(zip(places, args, strict=False))
    others = tuple((name, value) for name, value in keywords.items() if name not in known)
    if (others and not node.kwarg) or (len(args) > len(places) and not node.vararg):
        return None
    if node.vararg:
        found[node.vararg.arg] = args[len(places) :]
    if node.kwarg:
        found[node.kwarg.arg] = Dictionary(others)
    return found


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _binary(operator: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(operator, ast.BitOr):
        return Called("|", (left, right))
    if isinstance(operator, ast.Add):
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
    if isinstance(left, int) and isinstance(right, int):
        if isinstance(operator, ast.Add):
            return left + right
        if isinstance(operator, ast.Sub):
            return left - right
        if isinstance(operator, ast.Mult):
            return left * right
    return None


def _of_library(function: Named, args: tuple[Value, ...]) -> Value:
    """What a call gives that names of tables are made with."""
    if function.name == "re.sub" and len(args) == 3:
        pattern, replacement, text = args
        if isinstance(pattern, str) and isinstance(replacement, str) and isinstance(text, str):
            try:
                return re.sub(pattern, replacement, text)
            except re.error:
                return None
    return None


def _without_auto(pairs: list[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
    for name, value in pairs:
        is_auto = isinstance(value, Called) and value.last == "auto"
        yield name, Opaque(f"auto {name}") if is_auto else value

"""Names of a module that no run took: statements that only bind them may come, change and go."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from alembic_lockstep.cache.function_bodies import Interfaces, is_function
from alembic_lockstep.pysource.parsing import INVALID

Import = ast.Import | ast.ImportFrom

# They show all names of a module to the module itself.
_NAMESPACES = frozenset({"globals", "locals", "vars", "dir", "eval", "exec"})
_BUILTINS = frozenset(dir(builtins))
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Usage:
    """What runs told of a module's names.

    Attributes:
        taken: The names that were taken from the module by others.
        is_loaded: Returns whether an import at the module's top level finds all it needs loaded.
    """

    taken: Collection[str]
    is_loaded: Callable[[Import], bool]


class _Statement(NamedTuple):
    """A statement of a module, or one name of an `import`.

    Attributes:
        name: The name that it binds; "" if it does anything else.
        text: A dump, if it only binds a name.
    """

    node: ast.stmt
    name: str
    text: str


def without_unused_names(
    old: ast.Module, new: ast.Module, interfaces: Interfaces, usage: Usage
) -> tuple[ast.Module, ast.Module]:
    """Return both modules without the statements that differ and bind names which nobody used.

    A name is used if the run took it from the module, or if code of the module mentions it that
    may have run, in a text or as an attribute, too.
    """
    before, now = list(_statements(old)), list(_statements(new))
    changed = _difference(before, now) + _difference(now, before)
    names = {statement.name for statement in changed}
    rest = [statement.node for statement in before if statement.name not in names]
    mentioned = {word for node in rest for word in _mentions(node, interfaces)}
    if (
        not _NAMESPACES.isdisjoint(mentioned)
        or not names.isdisjoint(mentioned | {*usage.taken, *interfaces.ran} | _BUILTINS)
        or any("__" in name for name in names)
        or not all(map(usage.is_loaded, _imports(changed)))
        or ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False)
    ):
        return old, new
    remaining = [statement.node for statement in now if statement.name not in names]
    return ast.Module(rest, []), ast.Module(remaining, [])


def _difference(before: Collection[_Statement], now: Collection[_Statement]) -> list[_Statement]:
    """Return the statements that bind a name and that the later version lacks."""
    surplus = Counter(each.text for each in before) - Counter(each.text for each in now)
    return [each for each in before if each.name and each.text in surplus]


def _statements(module: ast.Module) -> Iterator[_Statement]:
    is_lazy = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in module.body
    )
    for node in module.body:
        for part in _parts(node):
            name = _bound_name(part, is_lazy=is_lazy)
            yield _Statement(part, name, ast.dump(part) if name else "")


def _parts(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.Import):
        yield from (ast.Import([alias]) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)
    else:
        yield node


def _bound_name(node: ast.stmt, *, is_lazy: bool) -> str:
    """Return the name that a statement binds if it does nothing else; "" if it may do more.

    An import that loads nothing counts as well; see `Usage.is_loaded`.
    """
    if is_function(node):
        return node.name if _is_plain(node, is_lazy=is_lazy) else ""
    if isinstance(node, Import):
        (alias,) = node.names
        is_special = alias.name == "*" or getattr(node, "module", "") == "__future__"
        return "" if is_special else (alias.asname or alias.name.partition(".")[0])
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_literal(node.value):
        (target,) = node.targets
        return target.id if isinstance(target, ast.Name) else ""
    return ""


def _is_plain(function: ast.FunctionDef | ast.AsyncFunctionDef, *, is_lazy: bool) -> bool:
    """Return whether the definition of a function runs no code and cannot fail."""
    signature = function.args
    arguments = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs]
    arguments += filter(None, [signature.vararg, signature.kwarg])
    annotations = [function.returns, *(argument.annotation for argument in arguments)]
    return (
        not function.decorator_list
        and not getattr(function, "type_params", None)
        and all(map(_is_literal, filter(None, [*signature.defaults, *signature.kw_defaults])))
        and (is_lazy or all(map(_is_builtin, filter(None, annotations))))
    )


def _is_builtin(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Name):
        return annotation.id in _BUILTINS
    return isinstance(annotation, ast.Constant)


def _is_literal(value: ast.expr) -> bool:
    if any(isinstance(node, ast.Call) for node in ast.walk(value)):  # `set()`
        return False
    try:
        ast.literal_eval(value)
    except (TypeError, *INVALID):  # a list as a key
        return False
    return True


def _mentions(node: ast.AST, interfaces: Interfaces) -> Iterator[str]:
    """Yield the words of names and texts in code that may have run."""
    inside = interfaces.within(node)
    for field, value in ast.iter_fields(node):
        if field == "body" and is_function(node) and interfaces.is_idle(node):
            continue
        for part in value if isinstance(value, list) else [value]:
            yield from _words(part, inside)


def _words(part: Any, interfaces: Interfaces) -> Iterator[str]:
    if isinstance(part, ast.AST):
        yield from _mentions(part, interfaces)
    elif isinstance(part, str):
        yield from _WORD.findall(part)


def _imports(statements: Collection[_Statement]) -> Iterator[Import]:
    for statement in statements:
        if isinstance(statement.node, Import):
            yield statement.node

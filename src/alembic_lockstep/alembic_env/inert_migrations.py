"""Find migrations that need not be loaded, as everything that loading does is in their text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from typing import Any

from alembic_lockstep.alembic_env.revisions import constants
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.source import syntax_tree

_FIELDS = ("revision", "down_revision", "branch_labels", "depends_on")
_LITERALS = (ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp)
_ANNOTATIONS = (*_LITERALS, ast.Attribute, ast.Subscript)
_NO_EXPRESSIONS = (ast.expr_context, ast.operator, ast.unaryop)


@cache
def inert_facts(text: str) -> dict[str, Any] | None:
    """Return the contents of a migration's module, as JSON types; None if loading may do more.

    Loading does no more if the file only imports, assigns constants and defines functions. Imports
    are pairs of a module and a name in it, "" for `import module`. The probe compares them with
    the modules that are loaded already: importing those again does nothing.
    """
    module = syntax_tree(text)
    values = constants(module)
    fields = {name: values.get(name) for name in _FIELDS}
    if "down_revision" not in values or not all(map(_is_plain, fields.values())):
        return None
    imports: list[tuple[str, str]] = []
    for statement in module.body:
        if isinstance(statement, ast.Import):
            imports += [(alias.name, "") for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            imports += [(statement.module or "", alias.name) for alias in statement.names]
            if statement.level or imports[-1][1] == "*":
                return None
        elif not _does_nothing(statement):
            return None
    return {**fields, "doc": ast.get_docstring(module, clean=False), "imports": imports}


def inert_migrations(tree: Tree, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the facts of a tree's inert migrations, by path."""
    facts_by_path = ((path, inert_facts(tree.read(path) or "")) for path in paths)
    return {path: facts for path, facts in facts_by_path if facts is not None}


def _is_plain(value: object) -> bool:
    """Return whether a value is None, a string, or a tuple of these: JSON preserves it."""
    items = value if isinstance(value, tuple) else (value,)
    return all(item is None or isinstance(item, str) for item in items)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return _only_defines(statement)
    if isinstance(statement, ast.Assign):
        is_named = all(isinstance(target, ast.Name) for target in statement.targets)
        return is_named and _is_made_of(statement.value, _LITERALS)
    if isinstance(statement, ast.AnnAssign):
        return (
            isinstance(statement.target, ast.Name)
            and _is_made_of(statement.annotation, _ANNOTATIONS)
            and _is_made_of(statement.value, _LITERALS)
        )
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _only_defines(function: ast.FunctionDef) -> bool:
    """Return whether defining a function calls nothing, neither decorators nor defaults."""
    signature = function.args
    defaults = (*signature.defaults, *filter(None, signature.kw_defaults))
    parameters = (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)
    rest = filter(None, (signature.vararg, signature.kwarg))
    annotations = (function.returns, *(each.annotation for each in (*parameters, *rest)))
    return (
        not function.decorator_list
        and all(_is_made_of(default, _LITERALS) for default in defaults)
        and all(_is_made_of(annotation, _ANNOTATIONS) for annotation in annotations)
    )


def _is_made_of(expression: ast.expr | None, kinds: tuple[type[ast.expr], ...]) -> bool:
    if expression is None:
        return True
    return all(isinstance(node, (*kinds, *_NO_EXPRESSIONS)) for node in ast.walk(expression))

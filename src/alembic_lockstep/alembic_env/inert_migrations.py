"""Migrations of which all is known that loading them would do: they need not be loaded."""

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
def inert(text: str) -> dict[str, Any] | None:
    """What a migration file makes of its module, as JSON-able data; None if it may do more.

    It does no more if it imports, assigns constants and defines functions. What it imports is told
    as pairs of a module and a name in it, which is empty for `import module`. Whether these are
    there already, where importing them again does nothing, has to be seen when it would be loaded.
    """
    module = syntax_tree(text)
    values = constants(module)
    told = {name: values.get(name) for name in _FIELDS}
    if "down_revision" not in values or not all(map(_is_plain, told.values())):
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
    return {**told, "doc": ast.get_docstring(module, clean=False), "imports": imports}


def inert_migrations(files: Tree, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is told of those of a tree's migrations that are inert, by their paths."""
    told = ((path, inert(files.read(path) or "")) for path in paths)
    return {path: facts for path, facts in told if facts is not None}


def _is_plain(value: object) -> bool:
    """Whether it is what Alembic takes a field for: JSON brings that over."""
    several = value if isinstance(value, tuple) else (value,)
    return all(one is None or isinstance(one, str) for one in several)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        given = statement.args
        defaults = (*given.defaults, *filter(None, given.kw_defaults))
        every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
        annotations = (statement.returns, *(one.annotation for one in every if one))
        return (
            not statement.decorator_list
            and all(_is_made_of(one, _LITERALS) for one in defaults)
            and all(_is_made_of(one, _ANNOTATIONS) for one in annotations)
        )
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


def _is_made_of(expression: ast.expr | None, kinds: tuple[type[ast.expr], ...]) -> bool:
    if expression is None:
        return True
    return all(isinstance(node, (*kinds, *_NO_EXPRESSIONS)) for node in ast.walk(expression))

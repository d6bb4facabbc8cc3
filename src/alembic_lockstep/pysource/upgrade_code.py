"""Comparison of two versions of a migration by what their upgrades say."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from alembic_lockstep.pysource.parsing import INVALID, parse_python
from alembic_lockstep.pysource.source import FUNCTION


def same_upgrade(old: str, new: str) -> bool:
    """Return whether two versions differ in comments, docstrings and the downgrade only."""
    try:
        return _upgrade_code(old) == _upgrade_code(new)
    except INVALID:
        return old == new


def _upgrade_code(text: str) -> list[str]:
    return [ast.dump(_without_docstrings(node)) for node in _statements(parse_python(text))]


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    for node in module.body:
        is_downgrade = isinstance(node, FUNCTION) and node.name.startswith("downgrade")
        if not is_downgrade and not _is_text(node):
            yield node


def _without_docstrings(tree: ast.stmt) -> ast.stmt:
    for node in ast.walk(tree):
        if isinstance(node, FUNCTION):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return tree


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)

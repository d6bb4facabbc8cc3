"""Take out of a migration what autogenerate writes anyway."""

from __future__ import annotations

import ast
import re


def cut(text: str, old: str) -> tuple[str, int]:
    """Take the statements of `old` out of a migration; give it, and how many are left in it."""
    tree = ast.parse(text)
    before = {one for function in _functions(ast.parse(old)) for one in _statements(function)}
    left = 0
    for function in _functions(tree):
        function.body = _without(function.body, function.name, before) or [ast.Pass()]
        if function.name == "upgrade":
            left = _count(_statements(function))
    return ast.unparse(tree) + "\n", left


def _count(statements: list[str]) -> int:
    """How many differences they are: a table that goes takes its indexes along."""
    dropped = {found[1] for one in statements if (found := re.search(r"drop_table\('(\w+)'", one))}
    indexes = (one for one in statements if "drop_index(" in one)
    return len(statements) - sum(any(f"'{table}'" in one for table in dropped) for one in indexes)


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [one for one in tree.body if isinstance(one, ast.FunctionDef)]


def _statements(function: ast.FunctionDef) -> list[str]:
    """Each statement with the block that it is in, as a text."""
    return [
        f"{block}: {ast.unparse(line)}"
        for one in function.body
        if not _is_docstring(one)  # a statement, too
        for block, lines in [_opened(one, function.name)]
        for line in lines
        if isinstance(line, ast.Expr)
    ]


def _opened(one: ast.stmt, outer: str) -> tuple[str, list[ast.stmt]]:
    if isinstance(one, ast.With):
        return f"{outer}: {ast.unparse(one.items[0])}", one.body
    return outer, [one]


def _without(body: list[ast.stmt], outer: str, before: set[str]) -> list[ast.stmt]:
    kept = []
    for one in body:
        block, lines = _opened(one, outer)
        lines = [line for line in lines if f"{block}: {ast.unparse(line)}" not in before]
        if isinstance(one, ast.With):
            one.body = lines
        if lines:
            kept.append(one)
    return kept


def _is_docstring(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)

"""Take out of a migration what autogenerate writes anyway."""

from __future__ import annotations

import ast
import re


def without_old(text: str, old: str) -> tuple[str, int]:
    """Return a migration without the statements of `old`, and how many are left in it."""
    tree = ast.parse(text)
    before = {line for function in _functions(ast.parse(old)) for line in _statements(function)}
    left = 0
    for function in _functions(tree):
        function.body = _without(function.body, function.name, before) or [ast.Pass()]
        if function.name == "upgrade":
            left = _count(_statements(function))
    return ast.unparse(tree) + "\n", left


def _count(statements: list[str]) -> int:
    """Count the differences: a dropped table takes its indexes along."""
    dropped = {
        match[1]
        for statement in statements
        if (match := re.search(r"drop_table\('(\w+)'", statement))
    }
    indexes = (statement for statement in statements if "drop_index(" in statement)
    return len(statements) - sum(
        any(f"'{table}'" in statement for table in dropped) for statement in indexes
    )


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def _statements(function: ast.FunctionDef) -> list[str]:
    """Return each statement, with the block that it is in, as a text."""
    return [
        f"{block}: {ast.unparse(line)}"
        for statement in function.body
        if not _is_docstring(statement)  # a statement, too
        for block, lines in [_opened(statement, function.name)]
        for line in lines
        if isinstance(line, ast.Expr)
    ]


def _opened(statement: ast.stmt, outer: str) -> tuple[str, list[ast.stmt]]:
    if isinstance(statement, ast.With):
        return f"{outer}: {ast.unparse(statement.items[0])}", statement.body
    return outer, [statement]


def _without(body: list[ast.stmt], outer: str, before: set[str]) -> list[ast.stmt]:
    left = []
    for statement in body:
        block, lines = _opened(statement, outer)
        lines = [line for line in lines if f"{block}: {ast.unparse(line)}" not in before]
        if isinstance(statement, ast.With):
            statement.body = lines
        if lines:
            left.append(statement)
    return left


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)

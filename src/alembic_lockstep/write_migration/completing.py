"""Add the bodies of one migration to another, which falls short."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from alembic_lockstep.pysource.source import FUNCTION, syntax_tree


def completed(text: str, more: str) -> str | None:
    """Return a migration that does what both do, the second after the first.

    The way back undoes the second first. Return None where a function of the second is missing.

    Args:
        text: The migration to complete.
        more: The migration with what is missing.
    """
    lines = text.splitlines(keepends=True)
    functions, additions = dict(_functions(text)), dict(_functions(more))
    if not additions.keys() <= functions.keys():
        return None
    edits: list[tuple[int, int, list[str]]] = []
    for name, function in additions.items():
        added = _body_lines(more, function)
        if added:
            edits.append(_insertion(functions[name], added, first=name.startswith("downgrade")))
    imports = _missing_imports(text, more)
    if imports:
        edits.append((_after_imports(text), 0, imports))
    for start, count, added in sorted(edits, reverse=True):
        lines[start : start + count] = added
    return "".join(lines)


def _functions(text: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in syntax_tree(text).body:
        if isinstance(node, FUNCTION) and node.name.startswith(("upgrade", "downgrade")):
            yield node.name, node


def _statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """Return the statements that do something: no docstring, no `pass`."""
    return [
        each
        for each in function.body
        if not isinstance(each, ast.Pass)
        and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]


def _body_lines(text: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the lines of a body with its comments, without docstring and `pass`."""
    if not _statements(function):
        return []
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    begin = (first.end_lineno or first.lineno) if is_docstring else function.body[0].lineno - 1
    lines = text.splitlines(keepends=True)
    while not is_docstring and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    end = function.body[-1].end_lineno or function.body[-1].lineno
    return [f"{line.rstrip()}\n" for line in lines[begin:end]]


def _insertion(
    function: ast.FunctionDef | ast.AsyncFunctionDef, added: list[str], *, first: bool
) -> tuple[int, int, list[str]]:
    """Return the 0-based line, the number of lines to replace, and the lines to write there."""
    statements = _statements(function)
    places = [each for each in function.body if isinstance(each, ast.Pass)]
    if not statements and places:
        return places[0].lineno - 1, 1, added
    if statements and first:
        return statements[0].lineno - 1, 0, added
    last = function.body[-1]
    return last.end_lineno or last.lineno, 0, added


def _import_nodes(text: str) -> list[ast.stmt]:
    nodes = syntax_tree(text).body
    return [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]


def _missing_imports(text: str, more: str) -> list[str]:
    present = {ast.unparse(node) for node in _import_nodes(text)}
    needed = (ast.unparse(node) for node in _import_nodes(more))
    return [f"{line}\n" for line in needed if line not in present and "typing" not in line]


def _after_imports(text: str) -> int:
    """Return the 0-based line after the last import; 0 without any."""
    return max((node.end_lineno or 0 for node in _import_nodes(text)), default=0)

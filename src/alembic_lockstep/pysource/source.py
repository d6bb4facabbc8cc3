"""Syntax trees of Python source, and positions in them.

Text that is not valid Python, or not of this Python's grammar, is an empty module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from alembic_lockstep.pysource.parsing import INVALID, parse_python

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Span:
    """A piece of one source line; line and column are 1-based, the column in characters."""

    line: int
    column: int
    length: int
    source: str


@lru_cache(maxsize=128)
def syntax_tree(text: str) -> ast.Module:
    """Parse a text; return an empty module if that fails."""
    try:
        return parse_python(text)
    except INVALID:
        return ast.Module([], [])


@lru_cache(maxsize=128)
def _lines(text: str) -> list[str]:
    # Not splitlines(): Python's grammar knows these three line ends only.
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


def span(text: str, node: ast.expr | ast.stmt) -> Span:
    """Return the span of a node, up to the end of its first line."""
    source = _lines(text)[node.lineno - 1]
    encoded = source.encode()  # ast counts UTF-8 bytes
    one_line = node.end_lineno == node.lineno
    before = encoded[: node.col_offset].decode()
    through = encoded[: node.end_col_offset].decode() if one_line else source
    return Span(node.lineno, len(before) + 1, len(through) - len(before), source)


def name_span(text: str, node: ast.expr | ast.stmt) -> Span:
    """Return the span of the name that a node defines, assigns or calls."""
    if isinstance(node, ast.Call):
        return span(text, node.func)
    if isinstance(node, (ast.ClassDef, *FUNCTION)):
        return _defined_name(span(text, node), node.name)
    if isinstance(node, ast.AnnAssign):
        return span(text, node.target)
    if isinstance(node, ast.Assign):
        return span(text, node.targets[0])
    return span(text, node)


def _defined_name(whole: Span, name: str) -> Span:
    definition = re.compile(rf"(?:class|def)\s+({re.escape(name)})\b")
    match = definition.search(whole.source, whole.column - 1)
    if match is None:  # a backslash between `class` and the name
        return whole
    return Span(whole.line, match.start(1) + 1, len(name), whole.source)


def classes(text: str, qualname: str) -> Iterator[ast.ClassDef]:
    """Yield the classes of a qualified name; `if` and `try` may hold one each."""
    name = qualname.replace(".<locals>", "")
    return (node for path, node in _classes(syntax_tree(text), "") if path == name)


def all_classes(text: str) -> Iterator[ast.ClassDef]:
    """Yield all classes, nested ones included."""
    return (node for _, node in _classes(syntax_tree(text), ""))


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, *FUNCTION)):
            path = f"{prefix}{child.name}"
            if isinstance(child, ast.ClassDef):
                yield path, child
            yield from _classes(child, f"{path}.")
        elif not isinstance(child, ast.expr):
            yield from _classes(child, prefix)


def members(node: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Yield name and statement of all that a class's body assigns, annotates or defines."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assign):
            yield from ((name.id, child) for name in child.targets if isinstance(name, ast.Name))
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield child.target.id, child
        elif isinstance(child, FUNCTION):
            yield child.name, child
        elif isinstance(child, (ast.If, ast.Try)):
            yield from members(child)


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield all calls in a node, itself included."""
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def callee(call: ast.Call) -> str:
    """Return the last part of a called name: `Table` of `sa.Table(…)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def owner(call: ast.Call) -> str:
    """Return the name on which a method is called: `op` of `op.add_column(…)`."""
    value = call.func.value if isinstance(call.func, ast.Attribute) else None
    return value.id if isinstance(value, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument; None if a call lacks it."""
    return next((word.value for word in call.keywords if word.arg == name), None)


def is_text(node: ast.AST | None, value: str) -> bool:
    """Return whether a node is the literal of a value."""
    return isinstance(node, ast.Constant) and node.value == value


def strings(node: ast.AST) -> list[str]:
    """Return all string literals in a node."""
    values = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant))
    return [value for value in values if isinstance(value, str)]

"""Python source as a tree, and places in it.

Pure: text in, place out. Text that is not valid Python, or not of this Python's grammar,
is an empty module: it has no places.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Span:
    """A piece of one source line; line and column are 1-based, the column in characters."""

    line: int
    column: int
    length: int
    source: str


@lru_cache(maxsize=128)
def tree(text: str) -> ast.Module:
    """The parsed text; an empty module where it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the project's to mend
            return ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


@lru_cache(maxsize=128)
def _lines(text: str) -> list[str]:
    # Not splitlines(): Python's grammar knows these three line ends only.
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


def span(text: str, node: ast.expr | ast.stmt) -> Span:
    """The node's characters, up to the end of its first line."""
    source = _lines(text)[node.lineno - 1]
    encoded = source.encode()  # ast counts UTF-8 bytes
    one_line = node.end_lineno == node.lineno
    before = encoded[: node.col_offset].decode()
    through = encoded[: node.end_col_offset].decode() if one_line else source
    return Span(node.lineno, len(before) + 1, len(through) - len(before), source)


def name_span(text: str, node: ast.expr | ast.stmt) -> Span:
    """The name that a node is known by: what is defined, assigned or called."""
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
    found = re.compile(rf"(?:class|def)\s+({re.escape(name)})\b").search(
        whole.source, whole.column - 1
    )
    if found is None:  # a backslash between `class` and the name
        return whole
    return Span(whole.line, found.start(1) + 1, len(name), whole.source)


def classes(text: str, qualname: str) -> Iterator[ast.ClassDef]:
    """Every class of that qualified name; `if` and `try` may hold one each."""
    wanted = qualname.replace(".<locals>", "")
    return (node for path, node in _classes(tree(text), "") if path == wanted)


def all_classes(text: str) -> Iterator[ast.ClassDef]:
    """Every class, nested ones included."""
    return (node for _, node in _classes(tree(text), ""))


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
    """Name and statement of what a class's body assigns, annotates or defines."""
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
    """Every call in the node, itself included."""
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def callee(call: ast.Call) -> str:
    """The last part of what is called: `Table` of `sa.Table(…)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def owner(call: ast.Call) -> str:
    """What a method is called on: `op` of `op.add_column(…)`."""
    value = call.func.value if isinstance(call.func, ast.Attribute) else None
    return value.id if isinstance(value, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value that a call gives by keyword."""
    return next((given.value for given in call.keywords if given.arg == name), None)


def is_text(node: ast.AST | None, value: str) -> bool:
    """Whether the node is that string's literal."""
    return isinstance(node, ast.Constant) and node.value == value


def strings(node: ast.AST) -> list[str]:
    """Every string literal in the node."""
    found = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant))
    return [value for value in found if isinstance(value, str)]

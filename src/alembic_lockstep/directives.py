"""Directives in comments: `# lockstep: ignore[rule] reason`. Pure: text in, directives out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from alembic_lockstep.config import did_you_mean
from alembic_lockstep.models.search import CONSTRAINTS
from alembic_lockstep.models.source import callee, tree

WORD = "lockstep:"
_DIRECTIVE = re.compile(rf"#\s*{WORD}\s*(.*)")
_IGNORE = re.compile(r"ignore\s*\[(.*?)\](.*)")
# What other tools are told in the same comment is no reason.
_ANOTHER = re.compile(r"(?:^|\s)#\s")


@dataclass(frozen=True)
class Directive:
    """One directive.

    Attributes:
        line: Where it stands, 1-based.
        target: The line that it is about: its own or, if it stands alone, that below.
        fault: Why it is not honoured; empty if it is.
    """

    path: str
    line: int
    target: int
    rules: tuple[str, ...] = ()
    reason: str = ""
    fault: str = ""

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.line}"


def read_directives(path: str, text: str, known: Collection[str]) -> list[Directive]:
    """The directives of a Python file; none if it cannot be tokenized.

    Args:
        known: The rules that can be ignored.
    """
    if WORD not in text:
        return []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return []
    lines = text.split("\n")
    comments = {one.start[0]: one for one in tokens if one.type == tokenize.COMMENT}
    alone = {number for number in comments if lines[number - 1].lstrip().startswith("#")}
    found = []
    for number, comment in comments.items():
        said = _DIRECTIVE.search(comment.string)
        if said:
            place = (path, number, _target(number, alone, lines))
            found.append(_directive(place, said[1], known))
    return found


def _target(number: int, alone: Collection[int], lines: list[str]) -> int:
    below = number
    while below in alone:
        below += 1
    return below if below <= len(lines) and lines[below - 1].strip() else number


def _directive(place: tuple[str, int, int], said: str, known: Collection[str]) -> Directive:
    found = _IGNORE.match(said)
    if found is None:
        return Directive(*place, fault="it is not of the form ignore[rule] reason")
    rules = tuple(name.strip() for name in found[1].split(","))
    reason = _ANOTHER.split(found[2])[0].strip()
    fault = next((_unfit(name, known) for name in rules if name not in known), "")
    return Directive(*place, rules, reason, fault or ("" if reason else "it gives no reason"))


def _unfit(name: str, known: Collection[str]) -> str:
    if not name:
        return "it names no rule"
    if name == "broken-upgrade":
        return "broken-upgrade cannot be ignored, as nothing can be compared after it"
    return f"no rule is called {name!r}{did_you_mean(name, known)}"


def lines_around(text: str, line: int) -> Collection[int]:
    """The lines on which a directive about this line may stand: those of its statement.

    Of a class they are those of its head. Of a statement that makes several columns, indexes or
    constraints, as `Table(…)` does, they are those of the one, or else those of none.
    """
    statement = _statement(text, line)
    if statement is None:
        return {line}
    inner = getattr(statement, "body", None)
    last = _first(inner[0]) - 1 if inner else _last(statement)
    parts = [] if inner else [range(one.lineno, _last(one) + 1) for one in _parts(statement)]
    lines = set(range(_first(statement), last + 1))
    if len(parts) > 1:
        own = [part for part in parts if line in part]
        lines = set().union(*own) if own else lines.difference(*parts)
    return {line} | lines


def surroundings(text: str, line: int) -> tuple[str, ...]:
    """Return what a line stands in, outermost first: names of classes, heads of statements."""
    lines = text.split("\n")
    nodes = (node for node in ast.walk(tree(text)) if isinstance(node, ast.stmt))
    around = [node for node in nodes if _first(node) < line <= _last(node)]
    return tuple(getattr(node, "name", "") or lines[node.lineno - 1].strip() for node in around)


def _statement(text: str, line: int) -> ast.stmt | None:
    """The innermost statement of a line."""
    nodes = (node for node in ast.walk(tree(text)) if isinstance(node, ast.stmt))
    around = [node for node in nodes if _first(node) <= line <= _last(node)]
    return around[-1] if around else None


def _parts(node: ast.AST) -> Iterator[ast.Call]:
    """The outermost calls that make a column, an index or a constraint."""
    for child in ast.iter_child_nodes(node):
        name = callee(child) if isinstance(child, ast.Call) else ""
        if isinstance(child, ast.Call) and (name in CONSTRAINTS or name.lower().endswith("column")):
            yield child
        else:
            yield from _parts(child)


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _last(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno

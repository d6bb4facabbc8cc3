"""Directives in comments: `# lockstep: ignore[rule] reason`. Pure: text in, directives out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from alembic_lockstep.config import did_you_mean
from alembic_lockstep.pysource.search import CONSTRAINTS
from alembic_lockstep.pysource.source import FUNCTION, callee, syntax_tree

MARKER = "lockstep:"
_DIRECTIVE = re.compile(rf"#\s*{MARKER}\s*(.*)")
_IGNORE = re.compile(r"ignore\s*\[(.*?)\](.*)")
# The reason ends where a comment for another tool begins.
_NEXT_COMMENT = re.compile(r"(?:^|\s)#\s")


@dataclass(frozen=True)
class Directive:
    """A directive of a Python file.

    Attributes:
        line: Its own line, 1-based.
        target: The line that it is about: its own or, if it is alone on its line, the next.
        rules: The rules that it ignores.
        fault: Why it is not honoured; empty if it is.
    """

    path: str
    line: int
    target: int
    rules: tuple[str, ...] = ()
    reason: str = ""
    fault: str = ""

    @property
    def position(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.line}"


def read_directives(path: str, text: str, ignorable: Collection[str]) -> list[Directive]:
    """Return the directives of a Python file; none if it cannot be tokenized.

    Args:
        path: The file's path.
        text: Its text.
        ignorable: The rules that can be ignored.
    """
    if MARKER not in text:
        return []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return []
    lines = text.split("\n")
    comments = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    alone = {number for number in comments if lines[number - 1].lstrip().startswith("#")}
    directives = []
    for number, comment in comments.items():
        match = _DIRECTIVE.search(comment.string)
        if match:
            directive = Directive(path, number, _target(number, alone, lines))
            directives.append(_parse(directive, match[1], ignorable))
    return directives


def _target(number: int, alone: Collection[int], lines: list[str]) -> int:
    below = min({*range(number, len(lines) + 1)}.difference(alone), default=number)
    return below if lines[below - 1].strip() else number


def _parse(directive: Directive, text: str, ignorable: Collection[str]) -> Directive:
    """Return a directive with the rules and the reason of its text, or with its fault."""
    match = _IGNORE.match(text)
    if match is None:
        return replace(directive, fault="it is not of the form ignore[rule] reason")
    rules = tuple(name.strip() for name in match[1].split(","))
    reason = _NEXT_COMMENT.split(match[2])[0].strip()
    faults = [_fault_of(name, ignorable) for name in rules if name not in ignorable]
    faults += [] if reason else ["it gives no reason"]
    return replace(directive, rules=rules, reason=reason, fault=next(iter(faults), ""))


def _fault_of(name: str, ignorable: Collection[str]) -> str:
    if not name:
        return "it names no rule"
    if name == "broken-upgrade":
        return "broken-upgrade cannot be ignored, as nothing can be compared after it"
    return f"no rule is called {name!r}{did_you_mean(name, ignorable)}"


def lines_around(text: str, line: int) -> Collection[int]:
    """Return the lines on which a directive about a line may be: those of its statement.

    Of a class, those of its head. Of a statement that makes several columns, indexes or
    constraints, such as `Table(…)`, those of the part that has the line, else those of no part.
    """
    around = _statements(text, line)
    if not around:
        return {line}
    statement = around[-1]
    inner = getattr(statement, "body", None)
    last = _first(inner[0]) - 1 if inner else _last(statement)
    parts = [range(part.lineno, _last(part) + 1) for part in _parts(statement)]
    lines = set(range(_first(statement), last + 1))
    if len(parts) > 1:
        own = [part for part in parts if line in part]
        lines = set().union(*own) if own else lines.difference(*parts)
    return {line} | lines


def lines_of_migration(text: str, line: int) -> Collection[int]:
    """Return the lines on which a directive is about a function with a line, or about all.

    The latter is at the migration's `revision = "…"`.
    """
    nodes = [node for node in ast.walk(syntax_tree(text)) if isinstance(node, ast.stmt)]
    lines: set[int] = set()
    for node in nodes:
        if isinstance(node, FUNCTION) and _first(node) <= line <= _last(node):
            lines.update(range(_first(node), _first(node.body[0])))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "revision" for target in targets):
                lines.update(range(node.lineno, _last(node) + 1))
    return lines


def surroundings(text: str, line: int) -> tuple[str, ...]:
    """Return the statements of a line, outermost first: names of classes, others' first lines."""
    lines = text.split("\n")
    around = _statements(text, line)
    return tuple(getattr(node, "name", "") or lines[node.lineno - 1].strip() for node in around)


def _statements(text: str, line: int) -> list[ast.stmt]:
    """Return the statements that a line is in, outermost first."""
    nodes = (node for node in ast.walk(syntax_tree(text)) if isinstance(node, ast.stmt))
    return [node for node in nodes if _first(node) <= line <= _last(node)]


def _parts(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the outermost calls that make a column, an index or a constraint."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and _makes_part(callee(child)):
            yield child
        else:
            yield from _parts(child)


def _makes_part(name: str) -> bool:
    return name in CONSTRAINTS or name.lower().endswith("column")


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _last(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno

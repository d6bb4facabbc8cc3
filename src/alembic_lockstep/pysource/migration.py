"""Finding an operation in a migration's text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from alembic_lockstep.pysource.source import (
    FUNCTION,
    Span,
    callee,
    is_text,
    name_span,
    owner,
    span,
    strings,
    syntax_tree,
)


def find_in_migration(text: str, table: str, name: str) -> Span | None:
    """Find the `op.…` call of an upgrade for a table's column, index or constraint.

    The span is the name's literal if there is one, else the call. An empty name finds the
    table itself.
    """
    bare = table.rpartition(".")[2]
    best, call = 0, None
    for candidate, batch in _operations(text):
        score = _score(candidate, batch, bare, name)
        if score > best:
            best, call = score, candidate
    if call is None:
        return None
    literals = (node for node in ast.walk(call) if is_text(node, name or bare))
    literal = next(literals, None)
    return span(text, literal) if isinstance(literal, ast.expr) else name_span(text, call)


def _score(call: ast.Call, batch: str, table: str, name: str) -> int:
    """Return how surely a call is about the name in the table; 0 if it is about neither."""
    words = {
        word for constant in strings(call) for word in (constant, *re.findall(r"\w+", constant))
    }
    first = call.args[0] if call.args else None
    about = 2 if table in words or table == batch else 0
    if not name:
        # `create_table` is the table's own; an index or a column only mentions it.
        return about + (is_text(first, table) and callee(call).endswith("_table"))
    # `drop_index("ix")` need not name its table; a column's name alone may be in any table.
    named = 3 if is_text(first, name) else 1 if name in words else 0
    return about + named + (2 if about and named else 0)


def _operations(text: str) -> Iterator[tuple[ast.Call, str]]:
    """Yield the operations of an upgrade with their batch's table, helper functions included."""
    for function in syntax_tree(text).body:
        if isinstance(function, FUNCTION) and not function.name.startswith("downgrade"):
            yield from _below(function, {"op"}, "")


def _below(node: ast.AST, owners: set[str], batch: str) -> Iterator[tuple[ast.Call, str]]:
    opened = _batch(node)
    if opened is not None:
        alias, batch = opened
        owners = {*owners, alias}
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and owner(child) in owners:
            # Within a batch, `op` itself still works on any table.
            yield child, "" if owner(child) == "op" else batch
        yield from _below(child, owners, batch)


def _batch(node: ast.AST) -> tuple[str, str] | None:
    """Return alias and table of a `with op.batch_alter_table("table") as alias:`."""
    for item in node.items if isinstance(node, ast.With) else ():
        call, alias = item.context_expr, item.optional_vars
        if isinstance(call, ast.Call) and isinstance(alias, ast.Name):
            return alias.id, next(iter(strings(call)), "")
    return None

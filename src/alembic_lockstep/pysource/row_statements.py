"""Read what a migration says about rows: which it writes or deletes, which tables it rebuilds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic_lockstep.pysource.source import (
    FUNCTION,
    Span,
    callee,
    calls,
    is_text,
    keyword,
    name_span,
    owner,
    span,
    strings,
    syntax_tree,
)

#: Takes the place of what an f-string inserts: it may be any name.
_ANY = "\0"
_WRITES = re.compile(r"(?i)\b(?:UPDATE|MERGE\s+INTO|REPLACE\s+INTO)\b")
_DELETES = re.compile(r"(?i)\b(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\b")
_DROPS = re.compile(r"(?i)^\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?[\"`\[]?([\w.]+)")
# Operations of a batch block for which SQLite need not make the table again.
_IN_PLACE = {"add_column", "create_index", "drop_index"}


@dataclass(frozen=True)
class ColumnCode:
    """The code by which a migration adds or alters a column.

    Attributes:
        call: The call: `op.add_column(…)`, `batch_op.alter_column(…)`.
        column: Of a new column the `sa.Column(…)`.
    """

    call: ast.Call
    column: ast.Call | None = None

    @property
    def type(self) -> ast.expr | None:
        """Return the type that the column has before its constraints change; None if unsaid."""
        if self.column is not None:
            of_column = keyword(self.column, "type_")
            return of_column or (self.column.args[1] if len(self.column.args) > 1 else None)
        return keyword(self.call, "existing_type") or keyword(self.call, "type_")

    @property
    def schema(self) -> str:
        """Return the schema that the call names; empty without one."""
        node = keyword(self.call, "schema")
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def writes(text: str, table: str, column: str, *, back: bool = False) -> bool:
    """Return whether a migration itself gives a column of rows that exist other values.

    That is an UPDATE that names both, or Python that may be one: `update().values(score=0)`,
    `user.score = 0`.

    Args:
        back: Judge its way back, in place of its upgrade.
    """
    bare = table.rpartition(".")[2]
    nodes = [*_nodes(text, back=back)]
    if any(_WRITES.search(sql) and _names(sql, bare, column) for sql in _texts(nodes)):
        return True
    targets = (target for node in nodes if isinstance(node, ast.Assign) for target in node.targets)
    # By a relationship, too: `order.user = user`.
    names = {column, column.removesuffix("_id")}
    if any(isinstance(target, ast.Attribute) and target.attr in names for target in targets):
        return True
    return any(
        keyword(call, column) or column in strings(call) or column in _attributes(call)
        for call in nodes
        if isinstance(call, ast.Call) and _is_update(call)
    )


def deletes(text: str, table: str, *, back: bool = False) -> bool:
    """Return whether a migration itself deletes rows of a table.

    Args:
        back: Judge its way back, in place of its upgrade.
    """
    bare = table.rpartition(".")[2]
    nodes = [*_nodes(text, back=back)]
    texts = [*_texts(nodes)]
    if any(_DELETES.search(sql) and _names(sql, bare) for sql in texts):
        return True
    words = {node.id.lower() for node in nodes if isinstance(node, ast.Name)}
    is_named = bare in texts or not words.isdisjoint({bare.lower(), f"{bare.lower()}_table"})
    return is_named and any(
        isinstance(node, ast.Call) and callee(node) == "delete" for node in nodes
    )


def names_column(text: str, column: str, *, back: bool = False) -> bool:
    """Return whether a text in a migration is a column's name, or holds it as a word.

    Args:
        back: Judge its way back, in place of its upgrade.
    """
    return any(_names(sql, column) for sql in _texts(_nodes(text, back=back)))


def rebuilt_tables(text: str, function: str = "upgrade") -> list[tuple[str, Span]]:
    """Return the tables that a migration drops to make them again on SQLite, with the lines.

    Those are batch blocks that alter a table in more than what SQLite can, and DROP TABLE in SQL.
    """
    rebuilt = []
    for body in _functions(text, function):
        for node in ast.walk(body):
            if isinstance(node, (ast.With, ast.AsyncWith)):
                rebuilt += [
                    (table, span(text, item.context_expr))
                    for item in node.items
                    for table in _rebuilt_by(item.context_expr, node)
                ]
            elif isinstance(node, ast.Call) and callee(node) == "execute":
                dropped = [_DROPS.match(sql) for sql in _texts(ast.walk(node))]
                rebuilt += [(match[1], span(text, node)) for match in dropped if match]
    return rebuilt


def _rebuilt_by(expression: ast.expr, block: ast.With | ast.AsyncWith) -> Iterator[str]:
    if not isinstance(expression, ast.Call) or callee(expression) != "batch_alter_table":
        return
    table = next(iter(strings(expression)), "")
    forced = keyword(expression, "recreate")
    operations = {callee(call) for call in calls(block) if owner(call) not in ("", "sa", "op")}
    if is_text(forced, "never") or (not is_text(forced, "always") and operations <= _IN_PLACE):
        return
    yield table


def function_span(text: str, function: str) -> Span | None:
    """Return the name of a migration's function: `downgrade`."""
    return next((name_span(text, node) for node in _functions(text, function)), None)


def body_lines(text: str, function: str) -> list[str]:
    """Return the lines of a function's body, without their common indentation."""
    for node in _functions(text, function):
        first = next((part for part in node.body if not _is_docstring(part)), node.body[0])
        lines = text.splitlines()[first.lineno - 1 : node.body[-1].end_lineno]
        return [line[first.col_offset :] if line.strip() else "" for line in lines]
    return []


def added_column(text: str, table: str, column: str) -> ColumnCode | None:
    """Return the code by which a migration adds a column; None if it is not found."""
    for call in _calls_about(text, table, "add_column"):
        for inner in calls(call):
            if callee(inner) == "Column" and inner.args and is_text(inner.args[0], column):
                return ColumnCode(call, inner)
    return None


def altered_column(text: str, table: str, column: str) -> ColumnCode | None:
    """Return the code by which a migration alters a column; None if it is not found."""
    for call in _calls_about(text, table, "alter_column"):
        if column in strings(call):
            return ColumnCode(call)
    return None


def check_condition(text: str, constraint: str) -> str:
    """Return the condition of a CHECK that a migration creates; empty if it is not found."""
    for call in calls(syntax_tree(text)):
        if callee(call) in ("create_check_constraint", "CheckConstraint"):
            texts = strings(call)
            if constraint in texts and len(texts) > 1:
                return texts[-1] if callee(call) == "create_check_constraint" else texts[0]
    return ""


def foreign_key(text: str, constraint: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return columns, target and its columns of the foreign key that a migration creates.

    Args:
        constraint: Its name; if that is empty, it is the only one.
    """
    created = [call for call in calls(syntax_tree(text)) if callee(call) == "create_foreign_key"]
    named = [call for call in created if constraint and constraint in strings(call)]
    for call in named or (created if len(created) == 1 else []):
        texts = [node for node in call.args if isinstance(node, ast.Constant)]
        lists = [strings(node) for node in call.args if isinstance(node, (ast.List, ast.Tuple))]
        if len(lists) == 2 and texts and all(lists):
            return tuple(lists[0]), str(texts[-1].value), tuple(lists[1])
    return (), "", ()


def _calls_about(text: str, table: str, name: str) -> Iterator[ast.Call]:
    """Yield calls of an operation; those of an `op` only if they name the table."""
    bare = table.rpartition(".")[2]
    for call in calls(syntax_tree(text)):
        if callee(call) == name and (owner(call) != "op" or not bare or bare in strings(call)):
            yield call


def _functions(text: str, name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in syntax_tree(text).body:
        if isinstance(node, FUNCTION) and node.name == name:
            yield node


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _nodes(text: str, *, back: bool) -> Iterator[ast.AST]:
    """Yield all nodes of a migration without those of the functions of its other way."""
    other = "upgrade" if back else "downgrade"
    for part in syntax_tree(text).body:
        if not isinstance(part, FUNCTION) or not part.name.startswith(other):
            yield from ast.walk(part)


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the texts among nodes; an f-string is one, in which any name may be inserted."""
    inserted: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            inserted.update(map(id, node.values))
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else _ANY for part in node.values
            )
            continue
        value = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and isinstance(value, str) and id(node) not in inserted:
            yield value


def _names(sql: str, *names: str) -> bool:
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    lacking = [name for name in names if not words.issuperset(re.findall(r"\w+", name.lower()))]
    return len(lacking) <= sql.count(_ANY)


def _is_update(call: ast.Call) -> bool:
    if callee(call) == "values":
        return any(callee(inner) == "update" for inner in calls(call))
    return callee(call) in ("update", "bulk_update_mappings")


def _attributes(call: ast.Call) -> list[str]:
    return [node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)]

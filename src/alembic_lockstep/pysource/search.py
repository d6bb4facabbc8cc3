"""Finding a model's class, attribute, table, column, index or constraint in source text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from alembic_lockstep.pysource.source import (
    Span,
    all_classes,
    callee,
    calls,
    classes,
    is_text,
    keyword,
    members,
    name_span,
    span,
    strings,
    syntax_tree,
)

NAMING = ("name", "signature")
CONSTRAINTS = {
    "Index": "index",
    "ForeignKeyConstraint": "fk",
    "UniqueConstraint": "constraint",
    "CheckConstraint": "constraint",
    "PrimaryKeyConstraint": "constraint",
    "ExcludeConstraint": "constraint",
}


def find_class(text: str, qualname: str) -> Span | None:
    """Find the name in a class's `class` line."""
    return next((name_span(text, node) for node in classes(text, qualname)), None)


def find_attribute(text: str, qualname: str, attribute: str) -> Span | None:
    """Find an attribute's name where the class's body assigns, annotates or defines it."""
    spans = (_find_member(text, node, attribute) for node in classes(text, qualname))
    return next(filter(None, spans), None)


def _find_member(text: str, node: ast.ClassDef, attribute: str) -> Span | None:
    """Find an attribute's name in a class's body."""
    statements = (statement for name, statement in members(node) if name == attribute)
    return next((name_span(text, statement) for statement in statements), None)


def find_table(text: str, table: str) -> Span | None:
    """Find the `Table("name", …)` call, or the class whose `__tablename__` is the name.

    Args:
        table: Its key, "schema.name" or "name"; a literal schema has to agree.
    """
    node = _table(text, table)
    return name_span(text, node) if node is not None else None


def find_column(text: str, table: str, column: str) -> Span | None:
    """Find a column's name in the `Table(…)` call, or the attribute in the table's class."""
    node = _table(text, table)
    if isinstance(node, ast.Call):
        names = (_name_of(call) for call in _columns(node))
        return next((span(text, name) for name in names if name and is_text(name, column)), None)
    if node is None:
        return None
    # The column's own name counts before the attribute's.
    for _, statement in members(node):
        if any(is_text(_name_of(call), column) for call in _columns(statement)):
            return name_span(text, statement)
    return _find_member(text, node, column)


def find_table_arg(
    text: str, qualname: str, names: Sequence[str], *, kind: str = "", table: str = ""
) -> Span | None:
    """Find the `Index(…)` or `…Constraint(…)` of a class, or of a `Table(…)` without a class.

    Args:
        names: The constraint's or index's name (may be empty), then its columns.
        kind: "index", "fk" or "constraint": required of a match by columns alone.
        table: The table's key, where `qualname` is empty.
    """
    name, columns = names[0], names[1:]
    arguments = [call for call in _arguments(text, qualname, table) if callee(call) in CONSTRAINTS]
    if name:
        for call in arguments:
            if _carries(call, name):
                return name_span(text, call)
    for call in arguments:
        if columns and kind in ("", CONSTRAINTS[callee(call)]) and _covers(call, columns):
            return name_span(text, call)
    return None


def find_named_object(text: str, name: str) -> Span | None:
    """Find the call that names an object, such as `Sequence("name")`, or its class.

    An `Enum` without a name takes that of its class, in lower case.
    """
    for call in calls(syntax_tree(text)):
        keywords = (argument.value for argument in call.keywords if argument.arg in NAMING)
        if any(is_text(value, name) for value in (*call.args[:1], *keywords)):
            return name_span(text, call)
    namesakes = (node for node in all_classes(text) if node.name.lower() == name)
    return next((name_span(text, node) for node in namesakes), None)


def _table(text: str, table: str) -> ast.Call | ast.ClassDef | None:
    """Return the table's call or class; a literal schema counts before an open one."""
    schema, _, name = table.rpartition(".")
    candidates: list[ast.Call | ast.ClassDef] = [
        call
        for call in calls(syntax_tree(text))
        if callee(call) == "Table" and is_text(_name_of(call), name)
    ]
    candidates += [
        node for node in all_classes(text) if is_text(_assigned(node, "__tablename__"), name)
    ]
    agreeing = [node for node in candidates if _schema(node) in (None, schema)]
    return max(agreeing, key=lambda node: _schema(node) == schema, default=None)


def _schema(node: ast.Call | ast.ClassDef) -> str | None:
    """Return the literal schema, None if there is none.

    The schema may be computed, or come from `MetaData(schema=…)`.
    """
    if isinstance(node, ast.Call):
        value = keyword(node, "schema")
    else:
        args = _assigned(node, "__table_args__")
        dicts = [part for part in ast.walk(args) if isinstance(part, ast.Dict)] if args else []
        pairs = (pair for part in dicts for pair in zip(part.keys, part.values, strict=True))
        value = next((value for key, value in pairs if is_text(key, "schema")), None)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _assigned(node: ast.ClassDef, attribute: str) -> ast.expr | None:
    for name, statement in members(node):
        if name == attribute and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return statement.value
    return None


def _columns(node: ast.AST) -> Iterator[ast.Call]:
    """Return calls that make a column: `Column`, `mapped_column`, a helper's `IdColumn`."""
    return (call for call in calls(node) if callee(call).lower().endswith("column"))


def _name_of(call: ast.Call) -> ast.expr | None:
    """Return the name in a `Table(…)` or `Column(…)` call, positional or by keyword."""
    first = call.args[0] if call.args else None
    return first if isinstance(first, ast.Constant) else keyword(call, "name")


def _arguments(text: str, qualname: str, table: str) -> Iterator[ast.Call]:
    """Yield the calls that may make a table's indexes and constraints."""
    short = qualname.rpartition(".")[2]
    for cls in classes(text, qualname):
        yield from calls(cls)
    if not qualname:
        node = _table(text, table)
        if node is not None:
            short = _variable(text, node)
            yield from calls(node)
    # `Index("ix", Game.host)` after the class; `games.c.host` after a `Table(…)`.
    for statement in syntax_tree(text).body:
        if short and isinstance(statement, (ast.Expr, ast.Assign)):
            yield from (call for call in calls(statement) if short in _mentions(call.args))


def _variable(text: str, node: ast.AST) -> str:
    """Return the module's name for a table: `games` of `games = Table(…)`."""
    names = (
        name
        for name, statement in members(syntax_tree(text))
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is node
    )
    return next(names, "")


def _carries(call: ast.Call, name: str) -> bool:
    # A naming convention puts more before the name: "positive" becomes "ck_games_positive".
    argument = keyword(call, "name")
    suffix = argument.value if isinstance(argument, ast.Constant) else None
    return name in strings(call) or (isinstance(suffix, str) and name.endswith(f"_{suffix}"))


def _covers(call: ast.Call, columns: Sequence[str]) -> bool:
    """Return whether an index or constraint has just these columns."""
    parts = list(call.args)
    if callee(call) == "Index":
        del parts[:1]
    elif callee(call) == "ForeignKeyConstraint":
        local = keyword(call, "columns") or next(iter(parts), None)
        parts = local.elts if isinstance(local, (ast.List, ast.Tuple)) else []
    return len(parts) == len(columns) and set(columns) <= _mentions(parts)


def _mentions(parts: Sequence[ast.expr]) -> set[str]:
    """Return all strings, names and attributes in expressions."""
    mentions = set()
    for node in (inner for part in parts for inner in ast.walk(part)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            mentions.add(node.value)
        elif isinstance(node, ast.Name):
            mentions.add(node.id)
        elif isinstance(node, ast.Attribute):
            mentions.add(node.attr)
    return mentions

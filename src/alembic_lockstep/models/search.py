"""Find a model's class, attribute, table, column, index or constraint in source text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from alembic_lockstep.models.source import (
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
    tree,
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
    """The name in the class's `class` line."""
    return next((name_span(text, node) for node in classes(text, qualname)), None)


def find_attribute(text: str, qualname: str, attribute: str) -> Span | None:
    """The attribute's name where the class's body assigns, annotates or defines it."""
    for node in classes(text, qualname):
        for name, statement in members(node):
            if name == attribute:
                return name_span(text, statement)
    return None


def find_table(text: str, table: str) -> Span | None:
    """The `Table("name", …)` call, or the class whose `__tablename__` is the name.

    `table` is a table key, "schema.name" or "name"; a schema that is literal has to agree.
    """
    node = _table(text, table)
    return name_span(text, node) if node is not None else None


def find_column(text: str, table: str, column: str) -> Span | None:
    """The column's name in the `Table(…)` call, or the attribute in the table's class."""
    node = _table(text, table)
    if isinstance(node, ast.Call):
        names = (_given_name(call) for call in _columns(node))
        return next((span(text, name) for name in names if name and is_text(name, column)), None)
    if node is None:
        return None
    # A name that is given to the column counts before the attribute's own.
    for _, statement in members(node):
        if any(is_text(_given_name(call), column) for call in _columns(statement)):
            return name_span(text, statement)
    return next((name_span(text, made) for name, made in members(node) if name == column), None)


def find_table_arg(
    text: str, qualname: str, names: Sequence[str], *, kind: str = "", table: str = ""
) -> Span | None:
    """The `Index(…)` or `…Constraint(…)` of a class, or of a `Table(…)` without a class.

    Args:
        names: The constraint's or index's name (may be empty), then its columns.
        kind: "index", "fk" or "constraint": what a match by columns alone must be.
        table: The table's key, where `qualname` is empty.
    """
    name, columns = names[0], names[1:]
    given = [call for call in _arguments(text, qualname, table) if callee(call) in CONSTRAINTS]
    if name:
        for call in given:
            if _carries(call, name):
                return name_span(text, call)
    for call in given:
        if columns and kind in ("", CONSTRAINTS[callee(call)]) and _covers(call, columns):
            return name_span(text, call)
    return None


def find_thing(text: str, name: str) -> Span | None:
    """The call that gives something the name, such as `Sequence("name")`, or the class of it.

    An `Enum` without a name is called by its class, in lower case.
    """
    for call in calls(tree(text)):
        given = [*call.args[:1], *(one.value for one in call.keywords if one.arg in NAMING)]
        if any(is_text(value, name) for value in given):
            return name_span(text, call)
    named = (node for node in all_classes(text) if node.name.lower() == name)
    return next((name_span(text, node) for node in named), None)


def _table(text: str, table: str) -> ast.Call | ast.ClassDef | None:
    """The table's call or class; one whose schema is literal before one that leaves it open."""
    schema, _, name = table.rpartition(".")
    found: list[ast.Call | ast.ClassDef] = [
        call
        for call in calls(tree(text))
        if callee(call) == "Table" and is_text(_given_name(call), name)
    ]
    found += [node for node in all_classes(text) if is_text(_assigned(node, "__tablename__"), name)]
    agreeing = [node for node in found if _schema(node) in (None, schema)]
    return max(agreeing, key=lambda node: _schema(node) == schema, default=None)


def _schema(node: ast.Call | ast.ClassDef) -> str | None:
    """The literal schema, "" when none is given; None when only the running code knows.

    A schema that is not given may still come from `MetaData(schema=…)`.
    """
    if isinstance(node, ast.Call):
        value = keyword(node, "schema")
    else:
        given = _assigned(node, "__table_args__")
        dicts = [part for part in ast.walk(given) if isinstance(part, ast.Dict)] if given else []
        pairs = (pair for part in dicts for pair in zip(part.keys, part.values, strict=True))
        value = next((value for key, value in pairs if is_text(key, "schema")), None)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _assigned(node: ast.ClassDef, attribute: str) -> ast.expr | None:
    for name, statement in members(node):
        if name == attribute and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return statement.value
    return None


def _columns(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that make a column: `Column`, `db.Column`, `mapped_column`, a helper's `IdColumn`."""
    return (call for call in calls(node) if callee(call).lower().endswith("column"))


def _given_name(call: ast.Call) -> ast.expr | None:
    """The name that a `Table(…)` or `Column(…)` call gives, by place or by keyword."""
    first = call.args[0] if call.args else None
    return first if isinstance(first, ast.Constant) else keyword(call, "name")


def _arguments(text: str, qualname: str, table: str) -> Iterator[ast.Call]:
    """Calls among which a table's indexes and constraints are."""
    short = qualname.rpartition(".")[2]
    for node in classes(text, qualname):
        yield from calls(node)
    if not qualname:
        named = _table(text, table)
        short = _variable(text, named)
        yield from calls(named) if named is not None else ()
    # `Index("ix", Game.host)` after the class; `games.c.host` after a `Table(…)`.
    for statement in tree(text).body:
        if short and isinstance(statement, (ast.Expr, ast.Assign)):
            yield from (call for call in calls(statement) if short in _mentions(call.args))


def _variable(text: str, node: ast.AST | None) -> str:
    """What the module calls the table: `games` of `games = Table(…)`."""
    found = (
        name
        for name, made in members(tree(text))
        if isinstance(made, (ast.Assign, ast.AnnAssign)) and made.value is node
    )
    return next(found, "") if node is not None else ""


def _carries(call: ast.Call, name: str) -> bool:
    # A naming convention puts more before the name: "positive" becomes "ck_games_positive".
    given = keyword(call, "name")
    suffix = given.value if isinstance(given, ast.Constant) else None
    return name in strings(call) or (isinstance(suffix, str) and name.endswith(f"_{suffix}"))


def _covers(call: ast.Call, columns: Sequence[str]) -> bool:
    """Whether an index or constraint is over just these columns."""
    parts = list(call.args)
    if callee(call) == "Index":
        del parts[:1]
    elif callee(call) == "ForeignKeyConstraint":
        local = keyword(call, "columns") or next(iter(parts), None)
        parts = local.elts if isinstance(local, (ast.List, ast.Tuple)) else []
    return len(parts) == len(columns) and set(columns) <= _mentions(parts)


def _mentions(parts: Sequence[ast.expr]) -> set[str]:
    """Every string, name and attribute in the expressions."""
    found = set()
    for node in (inner for part in parts for inner in ast.walk(part)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found

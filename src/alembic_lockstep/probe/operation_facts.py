"""Describe autogenerate's operations: kind, table, name, columns, text."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Set

from alembic.operations import ops
from sqlalchemy import Computed
from sqlalchemy.sql.elements import ClauseElement

from .filling import needs_value
from .foreign import describe_foreign

# The twin's names of constraints, by SQLAlchemy's, of which CHECK has three.
PARTS = {
    "check_constraint": "check",
    "column_check_constraint": "check",
    "table_or_column_check_constraint": "check",
    "exclude_constraint": "exclusion",
    "foreign_key_constraint": "foreign_key",
    "primary_key_constraint": "primary_key",
    "unique_constraint": "unique",
}

# The same by Alembic's names.
_PARTS_BY_TYPE = {
    "check": "check",
    "foreignkey": "foreign_key",
    "primary": "primary_key",
    "unique": "unique",
}


def facts_of(op: Any, default_schema: str) -> Iterator[Any]:
    """Yield kind and facts of one operation; several for an altered column."""
    if isinstance(op, ops.CreateTableOp):
        yield "add_table", {"text": f"table {op.table_name}"}
    elif isinstance(op, ops.DropTableOp):
        yield "remove_table", {"expected": "", "text": f"table {op.table_name}"}
    elif isinstance(op, ops.AddColumnOp):
        text = f"column {op.table_name}.{op.column.name}"
        facts = {"name": op.column.name, "text": text, "checked": _is_checked(op)}
        facts = {**facts, "recreates": _recreates_table(op), "fills": needs_value(op.column)}
        yield "add_column", facts
    elif isinstance(op, ops.DropColumnOp):
        text = f"column {op.table_name}.{op.column_name}"
        yield "remove_column", {"name": op.column_name, "expected": "", "text": text}
    elif isinstance(op, ops.AlterColumnOp):
        yield from _altered(op)
    elif isinstance(op, (ops.CreateIndexOp, ops.DropIndexOp)):
        index = op.to_index()
        parts: Any = index.expressions
        if isinstance(op, ops.DropIndexOp) and op._reverse is None:
            parts = [getattr(op, "column_name", None)]  # as GeoAlchemy2 has it; else Alembic's `x`
        added = isinstance(op, ops.CreateIndexOp)
        columns = filter(lambda part: part is not None, parts)
        yield _indexed("index", "index", op, added, columns, index.name)
    elif isinstance(op, (ops.CreateTableCommentOp, ops.DropTableCommentOp)):
        comment = getattr(op, "comment", None)
        text = f"comment of table {op.table_name}"
        yield "modify_table_comment", {"expected": comment or "", "text": text}
    elif isinstance(op, (ops.CreateForeignKeyOp, ops.DropConstraintOp, ops.AddConstraintOp)):
        yield _constrained(op)
    else:
        names = sorted(value for value in vars(op).values() if isinstance(value, str))
        yield "other", {**describe_foreign(op, default_schema), "names": names}


def _is_checked(op: ops.AddColumnOp) -> bool:
    """Return whether the type, or one that it wraps, adds a CHECK: `Enum`, `Boolean`."""
    kind: Any = op.column.type
    while kind is not None and not hasattr(kind, "create_constraint"):
        kind = getattr(kind, "impl", None)
    return bool(getattr(kind, "create_constraint", False))


def _recreates_table(op: ops.AddColumnOp) -> bool:
    """Return whether SQLite cannot add the column to an existing table as it is."""
    is_computed = isinstance(op.column.server_default, Computed)
    return is_computed or lacks_plain_addition(op) or needs_value(op.column)


def lacks_plain_addition(op: ops.AddColumnOp) -> bool:
    """Return whether SQLite's ADD COLUMN refuses the column's default, or leaves its CHECK out."""
    default: Any = op.column.server_default
    return isinstance(getattr(default, "arg", None), ClauseElement) or _is_checked(op)


def _altered(op: ops.AlterColumnOp) -> Iterator[Any]:
    column = f"column {op.table_name}.{op.column_name}"
    changes = {
        "modify_type": (op.modify_type is not None, f"type of {column}", repr(op.modify_type)),
        "modify_nullable": (
            op.modify_nullable is not None,
            f"nullable of {column}",
            repr(op.modify_nullable),
        ),
        "modify_default": (
            op.modify_server_default is not False,
            f"server default of {column}",
            str(getattr(op.modify_server_default, "arg", op.modify_server_default)),
        ),
        "modify_comment": (
            op.modify_comment is not False,
            f"comment of {column}",
            repr(op.modify_comment),
        ),
    }
    for kind, (changed, text, expected) in changes.items():
        if changed:
            fills = kind == "modify_nullable" and op.modify_nullable is False
            yield kind, {"name": op.column_name, "expected": expected, "text": text, "fills": fills}


def _indexed(part: str, noun: str, op: Any, added: bool, parts: Any, name: Any) -> Any:
    columns = [str(getattr(part, "name", part)) for part in parts]
    kind = f"{'add' if added else 'remove'}_{'constraint' if noun != 'index' else 'index'}"
    label = name or f"on {op.table_name} ({', '.join(columns)})"
    facts = {"part": part, "name": str(name or ""), "columns": columns, "text": f"{noun} {label}"}
    return kind, facts if added else {**facts, "expected": ""}


def _constrained(op: Any) -> Any:
    added = not isinstance(op, ops.DropConstraintOp)
    if not added and op._reverse is None:
        noun = {"foreignkey": "foreign key"}.get(op.constraint_type)
        text = f"{noun or 'constraint'} {op.constraint_name}"
        removal = {"name": str(op.constraint_name or ""), "expected": "", "text": text}
        removal["part"] = _PARTS_BY_TYPE.get(op.constraint_type, "constraint")
        return f"remove_{'fk' if noun else 'constraint'}", removal
    constraint = op.to_constraint()
    part = PARTS.get(constraint.__visit_name__, "constraint")
    if part != "foreign_key":
        noun = "constraint" if part == "constraint" else f"{part.replace('_', ' ')} constraint"
        columns = getattr(constraint, "columns", ())
        return _indexed(part, noun, op, added, columns, constraint.name)
    columns = [str(name) for name in constraint.column_keys]
    targets = ", ".join(element.target_fullname for element in constraint.elements)
    facts = {
        "part": part,
        "name": str(constraint.name or ""),
        "columns": columns,
        "text": f"foreign key {table_of(op, None)}.{', '.join(columns)} to {targets}",
    }
    return ("add_fk", facts) if added else ("remove_fk", {**facts, "expected": ""})


def table_of(op: Any, parent: Optional[ops.ModifyTableOps]) -> str:
    """Return the name of the table, with its schema, that an operation is about."""
    name = getattr(op, "table_name", None) or getattr(op, "source_table", None)
    name = name or (parent.table_name if parent is not None else "")
    schema = getattr(op, "schema", None) or (parent.schema if parent is not None else None)
    return f"{schema}.{name}" if schema else str(name)


def names_of(op: Any) -> Set[str]:
    """Return the names of tables, indexes and constraints that come or go with an operation.

    With their schema: PostgreSQL has a namespace in each, for tables as for indexes.
    """
    names = {getattr(op, "index_name", None) or getattr(op, "constraint_name", None)}
    if isinstance(op, (ops.CreateTableOp, ops.DropTableOp)):
        constraints = op.to_table().constraints
        names = {op.table_name, *(constraint.name for constraint in constraints)}
    schema = getattr(op, "schema", None) or ""
    return {f"{schema}.{name}" for name in names if name}


def target_of(op: Any) -> str:
    """Return the key of the table to which a dropped foreign key leads; empty for all else."""
    if not isinstance(op, ops.DropConstraintOp) or op._reverse is None:
        return ""
    elements = getattr(op.to_constraint(), "elements", ())
    return next((element.target_fullname.rpartition(".")[0] for element in elements), "")

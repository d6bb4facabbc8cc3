"""Make columns NOT NULL in steps that rows survive: nullable, a value for each row, NOT NULL."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import Any, List, Optional, Tuple, Union

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import sqla_compat
from sqlalchemy import JSON, Column, Enum, Integer, String, UniqueConstraint, literal, types
from sqlalchemy.dialects.mysql import LONGTEXT

from .narrowing import notes_on
from .twin.code import execute

CHOOSE = "  # choose the value for rows that exist"

# Neutral values by type, in SQL; the first type that fits counts.
_VALUES: Tuple[Tuple[str, str], ...] = (
    ("Integer", "0"),
    ("Numeric", "0"),
    ("DateTime", "CURRENT_TIMESTAMP"),
    ("Date", "CURRENT_DATE"),
    ("Time", "'00:00:00'"),
    ("JSON", "'{}'"),
    ("ARRAY", "'{}'"),
    ("LargeBinary", "''"),
    ("String", "''"),
)
_NO_UUID = "00000000-0000-0000-0000-000000000000"

#: An operation, or a line of code.
Step = Union[ops.MigrateOperation, str]


def needs_value(column: Column[Any]) -> bool:
    """Return whether rows that exist have no value for a new column, which is NOT NULL."""
    generated = column.computed is not None or getattr(column, "identity", None) is not None
    return not (column.nullable or generated or column.server_default or column.primary_key)


def steps_of(op: Any, context: AutogenContext) -> List[Step]:
    """Return the steps that do on a table with rows what an operation does on an empty one."""
    if isinstance(op, ops.AddColumnOp) and needs_value(op.column):
        return _steps_of_new(op, context)
    if not isinstance(op, ops.AlterColumnOp):
        return [op]
    op = _with_json_type(op, context)
    strict = _steps_of_altered(op, context) if op.modify_nullable is False else [op]
    return [*notes_on(op, context.dialect.name), *strict]


def _steps_of_new(op: ops.AddColumnOp, context: AutogenContext) -> List[Step]:
    column = op.column
    nullable = copy(op)
    nullable.column = sqla_compat._copy(column)
    nullable.column.nullable = True
    value = _value(column, context.dialect)
    fill = _filling(op.table_name, op.schema, column.name, value, context.dialect)
    strict = ops.AlterColumnOp(
        op.table_name,
        column.name,
        schema=op.schema,
        existing_type=column.type,
        existing_comment=column.comment,
        modify_nullable=False,
    )
    return [nullable, fill, strict]


def _steps_of_altered(op: ops.AlterColumnOp, context: AutogenContext) -> List[Step]:
    column = _column_of_models(op, context)
    if column is None or column.primary_key:
        return [op]
    default = _default(column, context.dialect)
    value = default or _value(column, context.dialect)
    fill = _filling(
        op.table_name, op.schema, op.column_name, value, context.dialect, filled=bool(default)
    )
    return [fill, op]


def _with_json_type(op: ops.AlterColumnOp, context: AutogenContext) -> ops.AlterColumnOp:
    """Return an operation on a JSON column of MariaDB with that type as the existing one.

    The server describes it as LONGTEXT; to alter it as such drops the CHECK `json_valid()`.
    """
    if op.modify_type is not None or not isinstance(op.existing_type, LONGTEXT):
        return op
    column = _column_of_models(op, context)
    if column is None or column.type.compile(context.dialect) != "JSON":
        return op
    whole = copy(op)
    whole.existing_type = JSON()
    return whole


def _column_of_models(op: ops.AlterColumnOp, context: AutogenContext) -> Optional[Column[Any]]:
    key = f"{op.schema}.{op.table_name}" if op.schema else op.table_name
    tables = context.table_key_to_table if context.metadata is not None else {}
    table = tables.get(key)
    return None if table is None else table.columns.get(op.column_name)


def _filling(
    table: str,
    schema: Optional[str],
    column: str,
    value: str,
    dialect: Any,
    *,
    filled: bool = False,
) -> str:
    """Return the line that gives all rows a value which have none.

    Args:
        filled: Whether the models say which one.
    """
    quote = dialect.identifier_preparer.quote
    name = f"{quote(schema)}.{quote(table)}" if schema else quote(table)
    assignment = f"SET {quote(column)} = {value} WHERE {quote(column)} IS NULL"
    line = execute(_single_percents(f"UPDATE {name} {assignment}", dialect))
    return line if filled else line + CHOOSE


def _default(column: Column[Any], dialect: Any) -> str:
    """Return the models' server default in SQL; empty without one that can be written."""
    argument: Any = getattr(column.server_default, "arg", None)
    if argument is None:
        return ""
    if isinstance(argument, str):
        return _literal(argument, String(), dialect)
    with suppress(Exception):  # of a construct that needs its statement
        return str(argument.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return ""


def _value(column: Column[Any], dialect: Any) -> str:
    """Return the SQL of a value that the column may have, for a person to choose another."""
    default: Any = column.default
    if default is not None and getattr(default, "is_scalar", False):
        with suppress(Exception):  # of a type that has no literals
            return _literal(default.arg, column.type, dialect)
    key = _key(column)
    for foreign in column.foreign_keys:
        with suppress(Exception):  # its table is not among the models
            return _target(column, foreign.column, dialect)
    if key is not None and _is_unique(column):
        kind = base_type(column.type, dialect)
        if isinstance(kind, Integer):
            return _quoted(key, dialect)
        if isinstance(kind, String) and not isinstance(kind, Enum):
            text = {"postgresql": "VARCHAR", "sqlite": "TEXT"}.get(dialect.name, "CHAR")
            return f"CAST({_quoted(key, dialect)} AS {text})"
    return _neutral(base_type(column.type, dialect), dialect)


def _target(column: Column[Any], target: Column[Any], dialect: Any) -> str:
    """Return a row to refer to: any, or itself."""
    if target.table is column.table:
        return _quoted(target, dialect)
    table = dialect.identifier_preparer.format_table(target.table)
    return f"(SELECT min({_quoted(target, dialect)}) FROM {table})"  # noqa: S608 - code to print


def _key(column: Column[Any]) -> Optional[Column[Any]]:
    keys = [*column.table.primary_key.columns] if column.table is not None else []
    return keys[0] if len(keys) == 1 and isinstance(keys[0].type, Integer) else None


def _is_unique(column: Column[Any]) -> bool:
    if column.unique:
        return True
    alone: List[Any] = [
        part
        for part in [*column.table.constraints, *column.table.indexes]
        if isinstance(part, UniqueConstraint) or getattr(part, "unique", False)
    ]
    return any([*part.columns] == [column] for part in alone)


def base_type(kind: Any, dialect: Any) -> Any:
    """Return the type of the database behind a decorator or a variant."""
    with suppress(Exception):  # of the project's own type
        return kind._unwrapped_dialect_impl(dialect)
    return kind


def _neutral(kind: Any, dialect: Any) -> str:
    if isinstance(kind, Enum) and kind.enums:
        return _literal(kind.enums[0], String(), dialect)
    if isinstance(kind, types.Boolean):
        return "false" if dialect.name == "postgresql" else "0"
    name_of_type = type(kind).__name__.upper()
    if "INTERVAL" in name_of_type:
        return "'0'"
    if "UUID" in name_of_type:
        native = dialect.name == "postgresql"
        return f"'{_NO_UUID if native else _NO_UUID.replace('-', '')}'"
    for name, value in _VALUES:
        if isinstance(kind, getattr(types, name)):
            return value
    return "NULL"


def _literal(value: Any, kind: Any, dialect: Any) -> str:
    bound = literal(value, kind)
    return str(bound.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _quoted(column: Column[Any], dialect: Any) -> str:
    return str(dialect.identifier_preparer.quote(column.name))


def _single_percents(sql: str, dialect: Any) -> str:
    doubles = getattr(dialect.identifier_preparer, "_double_percents", False)
    return sql.replace("%%", "%") if doubles else sql

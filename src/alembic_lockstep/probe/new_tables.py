"""Add to `op.create_table()` what Alembic leaves out when it renders it."""

from __future__ import annotations

from copy import copy
from typing import Any, Iterator, List, Set

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import sqla_compat
from sqlalchemy import CheckConstraint, Column, Sequence, schema
from sqlalchemy.dialects import postgresql

# SQLAlchemy 1.4 has neither it nor comments of constraints.
_SetComment: Any = getattr(schema, "SetConstraintComment", None)

# Of a sequence, with which it is none of SERIAL's.
_OPTIONS = ("minvalue", "maxvalue", "nominvalue", "nomaxvalue", "cycle", "cache", "order")


def complete_table(op: ops.CreateTableOp, context: AutogenContext) -> ops.CreateTableOp:
    """Return the operation with CHECKs and sequences of columns as Alembic renders them."""
    whole = copy(op)
    parts = [_counting_by_sequence(part, context) for part in op.columns]
    whole.columns = [*parts, *(check for part in op.columns for check in _checks_of_column(part))]
    return whole


def _checks_of_column(part: Any) -> Iterator[CheckConstraint]:
    for constraint in part.constraints if isinstance(part, Column) else ():
        is_own = not getattr(constraint, "_type_bound", False)
        if isinstance(constraint, CheckConstraint) and is_own:
            yield CheckConstraint(constraint.sqltext, name=constraint.name)


def _counting_by_sequence(part: Any, context: AutogenContext) -> Any:
    """Return the key column without autoincrement if a sequence of its own counts it."""
    dialect, sequence = context.migration_context.dialect, getattr(part, "default", None)
    if not isinstance(sequence, Sequence) or not dialect.supports_sequences or sequence.optional:
        return part
    if dialect.name == "postgresql" and _is_of_serial(part, sequence):
        return part
    column = sqla_compat._copy(part)
    column.autoincrement = False
    return column


def sequences_of_serials(op: ops.CreateTableOp, context: AutogenContext) -> List[str]:
    """Return the ends of the names of the sequences that the table's SERIALs own."""
    if context.migration_context.dialect.name != "postgresql":
        return []
    return [
        f"_{part.name}_seq"
        for part in op.columns
        if isinstance(part, Column) and isinstance(part.default, Sequence)
        if _is_of_serial(part, part.default)
    ]


def _is_of_serial(column: Any, sequence: Sequence) -> bool:
    """Tell whether a SERIAL column makes just that sequence, and owns it."""
    table = column.table
    return (
        sequence.name == f"{table.name}_{column.name}_seq"
        and sequence.schema == table.schema
        and column is table._autoincrement_column
        and all(getattr(sequence, option) in (None, 1) for option in ("start", "increment"))
        and not any(getattr(sequence, option) for option in _OPTIONS)
    )


def comments_of_constraints(op: ops.CreateTableOp, context: AutogenContext) -> List[str]:
    """Return the statements for comments on the table's constraints, which no renderer knows."""
    table = _table_of_models(op)
    if table is None or context.migration_context.dialect.name != "postgresql":
        return []
    commented = [
        constraint
        for constraint in table.constraints
        if getattr(constraint, "comment", None) and not getattr(constraint, "use_alter", False)
    ]
    # With the parameter style of its drivers it would double percent signs.
    dialect: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return sorted(str(_SetComment(constraint).compile(dialect=dialect)) for constraint in commented)


def unrendered_indexes(
    op: ops.CreateTableOp, rendered: Set[str], context: AutogenContext
) -> List[ops.CreateIndexOp]:
    """Return the table's indexes that autogenerate skips on SQLite: those on expressions.

    Args:
        rendered: The names of those that autogenerate has.
    """
    table = _table_of_models(op)
    if table is None or context.migration_context.dialect.name != "sqlite":
        return []
    missing = [index for index in table.indexes if str(index.name) not in rendered]
    missing.sort(key=lambda index: str(index.name))
    return [ops.CreateIndexOp.from_index(index) for index in missing]


def _table_of_models(op: ops.CreateTableOp) -> Any:
    metadata: Any = op._namespace_metadata
    key = f"{op.schema}.{op.table_name}" if op.schema else op.table_name
    return metadata.tables.get(key) if metadata is not None else None

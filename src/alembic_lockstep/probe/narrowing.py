"""Say which values a smaller type does not hold, before the code that changes a column to it."""

from __future__ import annotations

from typing import Any, Iterator, List

from alembic.operations import ops
from sqlalchemy import types

_FAIL = "make this fail, or are cut by MySQL without its strict mode"


def notes_on(op: ops.AlterColumnOp, dialect: str) -> List[str]:
    """Return lines of comment about values that are lost; SQLite keeps whatever a column holds."""
    old, new = op.existing_type, op.modify_type
    if dialect == "sqlite" or old is None or new is None:
        return []
    return [f"# {op.table_name}.{op.column_name}: {loss}" for loss in _losses(old, new)]


def _losses(old: Any, new: Any) -> Iterator[str]:
    if _is_text(old) and _is_text(new) and _length(new) < _length(old):
        yield f"values longer than {new.length} {_FAIL}"
    elif isinstance(old, types.Numeric) and isinstance(new, types.Integer):
        yield "this rounds values"
    elif _is_decimal(old) and _is_decimal(new):
        if new.scale is not None and (old.scale is None or old.scale > new.scale):
            yield f"this rounds values to {new.scale} decimals"
        if _digits(new) < _digits(old):
            yield f"larger values {_FAIL}"
    elif isinstance(old, types.Integer) and isinstance(new, types.Integer):
        if _size(new) < _size(old):
            yield f"larger values {_FAIL}"
    elif isinstance(old, types.DateTime) and isinstance(new, types.Date):
        yield "this cuts off the time of day"


def _is_text(kind: Any) -> bool:
    return isinstance(kind, types.String) and not isinstance(kind, types.Enum)


def _length(kind: Any) -> float:
    return kind.length or float("inf")


def _is_decimal(kind: Any) -> bool:
    return isinstance(kind, types.Numeric) and not isinstance(kind, types.Float)


def _digits(kind: Any) -> float:
    return float("inf") if kind.precision is None else kind.precision - (kind.scale or 0)


def _size(kind: Any) -> int:
    """Return 0 for a small integer, 1 for a usual one, 2 for a big one."""
    if isinstance(kind, types.SmallInteger) or "SMALL" in type(kind).__name__.upper():
        return 0
    return 2 if isinstance(kind, types.BigInteger) else 1

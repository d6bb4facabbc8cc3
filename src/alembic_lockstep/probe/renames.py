"""Find columns that go where one of the same type comes: they may be renamed ones."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any, Dict, List, Optional, Tuple

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Enum

from .filling import base_type

Pair = Tuple[ops.DropColumnOp, ops.AddColumnOp]

_MORE = ("unsigned", "timezone", "collation")
_CAST = re.compile(r"::[\w\s\"]+(?:\([\d, ]+\))?(?:\[\])?")


def possible_renames(table_ops: ops.ModifyTableOps, context: AutogenContext) -> List[Pair]:
    """Return pairs of a column that goes and one that comes, those with similar names first."""
    gone = [op for op in table_ops.ops if isinstance(op, ops.DropColumnOp) and _old(op) is not None]
    new = [op for op in table_ops.ops if isinstance(op, ops.AddColumnOp)]
    candidates = [(old, op) for old in gone for op in new if _fits(_old(old), op.column, context)]
    candidates.sort(key=lambda pair: -_likeness(pair[0].column_name, pair[1].column.name))
    pairs: List[Pair] = []
    for old, op in candidates:
        if all(old is not other and op is not another for other, another in pairs):
            pairs.append((old, op))
    return pairs


def steps_of_rename(pair: Pair) -> List[ops.AlterColumnOp]:
    """Return the operation that renames a column, and one for what else is different about it."""
    (drop, add), old = pair, _old(pair[0])
    new = add.column
    existing: Dict[str, Any] = {
        "schema": drop.schema,
        "existing_type": new.type,  # MariaDB describes JSON as LONGTEXT
        "existing_nullable": old.nullable,
        "existing_server_default": old.server_default or False,
        "existing_comment": old.comment,
    }
    rename = ops.AlterColumnOp(
        drop.table_name, drop.column_name, modify_name=str(new.name), **existing
    )
    changes: Dict[str, Any] = {}
    if bool(old.nullable) != bool(new.nullable):
        changes["modify_nullable"] = new.nullable
    if _default(old) != _default(new):
        changes["modify_server_default"] = new.server_default
        existing.pop("existing_server_default")
    if (old.comment or None) != (new.comment or None):
        changes["modify_comment"] = new.comment
    if not changes:
        return [rename]
    return [rename, ops.AlterColumnOp(drop.table_name, str(new.name), **existing, **changes)]


def with_new_name(code: List[str], name: str) -> List[str]:
    """Return the code of a rename with the new name, which older Alembic does not render."""
    if any("new_column_name=" in line for line in code):
        return code
    return [*code[:-1], f"{code[-1][:-1]}, new_column_name={name!r})"]


def _old(op: ops.DropColumnOp) -> Any:
    """Return the database's column; None where another package does not say it."""
    reverse: Any = getattr(op, "_reverse", None)
    return getattr(reverse, "column", None)


def _fits(old: Any, new: Any, context: AutogenContext) -> bool:
    if any(column.computed is not None or column.primary_key for column in (old, new)):
        return False
    if any(getattr(column, "identity", None) is not None for column in (old, new)):
        return False
    if context.migration_context.impl.compare_type(old, new):
        return False
    kinds = [base_type(column.type, context.dialect) for column in (old, new)]
    if any(isinstance(kind, Enum) for kind in kinds):  # labels in another order are no difference
        first, second = (kind.compile(dialect=context.dialect) for kind in kinds)
        return bool(first == second)
    return _options(kinds[0]) == _options(kinds[1])  # nor are these


def _options(kind: Any) -> Tuple[Any, ...]:
    return tuple(getattr(kind, name, None) or None for name in _MORE)


def _likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second).ratio()


def _default(column: Any) -> Optional[str]:
    argument = getattr(column.server_default, "arg", None)
    if argument is None:
        return None
    return _CAST.sub("", str(getattr(argument, "text", argument))).strip("()' ").lower()

"""Find the operations of a migration's `downgrade()`: the reverse of both comparisons, merged."""

from __future__ import annotations

import re
from typing import Any, List, Sequence

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import CheckConstraint, MetaData

from .database_facts import OperationFacts, TwinComparison
from .operations import flatten
from .twin.merge import merge
from .twin.rebuilds import with_rebuilds

_TYPES = {"remove_enum", "remove_domain"}
#: From this version on SQLite can drop a column.
_DROPS_COLUMNS = (3, 35)


def way_back(
    directives: Sequence[Any],
    context: AutogenContext,
    twin: TwinComparison,
    metadatas: Sequence[MetaData],
) -> List[OperationFacts]:
    """Return what makes the migrated database of the one that the models make.

    Args:
        directives: The `DowngradeOps` of autogenerate.
        twin: The twin's comparison, made both ways.
    """
    dropped = {op["name"] for op in twin["operations"] if op["kind"] in _TYPES}
    operations = [op for each in directives for op in flatten(each, context, dropped)]
    reverse = twin.get("way_back")
    if reverse is not None:
        operations = merge(operations, reverse, lambda _: True)
    assert context.connection is not None
    operations = with_rebuilds(operations, context.connection, metadatas)
    if (context.dialect.server_version_info or ()) < _DROPS_COLUMNS:
        return operations
    return [_dropped_plainly(op, operations, metadatas) for op in operations]


def _dropped_plainly(
    operation: OperationFacts, operations: Sequence[OperationFacts], metadatas: Sequence[MetaData]
) -> OperationFacts:
    """Return the drop of a column without making a table again to which rows refer.

    SQLite drops a column that no constraint, index or other column uses.
    """
    table, name = operation["table"], operation["name"]
    if operation["kind"] != "remove_column" or not operation.get("drops_referenced"):
        return operation
    peers = [each for each in operations if each["table"] == table]
    alone = all(each["kind"] == "remove_column" for each in peers if each.get("drops_referenced"))
    if not alone or any(_uses(metadata, table, name) for metadata in metadatas):
        return operation
    code = [f"op.drop_column({table!r}, {name!r})"]
    return {**operation, "code": code, "drops_referenced": False}


def _uses(metadata: MetaData, key: str, name: str) -> bool:
    """Return whether a table of the models uses a column, beside having it."""
    table = metadata.tables.get(key)
    if table is None or name not in table.columns:
        return False
    column: Any = table.columns[name]
    if column.primary_key or column.unique or column.foreign_keys or column.computed is not None:
        return True
    texts = [str(part.sqltext) for part in table.constraints if isinstance(part, CheckConstraint)]
    texts += [str(each.computed.sqltext) for each in table.columns if each.computed is not None]
    texts += [str(expression) for index in table.indexes for expression in index.expressions]
    texts += [str(index.dialect_options["sqlite"].get("where")) for index in table.indexes]
    within = any(
        each is column for part in table.constraints for each in getattr(part, "columns", ())
    )
    return within or any(re.search(rf"\b{re.escape(name)}\b", text) for text in texts)

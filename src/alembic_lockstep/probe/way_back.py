"""Find the operations of a migration's `downgrade()`: the reverse of both comparisons, merged."""

from __future__ import annotations

from typing import Any, List, Sequence

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import MetaData

from .database_facts import OperationFacts, TwinComparison
from .operations import flatten
from .twin.merge import merge
from .twin.rebuilds import with_rebuilds

_TYPES = {"remove_enum", "remove_domain"}


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
    return with_rebuilds(operations, context.connection, metadatas)

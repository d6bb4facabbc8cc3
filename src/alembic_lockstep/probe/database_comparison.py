"""Compare a migrated database with the models: autogenerate's operations and the twin's, merged."""

from __future__ import annotations

from typing import Any, List, Mapping

from alembic import util
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext

from .catalogue import catalogue
from .database_facts import DatabaseFacts, OperationFacts, TwinComparison
from .default_comparison import compare_by_autogenerate
from .operations import flatten
from .questions import NoMetadataError
from .redirect import Redirect
from .twin.autogenerate_filters import AutogenerateFilters
from .twin.merge import merge
from .twin.opinion import compare_with_twin
from .twin.rebuilds import with_rebuilds
from .way_back import way_back

# Options of `context.configure()` without which autogenerate does not compare something.
SWITCHES = ("compare_type", "compare_server_default")


def compare_database(
    context: MigrationContext,
    redirect: Redirect,
    *,
    number: int,
    cached: Mapping[str, TwinComparison],
    checkout: str,
    both_ways: bool,
) -> DatabaseFacts:
    """Compare the database of a context with the models of its options.

    Args:
        number: The number of the database in this run.
        cached: The twin's comparisons of earlier runs, by their `key`.
        both_ways: Whether to find the way back, too.

    Raises:
        NoMetadataError: env.py names no models.
    """
    metadatas = metadatas_of(context)
    if not metadatas:
        raise NoMetadataError
    script = compare_by_autogenerate(context)
    rendering = AutogenContext(context, autogenerate=True)
    # Operations that the project's hook takes away are no findings of the twin's either.
    has_hook = context.opts.get("process_revision_directives")
    unwanted = _flattened([script], rendering) if has_hook else []
    directives = _processed(context, script)
    operations = _flattened(directives, rendering)
    twin = compare_with_twin(context, metadatas, redirect, number, cached, both_ways=both_ways)
    include = AutogenerateFilters(rendering, metadatas).includes
    operations = merge(operations, twin, include, unwanted)
    assert context.connection is not None
    downgrades = [each for directive in directives for each in directive.downgrade_ops_list]
    return {
        "name": context.opts["upgrade_token"],
        "operations": with_rebuilds(operations, context.connection, metadatas),
        "way_back": way_back(downgrades, rendering, twin, metadatas) if both_ways else [],
        "twin": twin,
        "catalogue": catalogue(metadatas, checkout),
        "switched_off": [name for name in SWITCHES if not context.opts.get(name)],
    }


def metadatas_of(context: MigrationContext) -> List[Any]:
    """Return the metadatas that env.py passes as target_metadata."""
    return listed(context.opts.get("target_metadata"))


def listed(target: Any) -> List[Any]:
    """Return a target_metadata as a list."""
    if target is None:
        return []
    return list(target) if isinstance(target, (list, tuple)) else [target]


def _flattened(directives: List[Any], context: AutogenContext) -> List[OperationFacts]:
    upgrades = [upgrade for directive in directives for upgrade in directive.upgrade_ops_list]
    return [operation for upgrade in upgrades for operation in flatten(upgrade, context)]


def _processed(context: MigrationContext, script: Any) -> List[Any]:
    """Return what the project's `process_revision_directives` leaves of the comparison."""
    directives = [script]
    hook = context.opts.get("process_revision_directives")
    if hook:
        script.rev_id = util.rev_id()
        hook(context, context.get_current_heads(), directives)
    # A hook that is to write no empty migration empties the list; the schema differs all the same.
    return directives or [script]

"""The cache of a repository's runs: observations, verdicts and snapshots."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.observations import ObservationCache
from alembic_lockstep.cache.snapshots import SnapshotCache
from alembic_lockstep.cache.store import Cache
from alembic_lockstep.cache.tree_trace import Trace
from alembic_lockstep.cache.verdict_records import VerdictRecords
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.scratch import ScratchServers

# Reads that only a dry run does.
_ONLY_DRY_RUNS = ("copies", "existing", "searched", "imported", "outside", "texts", "settings")


@dataclass(frozen=True)
class RepositoryCache:
    """The cache entries of a repository for the same environment and settings as this run's.

    Attributes:
        context: How the run was started; its repository is without the objects of submodules.
        since: When this run began, in nanoseconds; files that changed later are not cached.
    """

    cache: Cache
    context: RunContext
    settings: Settings
    since: int = field(default_factory=time.time_ns)

    @cached_property
    def observations(self) -> ObservationCache:
        """Cached observations."""
        return ObservationCache(self.cache, self.context, self.settings)

    @cached_property
    def verdicts(self) -> VerdictRecords:
        """Cached verdicts."""
        return VerdictRecords.of(self.cache, self.context)

    def snapshots(self, servers: ScratchServers) -> SnapshotCache:
        """Return the cache of databases in which migrations have run."""
        return SnapshotCache(self.cache, self.context, self.settings, servers, self.since)

    def cached_tree(
        self,
        name: str,
        tree: Tree,
        host_reads: Collection[str],
        runs: Sequence[Observation],
        *,
        pins: bool,
    ) -> CachedTree:
        """Return a tree with the trace of all that was read of it.

        Args:
            name: The tree's id, without its submodules filled in.
            tree: The tree as it was read.
            host_reads: The paths that we ourselves read or looked for.
            runs: The dry runs.
            pins: Whether what follows from them depends on the versions that a file pins.
        """
        repository = self.context.repository
        reads = [*(run.reads for run in runs), _as_reads(host_reads, tree)]
        trace = Trace.of(reads, tree.files, repository.root, pins=pins)
        # A file that the commit adds lies on disk, but the base's runs could not read it.
        shown = repository.ignored_among(trace.ignored)
        trace = trace.without(trace.ignored.keys() - shown)
        return CachedTree(repository, name, {"trace": trace.stored})


def untraced_reasons(runs: Sequence[Observation]) -> tuple[str, ...]:
    """Return why the reads of dry runs are incomplete, for people; empty if they are complete."""
    return tuple(dict.fromkeys(reason for run in runs for reason in run.reads["untraced"]))


def _as_reads(paths: Collection[str], tree: Tree) -> dict[str, Any]:
    """Return the paths that we ourselves read or looked for, shaped as `Observation.reads`."""
    opened = [path for path in paths if path in tree.files]
    empty: dict[str, Any] = dict.fromkeys(_ONLY_DRY_RUNS, ())
    return {
        **empty,
        "listed": {},
        "functions": {},
        "opened": opened,
        "absent": set(paths) - set(opened),
    }

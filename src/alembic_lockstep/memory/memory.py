"""What gate runs of a repository leave for later ones."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alembic_lockstep.cache import Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.git.listing import ignored_among
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.memory.known import KnownTree
from alembic_lockstep.memory.observations import Observations
from alembic_lockstep.memory.snapshots import Snapshots
from alembic_lockstep.memory.trace import Trace
from alembic_lockstep.memory.verdicts import Verdicts

# What we ourselves do not do.
_NOTHING = ("copies", "searched", "imported", "outside", "texts")
# With this in a file that was read, docstrings count as code.
_READS_DOCSTRINGS = "__doc__|getdoc|attribute_docstrings"


@dataclass(frozen=True)
class Memory:
    """The memory of a repository, under the circumstances of this run.

    Attributes:
        context: How the run was started; its repository is without the objects of submodules.
        since: When this run began, in nanoseconds; what was changed later was perhaps not read.
    """

    cache: Cache
    context: RunContext
    settings: Settings
    since: int = field(default_factory=time.time_ns)

    @cached_property
    def observations(self) -> Observations:
        """What dry runs saw."""
        return Observations(self.cache, self.context, self.settings)

    @cached_property
    def verdicts(self) -> Verdicts:
        """Which trees passed."""
        return Verdicts(self.cache, self.context)

    def snapshots(self, servers: ScratchServers) -> Snapshots:
        """Databases in which migrations have run."""
        return Snapshots(self.cache, self.context, self.settings, servers, self.since)

    def known(
        self, name: str, tree: Tree, asked: Collection[str], runs: Sequence[Observation]
    ) -> KnownTree:
        """A tree with all that was read of it.

        Args:
            name: The tree's id, without its submodules filled in.
            tree: It, as it was read.
            asked: The paths that we ourselves looked for.
            runs: The dry runs.
        """
        repository = self.context.repository
        reads = [one.reads for one in runs]
        trace = Trace.of([*reads, _ours(asked, tree)], tree.files, repository.root)
        # A file that the commit adds lies on disk, but the base's runs could not see it.
        shown = ignored_among(repository, trace.ignored)
        trace = trace.without(trace.ignored.keys() - shown)
        reading = repository.grep(name, "-E", _READS_DOCSTRINGS, among="*.py")
        read = trace.opened.intersection(reading)
        counts = "docstrings" if read else "code"
        return KnownTree(repository, name, {"trace": trace.stored, "counts": counts})


def untraced(runs: Sequence[Observation]) -> tuple[str, ...]:
    """Why it is not known what dry runs read, in words for people; empty if it is."""
    reasons = (reason for one in runs for reason in one.reads["untraced"])
    return tuple(dict.fromkeys(reasons))


def _ours(asked: Collection[str], tree: Tree) -> dict[str, Any]:
    """What we looked for ourselves, told as dry runs tell it."""
    opened = [path for path in asked if path in tree.files]
    nothing: dict[str, Any] = dict.fromkeys(_NOTHING, ())
    return {**nothing, "listed": {}, "opened": opened, "absent": set(asked) - set(opened)}

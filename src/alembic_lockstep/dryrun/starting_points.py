"""Scratch databases in which a part of the history has run already: where a dry run may start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.dryrun.observation import Observation


@dataclass(frozen=True)
class Snapshot:
    """Databases that are kept, and what made them.

    Attributes:
        name: Its entry in the cache.
        applied: The revisions that have run, with their files' paths.
        files: The tree's files that made it, with their blobs.
        ignored: Ignored files that may have, and what they held.
        absent: Names that were looked for and not there.
        outside: Files outside the repository that may have, with their stamps.
        circumstances: See `Observation`.
        databases: From a target to the dialect and name of its database.
        inert: From paths of migrations to what `inert` says of them.
        taken: What its revisions imported and read, see `files_taken`; `data` is what they read.
        transcript: From its revisions to digests of what they sent to the database.
        reads: What was read while those revisions ran, in the format of `Observation.reads`.
    """

    name: str
    applied: Mapping[str, str]
    files: Mapping[str, str]
    ignored: Mapping[str, str]
    absent: Collection[str]
    outside: Mapping[str, str]
    circumstances: str
    databases: Mapping[str, tuple[str, str]]
    inert: Mapping[str, Mapping[str, Any]]
    taken: Collection[str]
    data: Collection[str]
    transcript: Mapping[str, str]
    reads: Mapping[str, Any]

    def inert_in(self, files: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
        """Return the migrations that need not be loaded from a tree with these files."""
        return {
            path: facts for path, facts in self.inert.items() if files.get(path) == self.files[path]
        }


class SnapshotStore:
    """Finds and keeps snapshots; this one none, so that each dry run starts from an empty database.

    A dry run comes to the same end whatever the store finds.
    """

    def find(self, env: EnvironmentAtTree, new: Collection[str]) -> Snapshot | None:
        """Return the snapshot that has most of a history.

        It has either none of the revisions that are `new` since the base, or all others.
        """

    def keep(
        self,
        env: EnvironmentAtTree,
        observation: Observation,
        scratch: dict[str, str],
        start: Snapshot | None,
    ) -> Snapshot | None:
        """Keep the databases of a run that came to its end; None if they cannot be kept.

        Args:
            scratch: From targets to the databases' URLs; those that are kept are taken out.
            start: The snapshot that they were copied from.
        """

    def forget(self, snapshot: Snapshot) -> None:
        """Do not offer a snapshot any more."""

    def twins(self, snapshot: Snapshot) -> Mapping[str, Any] | None:
        """Return what twin databases showed of a snapshot's databases, if any."""

    def keep_twins(self, snapshot: Snapshot, observation: Observation) -> None:
        """Keep what the twin databases of a run showed of the databases that a snapshot holds."""

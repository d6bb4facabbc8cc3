"""Scratch databases in which a part of the history has run already: where a dry run may start."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.trial_facts import TrialFacts


@dataclass(frozen=True)
class Snapshot:
    """Databases that outlive a run, and the files that made them.

    Attributes:
        name: Its entry in the cache.
        applied: The revisions that have run, with their files' paths.
        files: The tree's files that made it, with their blobs.
        ignored: Ignored files that may have been read, with digests of their content.
        absent: Names that were looked up and missing.
        outside: Files outside the repository that may have been read, with their stamps.
        circumstances: See `Observation`.
        databases: From a target to the dialect and name of its database.
        inert: Facts of migrations that need not be loaded, by path.
        taken: Files that its revisions imported or read, see `files_taken`.
        data: Those that they read.
        transcript: From its revisions to digests of the statements that they sent.
        reads: The files and values that were read while those revisions ran, in the format of
            `Observation.reads`.
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
    """A store without snapshots, so that each dry run starts from an empty database.

    A dry run has the same result whatever the store finds.
    """

    def find(
        self, env: EnvironmentAtTree, new: Collection[str], *, only_old: bool = False
    ) -> Snapshot | None:
        """Return the snapshot that has most of a history.

        It has either none of the revisions that are `new` since the base, or all others.

        Args:
            only_old: It has none of the new ones.
        """

    def keep(
        self,
        env: EnvironmentAtTree,
        observation: Observation,
        scratch: dict[str, str],
        start: Snapshot | None,
    ) -> Snapshot | None:
        """Make the databases of a successful run a snapshot; None if that is not possible.

        Args:
            scratch: From targets to the databases' URLs; stored databases are removed from it.
            start: The snapshot that they were copied from.
        """

    def keep_whole(
        self,
        env: EnvironmentAtTree,
        observation: Observation,
        scratch: dict[str, str],
        start: Snapshot | None,
        trial: Sequence[str] = (),
    ) -> None:
        """Make the databases of a whole history a snapshot, with the results of their twins.

        Args:
            trial: The key of the observation's trial on rows.
        """
        if observation.error:
            return
        if observation.revisions:
            start = self.keep(env, observation, scratch, start)
        if start:
            self.keep_twins(start, observation)
            if observation.trial:
                self.keep_trial(start, trial, observation.trial)

    def forget(self, snapshot: Snapshot) -> None:
        """Delete a snapshot's entry."""

    def twins(self, snapshot: Snapshot) -> Mapping[str, Any] | None:
        """Return the results of the twin databases for a snapshot, if any."""

    def trial(self, snapshot: Snapshot, key: Sequence[str]) -> TrialFacts:
        """Return the result of the trial on rows of a snapshot's revisions; empty if it has none.

        Args:
            key: The trial's, see `RowTrial`.
        """
        del snapshot, key
        return {}

    def keep_trial(self, snapshot: Snapshot, key: Sequence[str], facts: TrialFacts) -> None:
        """Store the result of a trial on rows with a snapshot."""

    def keep_twins(self, snapshot: Snapshot, observation: Observation) -> None:
        """Store the results of a run's twin databases with a snapshot."""

"""Retracing: the tree's history on a database that the base's migrations made.

Such a database has to come to the same end as a fresh one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.described_schema.database_content import (
    DatabaseContent,
    content_differences,
)
from alembic_lockstep.dryrun.changed_migrations import names_table
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.retraced import Retraced
from alembic_lockstep.dryrun.scratch_runner import Scratch, ScratchRunner
from alembic_lockstep.dryrun.starting_points import SnapshotStore
from alembic_lockstep.rows import StatementError

#: Runs some of a base's revisions, and returns the observation with the databases.
RunBase = Callable[[], tuple[Observation, Scratch]]


@dataclass
class Retracing:
    """One retracing.

    Attributes:
        texts: The migrations that differ; rows are compared in the tables that they name.
        result: What came out; filled by `run`.
    """

    scratch: ScratchRunner
    env: EnvironmentAtTree
    texts: Sequence[str]
    result: Retraced = field(default_factory=Retraced)

    def run(self, snapshots: SnapshotStore, run_base: RunBase) -> Observation:
        """Run the tree's history on an empty database, and on one of the base; compare both.

        The first has usually run: a snapshot has it.
        """
        observation, fresh = self._fresh(snapshots)
        if observation.error:
            return self._unjudged("the history does not run from empty", observation)
        observation, old = run_base()
        if observation.error:
            return self._unjudged("the base's history does not run", observation)
        observation = self.scratch.run(self.env, "tree", old, compare=False)
        if observation.error:
            if observation.phase != "upgrade":
                return self._unjudged("the project does not start", observation)
            self.result = Retraced(revision=observation.revision, error=observation.error)
            return observation
        try:
            self.result = Retraced(self._differences(old, fresh))
        except (ConnectionError, StatementError) as error:
            self.result = Retraced(note=f"the databases cannot be read ({error})")
        return observation

    def _fresh(self, snapshots: SnapshotStore) -> tuple[Observation, Scratch]:
        scratch: Scratch = {}
        start = snapshots.find(self.env, ())
        if start and set(start.applied) == self.env.history.ids:
            return Observation(), self.scratch.restore(start)
        observation = self.scratch.run_from(start, self.env, "tree", scratch, compare=False)
        return observation, scratch

    def _differences(self, old: Scratch, fresh: Scratch) -> tuple[str, ...]:
        def is_chosen(table: str) -> bool:
            return any(names_table(text, table) for text in self.texts)

        return tuple(
            words
            for target in old.keys() & fresh.keys()
            for words in content_differences(
                DatabaseContent.read(old[target], is_chosen),
                DatabaseContent.read(fresh[target], is_chosen),
            )
        )

    def _unjudged(self, why: str, observation: Observation) -> Observation:
        message = " ".join(str(observation.error["message"]).split())
        self.result = Retraced(note=f"{why} ({observation.error['type']}: {message})")
        return observation

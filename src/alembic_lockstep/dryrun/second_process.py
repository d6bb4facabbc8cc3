"""The second process of a replay, which runs the new revisions."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.inert_migrations import inert_migrations
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.scratch_runner import Scratch, ScratchRunner

if TYPE_CHECKING:
    from alembic_lockstep.dryrun.row_trial import RowTrial


class SecondProcess:
    """The run of new revisions in a process that starts before its databases are ready."""

    def __init__(
        self,
        runner: ScratchRunner,
        env: EnvironmentAtTree,
        new: Collection[str],
        role: str,
        trial: RowTrial | None,
    ) -> None:
        self._runner = runner
        self._env = env
        self._role = f"{role}-new"
        self._trial = trial
        revisions = env.history.revisions
        old = [revision.path for revision in revisions if revision.id not in new]
        self._inert = inert_migrations(env.tree, old)
        self._databases: Future[Scratch] = Future()
        self._thread = ThreadPoolExecutor(1)
        self._run: Future[tuple[Observation, Scratch]] | None = None

    def __enter__(self) -> SecondProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._databases.cancel()  # unless they are set
        if self._run and not self._run.done():
            self._runner.launcher.kill(self._env.environment, self._role)
        self._thread.shutdown()

    def start(self) -> None:
        """Start the process, unless it is started."""
        self._run = self._run or self._thread.submit(self._wait_and_run)

    def finish(self, databases: Scratch) -> tuple[Observation, Scratch]:
        """Set its databases; return its observation, and the databases with those it added."""
        self.start()
        assert self._run
        self._databases.set_result(databases)
        return self._run.result()

    def _wait_and_run(self) -> tuple[Observation, Scratch]:
        scratch: Scratch = {}

        def copy(target: str) -> str | None:
            return self._databases.result().get(target)

        observation = self._runner.run(
            self._env, self._role, scratch, copy, trial=self._trial, inert=self._inert
        )
        return observation, scratch

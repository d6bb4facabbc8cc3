"""Dry runs of a history: from empty databases, on the base's, or from the base's models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.inert_migrations import inert_migrations
from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.dependencies import (
    changed_files,
    common_revisions,
    data_read,
    files_taken,
    passes_engines_by,
)
from alembic_lockstep.dryrun.launcher import Launcher
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.scratch_runner import (
    Scratch,
    ScratchRunner,
    UnusableSnapshotError,
)
from alembic_lockstep.dryrun.starting_points import Snapshot, SnapshotStore
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch import ScratchServers

# With what may be a damaged snapshot; then without any.
ATTEMPTS = 3

# All of the history is there already.
_NOTHING_RAN = Observation(reads={"opened": (), "during": {"opened": (), "texts": ()}})


class _OutdatedError(Exception):
    """The base's revisions take something from the project that this commit changes."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files)


@dataclass
class DryRunner:
    """Makes dry runs of environments in trees of a repository.

    Attributes:
        snapshots: Where replays may start.
        replayed: The observations of this run, by environment and tree: the commits of a branch
            are each other's bases.
    """

    settings: Settings
    launcher: Launcher
    servers: ScratchServers
    snapshots: SnapshotStore = field(default_factory=SnapshotStore)
    replayed: dict[tuple[Environment, str], Observation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._scratch = ScratchRunner(self.settings, self.launcher, self.servers)

    def begin(self, env: EnvironmentAtTree) -> None:
        """Begin the checkout of a tree's environment, which `replay` will need."""
        if (env.environment, env.tree.sha) not in self.replayed:
            self.launcher.begin(env, "tree")

    def replay(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None = None, *, role: str
    ) -> Observation:
        """Upgrade an empty database (or one that the setting's SQL file fills) to the heads.

        What the base has runs first, or is there already in a snapshot. What is new runs by
        itself, on a copy, as it will on a database that is in use. Where old revisions take
        something from the project that this commit changes, such as the models for `create_all()`,
        they must still run in this tree; but the database is the one that they make in the base's.
        """
        observation = self.replayed.get((env.environment, env.tree.sha))
        if observation:
            self.launcher.note(env, observation)
            return observation
        observation = self._replay_anew(env, base, role)
        self.replayed[env.environment, env.tree.sha] = observation
        return observation

    def create(self, env: EnvironmentAtTree, scratch: Scratch, *, role: str) -> Observation:
        """Run `create_all` in empty databases, and stamp them with the tree's heads.

        Args:
            scratch: Filled with the databases' URLs.
        """

        def work() -> Observation:
            scratch.clear()
            observation = self._scratch.run(env, role, scratch, create=True)
            self.servers.pin(scratch.values())
            return observation

        return self._scratch.privileged(work)

    def upgrade(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree, scratch: Scratch, *, role: str
    ) -> Observation:
        """Run what is new on copies of databases that `create` filled from the base's models."""
        if self.settings.run and any(url.startswith("sqlite") for url in scratch.values()):
            raise CouldNotJudge(
                "a SQLite database that was filled behind the setting `run` does not outlive it, "
                "so the migrations cannot start from the base's models",
                fix=start_file_advice("sqlite"),
            )

        def work() -> Observation:
            copies = {target: self.servers.copy(url) for target, url in scratch.items()}
            return self._scratch.run(env, role, copies, applied=sorted(base.history.ids))

        return self._scratch.privileged(work, continues=True)

    def compare_models(
        self, migrations: EnvironmentAtTree, models: EnvironmentAtTree
    ) -> Observation:
        """Compare one tree's models with the database that another tree's migrations make."""

        def work() -> Observation:
            scratch: Scratch = {}
            observation = self._scratch.run_from(None, migrations, "tree", scratch, compare=False)
            if observation.error or self.settings.run:  # behind `run`, SQLite's file is gone now
                return observation
            return self._scratch.run(models, "base", scratch, upgrade=False)

        return self._scratch.privileged(work)

    def _replay_anew(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None, role: str
    ) -> Observation:
        old = common_revisions(env, base, self.launcher.repository) if base else frozenset()
        new = env.history.ids - old if old else frozenset()
        if self.settings.run:
            new = frozenset()  # behind `run`, SQLite's file is gone when the process is
        try:
            return self._attempt(lambda store: self._replay(env, base, new, role, store))
        except _OutdatedError as error:
            outdated = error.files
        assert base is not None
        observation = self._attempt(lambda store: self._replay_on_base(env, base, old, role, store))
        if observation.phase == "base":  # the tree's own is all that there is
            observation = self._attempt(lambda store: self._replay(env, None, new, role, store))
            return replace(observation, outdated=outdated)
        return replace(observation, outdated=outdated, is_on_base=True)

    def _attempt(self, replay: Callable[[SnapshotStore], Observation]) -> Observation:
        """Make a replay with snapshots as long as they are good, then without."""
        for _ in range(ATTEMPTS):
            try:
                return self._scratch.privileged(lambda: replay(self.snapshots))
            except UnusableSnapshotError as error:  # noqa: PERF203 - a retry
                self.snapshots.forget(error.snapshot)
        return self._scratch.privileged(lambda: replay(SnapshotStore()))

    def _replay(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        new: Collection[str],
        role: str,
        snapshots: SnapshotStore,
    ) -> Observation:
        """Run a tree's history in its own checkout.

        Args:
            base: Where to look whether what old revisions take is the same; None not to.

        Raises:
            _OutdatedError: it is not.
        """
        start = snapshots.find(env, new)
        if new and not (start and env.history.ids - set(new) <= set(start.applied)):
            return self._replay_in_two(env, base, new, role, start, snapshots)
        if start:
            self._check_dependencies(env, base, _NOTHING_RAN, start)
        is_whole = start is not None and set(start.applied) == env.history.ids
        twins = (snapshots.twins(start) if start and is_whole else None) or {}
        scratch: Scratch = {}
        observation = self._scratch.run_from(start, env, role, scratch, twins=twins)
        _keep(snapshots, env, observation, scratch, start)
        if not observation.error and not new:
            self._check_dependencies(env, base, observation, start)
        return observation

    def _replay_in_two(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        new: Collection[str],
        role: str,
        start: Snapshot | None,
        snapshots: SnapshotStore,
    ) -> Observation:
        """Run what the base has; then, in another process, what is new.

        The second process starts while the first one migrates, and waits for the databases.
        """
        self.launcher.start_early(env.environment, 2)
        second = _SecondProcess(self._scratch, env, new, role)
        scratch: Scratch = {}
        with second:
            first = self._scratch.run_from(
                start,
                env,
                role,
                scratch,
                # Not before: what the project writes when it starts is there now.
                connected=second.start,
                leave_out=sorted(new),
                compare=False,
            )
            if first.error:
                return first
            snapshot = snapshots.keep(env, first, scratch, start)
            self._check_dependencies(env, base, first, start)
            before = self._scratch.restore(snapshot) if snapshot else scratch
            observation, scratch = second.finish(before)
        is_started = observation.revisions or observation.phase not in {"start", "env"}
        if observation.error and not is_started:
            # Perhaps there cannot be two of this project at once.
            scratch = {} if snapshot else before
            observation = self._scratch.run_from(snapshot, env, role, scratch)
        elif snapshot and set(scratch) - set(before):
            raise UnusableSnapshotError(snapshot)
        if snapshot:  # without it nothing would say what made the second part's databases
            _keep(snapshots, env, observation, scratch, snapshot)
        return _concat(first, observation)

    def _check_dependencies(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        observation: Observation,
        start: Snapshot | None,
    ) -> None:
        """Raise `_OutdatedError` if the base's revisions may have done otherwise in the base.

        Args:
            observation: A run of this tree's revisions, on top of `start`.
        """
        if base is None:
            return
        trees = (env.tree, base.tree, self.launcher.repository)
        # No old revision takes anything from one that did not exist when it was written.
        revisions = env.history.revisions
        new = {revision.path for revision in revisions if revision.id not in base.history.ids}
        taken = {*files_taken(env, observation), *(start.taken if start else ())} - new
        changed = changed_files(taken, *trees)
        if not changed:
            return
        before = self.snapshots.find(base, ())
        data = {*data_read(env, observation), *(start.data if start else ())}
        if before and not changed_files(data, *trees) and not passes_engines_by(env, base, taken):
            sent = {**(start.transcript if start else {}), **observation.transcript}
            common = sent.keys() & base.history.ids
            if all(before.transcript.get(name) == sent[name] for name in common):
                return
        raise _OutdatedError(changed)

    def _replay_on_base(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree,
        old: Collection[str],
        role: str,
        snapshots: SnapshotStore,
    ) -> Observation:
        """Run what both trees have in the base's checkout, then the rest in this one's.

        Where the base fails, or its database is lost, that is what is returned, with the phase
        `base`.
        """
        scratch: Scratch = {}
        others = base.history.ids - set(old)
        start = snapshots.find(base, others)
        if start and set(start.applied) == set(old):
            first = Observation(remembered=tuple(start.applied), paths=start.applied)
            self.launcher.note(base, Observation(reads=start.reads))
        else:
            start = start if start and set(start.applied) < set(old) else None
            first = self._scratch.run_from(
                start, base, "base", scratch, leave_out=sorted(others), compare=False
            )
            is_lost = self.settings.run and _has_sqlite(first)  # with the process behind `run`
            if first.error or is_lost:
                return replace(first, phase="base")
            start = snapshots.keep(base, first, scratch, start)
        if start:
            scratch = self._scratch.restore(start)
        return _concat(first, self._scratch.run(env, role, scratch))


class _SecondProcess:
    """The run of what is new, in a process that is started before its databases are there."""

    def __init__(
        self, runner: ScratchRunner, env: EnvironmentAtTree, new: Collection[str], role: str
    ) -> None:
        self._runner = runner
        self._env = env
        self._role = f"{role}-new"
        revisions = env.history.revisions
        old = [revision.path for revision in revisions if revision.id not in new]
        self._inert = inert_migrations(env.tree, old)
        self._databases: Future[Scratch] = Future()
        self._thread = ThreadPoolExecutor(1)
        self._run: Future[tuple[Observation, Scratch]] | None = None

    def __enter__(self) -> None:
        self._thread.__enter__()

    def __exit__(self, *_: object) -> None:
        self._databases.cancel()  # if they are not there
        if self._run and not self._run.done():
            self._runner.launcher.kill(self._env.environment, self._role)
        self._thread.shutdown()

    def start(self) -> None:
        """Start the process, if it is not started yet."""
        self._run = self._run or self._thread.submit(self._wait_and_run)

    def finish(self, databases: Scratch) -> tuple[Observation, Scratch]:
        """Give it the databases; return what it saw, and the databases with those it added."""
        self.start()
        assert self._run
        self._databases.set_result(databases)
        return self._run.result()

    def _wait_and_run(self) -> tuple[Observation, Scratch]:
        scratch: Scratch = {}

        def copy(target: str) -> str | None:
            return self._databases.result().get(target)

        observation = self._runner.run(self._env, self._role, scratch, copy, inert=self._inert)
        return observation, scratch


def _keep(
    snapshots: SnapshotStore,
    env: EnvironmentAtTree,
    observation: Observation,
    scratch: Scratch,
    start: Snapshot | None,
) -> None:
    """Keep the databases of a whole history, and what their twins showed."""
    if observation.error:
        return
    if observation.revisions:
        start = snapshots.keep(env, observation, scratch, start)
    if start:
        snapshots.keep_twins(start, observation)


def _has_sqlite(observation: Observation) -> bool:
    return any(connection["dialect"] == "sqlite" for connection in observation.connections)


def _concat(first: Observation, then: Observation) -> Observation:
    """Merge two consecutive runs."""
    return replace(
        then,
        revisions=(*first.revisions, *then.revisions),
        paths={**first.paths, **then.paths},
        transcript={**first.transcript, **then.transcript},
        remembered=first.remembered,
    )

"""Dry runs of a history: from empty databases, on the base's, or from the base's models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.config import Settings
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.dependencies import common_revisions, outdated_files
from alembic_lockstep.dryrun.launcher import Launcher
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.process import Drafting
from alembic_lockstep.dryrun.retraced import Retraced
from alembic_lockstep.dryrun.scratch_runner import (
    Scratch,
    ScratchRunner,
    UnusableSnapshotError,
    read_sql,
)
from alembic_lockstep.dryrun.second_process import SecondProcess
from alembic_lockstep.dryrun.starting_points import Snapshot, SnapshotStore
from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch import ScratchServers

if TYPE_CHECKING:
    from alembic_lockstep.dryrun.row_trial import RowTrial

# Replays with snapshots, which may be damaged; then one without any.
ATTEMPTS = 3

NO_COMMON_REVISION = "no migration of the base is unchanged, so there is no table to put rows into"
FIRST_REVISION = "the base has no migrations, so there is no table to put rows into"
# The whole history has run in the snapshot.
_NOTHING_RAN = Observation(reads={"opened": (), "during": {"opened": (), "texts": ()}})


class _OutdatedError(Exception):
    """The base's revisions use files that this commit changes."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files)


@dataclass
class DryRunner:
    """Makes dry runs of environments in trees of a repository.

    Attributes:
        snapshots: The store of snapshots that replays may start from.
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

        The base's revisions run first, or have run in a snapshot. New ones run by themselves, on a
        copy, as on a database that is in use. Where old revisions use files that this commit
        changes, such as the models for `create_all()`, they must still run in this tree; but the
        database is the one that they make in the base's checkout.
        """
        observation = self._replayed_for(env, base)
        if observation:
            self.launcher.note(env, observation)
            return observation
        observation = self._replay_uncached(env, base, role)
        self.replayed[env.environment, env.tree.sha] = observation
        return observation

    def _replayed_for(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None
    ) -> Observation | None:
        """Return the observation of an earlier replay in this run, unless it tried less on rows."""
        observation = self.replayed.get((env.environment, env.tree.sha))
        if observation is None:
            return None
        new = self._new_revisions(env, base) if self.settings.rows else ()
        if not new or observation.error:
            return replace(observation, trial={})
        return observation if set(observation.trial.get("revisions", ())) == new else None

    def _new_revisions(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None
    ) -> frozenset[str]:
        """Return the ids of revisions that the base has not; none if it has none of the others."""
        old = common_revisions(env, base, self.launcher.repository) if base else frozenset()
        return env.history.ids - old if old else frozenset()

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
        """Run new revisions on copies of databases that `create` filled from the base's models."""
        if self.settings.run and any(url.startswith("sqlite") for url in scratch.values()):
            raise CouldNotJudge(
                "a SQLite database that was filled behind the setting `run` does not outlive it, "
                "so the migrations cannot start from the base's models",
                fix=start_file_advice("sqlite"),
            )

        trial = self._trial_of(env, env.history.ids - base.history.ids)

        def work() -> Observation:
            copies = {target: self.servers.copy(url) for target, url in scratch.items()}
            applied = sorted(base.history.ids)
            return self._scratch.run(env, role, copies, trial=trial, applied=applied)

        return self._scratch.privileged(work, continues=True)

    def write_draft(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        draft: Drafting,
        *,
        on_models: bool,
    ) -> Observation:
        """Have the project's Python write a migration on top of a tree's history.

        Args:
            on_models: Whether the base's models make the database that new revisions run in.
        """
        self.launcher.draft = draft
        try:
            if on_models and base is not None:
                scratch: Scratch = {}
                created = self.create(base, scratch, role="base")
                return created if created.error else self.upgrade(env, base, scratch, role="tree")
            return self._replay_uncached(env, base, "tree")
        finally:
            self.launcher.draft = None

    def compare_models(
        self, migrations: EnvironmentAtTree, models: EnvironmentAtTree
    ) -> Observation:
        """Compare one tree's models with the database of another tree's migrations."""

        def work() -> Observation:
            scratch: Scratch = {}
            observation = self._scratch.run_from(None, migrations, "tree", scratch, compare=False)
            if observation.error or self.settings.run:  # behind `run`, SQLite's file is gone now
                return observation
            return self._scratch.run(models, "base", scratch, upgrade=False)

        return self._scratch.privileged(work)

    def _replay_uncached(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None, role: str
    ) -> Observation:
        new = self._new_revisions(env, base)
        trial = self._trial_of(env, new)
        if self.settings.run:
            new = frozenset()  # behind `run`, SQLite's file is gone when the process is
        observation = self._replay_new(env, base, new, role, trial)
        if observation.trial or observation.error:
            return observation
        if trial:
            return replace(observation, trial=trial.without_run(observation))
        added = env.history.ids - base.history.ids if base else ()
        if self.settings.rows and base and added:
            # Without a trial there is no common revision.
            note = NO_COMMON_REVISION if base.history.ids else FIRST_REVISION
            untried: TrialFacts = {"revisions": sorted(added), "note": note}
            return replace(observation, trial=untried)
        return observation

    def _replay_new(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        new: Collection[str],
        role: str,
        trial: RowTrial | None,
    ) -> Observation:
        try:
            return self._attempt(lambda store: self._replay(env, base, new, role, store, trial))
        except _OutdatedError as error:
            outdated = error.files
        assert base is not None
        old = common_revisions(env, base, self.launcher.repository)
        observation = self._attempt(
            lambda store: self._replay_on_base(env, base, old, role, store, trial)
        )
        if observation.phase == "base":  # there is only the tree's own database
            observation = self._attempt(
                lambda store: self._replay(env, None, new, role, store, trial)
            )
            return replace(observation, outdated=outdated)
        return replace(observation, outdated=outdated, is_on_base=True)

    def _trial_of(self, env: EnvironmentAtTree, new: Collection[str]) -> RowTrial | None:
        """Return the trial of new revisions on rows; None without them, or if it is switched off.

        Raises:
            CouldNotJudge: the tree lacks the setting's file.
        """
        rows = self.settings.rows
        if not new or not rows or self.launcher.draft:
            return None
        sql = ""
        if isinstance(rows, str):
            sql = read_sql(env.tree, "rows", rows, self.launcher.repository)
        from alembic_lockstep.dryrun.row_trial import RowTrial  # and SQLAlchemy

        note = "the setting run keeps the databases out of reach" if self.settings.run else ""
        return RowTrial(self.servers, env, new, rows=("" if rows is True else rows, sql), note=note)

    def _attempt(self, replay: Callable[[SnapshotStore], Observation]) -> Observation:
        """Make a replay with snapshots; if some are unusable, without them."""
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
        trial: RowTrial | None,
    ) -> Observation:
        """Run a tree's history in its own checkout.

        Args:
            base: The tree to compare the files that old revisions use with; None not to compare.

        Raises:
            _OutdatedError: they differ.
        """
        start = snapshots.find(env, new)
        facts: TrialFacts = {}
        if start and trial and set(new) & set(start.applied):
            facts = snapshots.trial(start, trial.key)
            if not facts and not trial.is_given_up:
                start = snapshots.find(env, new, only_old=True)
        old = env.history.ids - set(new)
        if new and not (start and old <= set(start.applied)):
            return self._replay_in_two(env, base, new, role, start, snapshots, trial)
        if start:
            self._check_dependencies(env, base, _NOTHING_RAN, start)
        is_whole = start is not None and set(start.applied) == env.history.ids
        twins = (snapshots.twins(start) if start and is_whole else None) or {}
        scratch: Scratch = {}
        if trial:
            trial.snapshot = start
        is_tried = start is not None and set(start.applied) == old
        observation = self._scratch.run_from(
            start, env, role, scratch, trial=trial if is_tried else None, twins=twins
        )
        if facts and not observation.error:
            observation = replace(observation, trial=facts)
        snapshots.keep_whole(env, observation, scratch, start, trial.key if trial else ())
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
        trial: RowTrial | None,
    ) -> Observation:
        """Run the base's revisions, then the new ones in a second process.

        That process starts while the first one migrates, and waits for the databases.
        """
        self.launcher.start_early(env.environment, 2)
        scratch: Scratch = {}
        with SecondProcess(self._scratch, env, new, role, trial) as second:
            first = self._scratch.run_from(
                start,
                env,
                role,
                scratch,
                connected=second.start,  # not before: the project may write files when it starts
                leave_out=sorted(new),
                compare=False,
            )
            if first.error:
                return first
            snapshot = snapshots.keep(env, first, scratch, start)
            self._check_dependencies(env, base, first, start)
            before = self._scratch.restore(snapshot) if snapshot else scratch
            if trial:
                trial.snapshot = snapshot
            observation, scratch = second.finish(before)
        if _failed_at_start(observation):
            # Perhaps there cannot be two of this project at once.
            scratch = {} if snapshot else before
            observation = self._scratch.run_from(snapshot, env, role, scratch, trial=trial)
        elif snapshot and set(scratch) - set(before):
            raise UnusableSnapshotError(snapshot)
        if snapshot:  # without it nothing would say what made the second part's databases
            key = trial.key if trial else ()
            snapshots.keep_whole(env, observation, scratch, snapshot, key)
        return _concat(first, observation)

    def _check_dependencies(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree | None,
        observation: Observation,
        start: Snapshot | None,
    ) -> None:
        """Raise `_OutdatedError` if the base's revisions may have done otherwise in the base."""
        if base is None:
            return
        files = outdated_files(
            env,
            base,
            observation,
            start=start,
            snapshots=self.snapshots,
            repository=self.launcher.repository,
        )
        if files:
            raise _OutdatedError(files)

    def _replay_on_base(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree,
        old: Collection[str],
        role: str,
        snapshots: SnapshotStore,
        trial: RowTrial | None,
    ) -> Observation:
        """Run common revisions in the base's checkout, then the rest in the tree's.

        Where the base fails, or its database is lost, its observation is returned, with the phase
        `base`.
        """
        first, scratch, start = self._run_base(base, old, snapshots)
        is_lost = self.settings.run and _has_sqlite(first)  # with the process behind `run`
        if first.error or is_lost:
            return replace(first, phase="base")
        if trial:
            trial.snapshot = start
        return _concat(first, self._scratch.run(env, role, scratch, trial=trial))

    def _run_base(
        self, base: EnvironmentAtTree, old: Collection[str], snapshots: SnapshotStore
    ) -> tuple[Observation, Scratch, Snapshot | None]:
        """Run some of the base's revisions in the base's checkout, or restore their snapshot.

        Returns:
            The observation, the databases, and their snapshot if they were kept.
        """
        scratch: Scratch = {}
        others = base.history.ids - set(old)
        start = snapshots.find(base, others)
        if start and set(start.applied) == set(old):
            self.launcher.note(base, Observation(reads=start.reads))
            first = Observation(restored=tuple(start.applied), paths=start.applied)
            return first, self._scratch.restore(start), start
        start = start if start and set(start.applied) < set(old) else None
        first = self._scratch.run_from(
            start, base, "base", scratch, leave_out=sorted(others), compare=False
        )
        if first.error:
            return first, scratch, None
        start = snapshots.keep(base, first, scratch, start)
        return first, self._scratch.restore(start) if start else scratch, start

    def retrace(
        self,
        env: EnvironmentAtTree,
        base: EnvironmentAtTree,
        old: Collection[str],
        texts: Sequence[str],
    ) -> Retraced:
        """Have the tree's history take on a database that the base's revisions `old` made.

        Args:
            texts: The migrations that differ.
        """
        from alembic_lockstep.dryrun.retracing import Retracing  # and SQLAlchemy

        if self.settings.run:
            return Retraced(note="the setting run keeps the databases out of reach")
        debug(f"{env.environment.name}: retracing: the base's migrations, then this tree's history")
        retracing = Retracing(self._scratch, env, texts)

        def replay(snapshots: SnapshotStore) -> Observation:
            def run_base() -> tuple[Observation, Scratch]:
                observation, scratch, _ = self._run_base(base, old, snapshots)
                return observation, scratch

            return retracing.run(snapshots, run_base)

        self._attempt(replay)
        return retracing.result


def _failed_at_start(observation: Observation) -> bool:
    is_started = observation.revisions or observation.phase not in {"start", "env"}
    return bool(observation.error) and not is_started


def _has_sqlite(observation: Observation) -> bool:
    return any(connection["dialect"] == "sqlite" for connection in observation.connections)


def _concat(first: Observation, then: Observation) -> Observation:
    """Merge two consecutive runs."""
    return replace(
        then,
        revisions=(*first.revisions, *then.revisions),
        paths={**first.paths, **then.paths},
        transcript={**first.transcript, **then.transcript},
        restored=first.restored,
    )

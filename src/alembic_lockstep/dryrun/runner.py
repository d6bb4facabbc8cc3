"""Dry runs: what the scratch databases start from, and what is kept of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

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
from alembic_lockstep.dryrun.privileges import Privileges, lacked
from alembic_lockstep.dryrun.process import Ask
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.dryrun.start_file import start_file_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.history.inert import inert_migrations
from alembic_lockstep.memory.observations import Observations
from alembic_lockstep.memory.snapshots import Snapshot, Snapshots
from alembic_lockstep.sides import Side

# What the probe says if a snapshot is not what the project's env.py would have made.
STALE = "alembic-lockstep: the snapshot was made in other circumstances"

# Where the probe makes another database, of the models, for which a server takes its time.
TWINNED = {"postgresql", "mysql", "mariadb"}

# With what may be a damaged snapshot; then without any.
ATTEMPTS = 3

# All of the history is there already.
_NOTHING_RAN = Observation(reads={"opened": (), "during": {"opened": (), "texts": ()}})

# From targets to the URLs of their databases.
Scratch = dict[str, str]


class _DeniedError(Exception):
    """The project lacked a privilege, and has it from now on."""


class _OutdatedError(Exception):
    """The base's revisions take something from the project that this commit changes."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files)


class _UnusableError(Exception):
    """A snapshot is gone, damaged, or not what the project would make now."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot.name)
        self.snapshot = snapshot


@dataclass
class DryRunner:
    """Makes dry runs of an environment in trees of a repository.

    Attributes:
        observations, snapshots: What is remembered; None where nothing shall be.
        replayed: What was seen in this run, by environment and tree: the commits of a branch are
            each other's bases.
    """

    settings: Settings
    launcher: Launcher
    servers: ScratchServers
    observations: Observations | None
    snapshots: Snapshots | None
    replayed: dict[tuple[Environment, str], Observation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.launcher.waits = self.servers.waits
        self.launcher.mark = self.servers.mark
        self.launcher.is_shared = self.servers.is_shared
        self._privileges = Privileges(self.launcher.repository.private / "privileges.json")
        self.servers.needs = self._privileges.read()

    def replay(self, side: Side, base: Side | None = None, *, role: str) -> Observation:
        """Upgrade an empty database (or one that the setting's SQL file fills) to the heads.

        What the base has runs first, or is there already in a snapshot. What is new runs by
        itself, on a copy, as it will on a database that is in use. Where old revisions take
        something from the project that this commit changes, such as the models for `create_all()`,
        they must still run in this tree; but the database is the one that they make in the base's.
        """
        known = self.replayed.get((side.environment, side.tree.sha))
        if known:
            self.launcher.note(side, known)
            return known
        if role == "base":
            known = self.recall(side)
            if known:
                return known
        seen = self._replay_all(side, base, role)
        self.replayed[side.environment, side.tree.sha] = seen
        return seen

    def recall(self, *sides: Side, fails: bool = False) -> Observation | None:
        """Return what dry runs of these sides of an environment would see alike, if remembered.

        Args:
            fails: Whether to look for a history that does not replay, or for any other.
        """
        if self.observations is None or len({side.environment for side in sides}) > 1:
            return None
        interpreter = self.launcher.interpreter(sides[0].environment).path
        known = self.observations.recall(sides, interpreter, fails=fails)
        if known:
            self.launcher.note(sides[0], known)
        return known

    def _replay_all(self, side: Side, base: Side | None, role: str) -> Observation:
        old = common_revisions(side, base, self.launcher.repository) if base else frozenset()
        new = side.history.ids - old if old else frozenset()
        if self.settings.run:
            new = frozenset()  # behind `run`, SQLite's file is gone when the process is
        try:
            return self._attempt(lambda kept: self._replay(side, base, new, role, kept))
        except _OutdatedError as error:
            outdated = error.files
        assert base is not None
        seen = self._attempt(lambda kept: self._replay_on_base(side, base, old, role, kept))
        if seen.phase == "base":  # the tree's own is all that there is
            seen = self._attempt(lambda kept: self._replay(side, None, new, role, kept))
            return replace(seen, outdated=outdated)
        return replace(seen, outdated=outdated, is_on_base=True)

    def _attempt(self, replay: Callable[[Snapshots | None], Observation]) -> Observation:
        """Make a replay with snapshots as long as they are good, then without."""
        for _ in range(ATTEMPTS if self.snapshots else 0):
            assert self.snapshots is not None
            try:
                return self._privileged(lambda: replay(self.snapshots))
            except _UnusableError as error:
                self.snapshots.forget(error.snapshot)
        return self._privileged(lambda: replay(None))

    def _check_dependencies(
        self, side: Side, base: Side | None, seen: Observation, start: Snapshot | None
    ) -> None:
        """Raise `_OutdatedError` if the base's revisions may have done otherwise in the base.

        Args:
            seen: A run of this tree's revisions, on top of `start`.
        """
        if base is None:
            return
        trees = (side.tree, base.tree, self.launcher.repository)
        # No old revision takes anything from one that did not exist when it was written.
        new = {one.path for one in side.history.revisions if one.id not in base.history.ids}
        taken = {*files_taken(side, seen), *(start.taken if start else ())} - new
        changed = changed_files(taken, *trees)
        if not changed:
            return
        before = self.snapshots.find(base, ()) if self.snapshots else None
        data = {*data_read(side, seen), *(start.data if start else ())}
        if before and not changed_files(data, *trees) and not passes_engines_by(side, base, taken):
            sent = {**(start.transcript if start else {}), **seen.transcript}
            common = sent.keys() & base.history.ids
            if all(before.transcript.get(name) == sent[name] for name in common):
                return
        raise _OutdatedError(changed)

    def _replay_on_base(
        self, side: Side, base: Side, old: Collection[str], role: str, snapshots: Snapshots | None
    ) -> Observation:
        """Run what both trees have in the base's checkout, then the rest in this one's.

        Where the base fails, or its database is lost, that is what is returned, with the phase
        `base`.
        """
        scratch: Scratch = {}
        others = base.history.ids - set(old)
        start = snapshots.find(base, others) if snapshots else None
        if start and set(start.applied) == set(old):
            first = Observation(remembered=tuple(start.applied), paths=start.applied)
            self.launcher.note(base, Observation(reads=start.reads))
        else:
            start = start if start and set(start.applied) < set(old) else None
            request: dict[str, Any] = {"leave_out": sorted(others), "compare": False}
            first = self._go_on(base, "base", start, scratch, **request)
            is_lost = self.settings.run and _has_sqlite(first)  # with the process behind `run`
            if first.error or is_lost:
                return replace(first, phase="base")
            start = snapshots.keep(base, first, scratch, start) if snapshots else None
        if start:
            scratch = self._restored(start)
        return _both(first, self._run(side, role, scratch))

    def _privileged(self, work: Callable[[], Observation], *, goes_on: bool = False) -> Observation:
        """Do a replay's work, and do it again where the project lacked a privilege.

        Each time on servers that hold nothing of what earlier replays left there.

        Args:
            goes_on: The work needs what the replay before it made.
        """
        try:
            with self.servers.replay(goes_on=goes_on):
                return work()
        except _DeniedError:
            return self._privileged(work)  # what it made before it was refused goes first

    def create(self, side: Side, scratch: Scratch, *, role: str) -> Observation:
        """`create_all` in empty databases, stamped with the tree's heads; left in `scratch`."""

        def work() -> Observation:
            scratch.clear()
            seen = self._run(side, role, scratch, create=True)
            self.servers.pin(scratch.values())
            return seen

        return self._privileged(work)

    def upgrade(self, side: Side, base: Side, scratch: Scratch, *, role: str) -> Observation:
        """Run what is new on copies of databases that `create` filled from the base's models."""
        if self.settings.run and any(url.startswith("sqlite") for url in scratch.values()):
            raise CouldNotJudge(
                "a SQLite database that was filled behind the setting `run` does not outlive it, "
                "so the migrations cannot start from the base's models",
                fix=start_file_advice("sqlite"),
            )

        def work() -> Observation:
            copies = {target: self.servers.copy(url) for target, url in scratch.items()}
            return self._run(side, role, copies, applied=sorted(base.history.ids))

        return self._privileged(work, goes_on=True)

    def cross(self, migrations: Side, models: Side) -> Observation:
        """Compare the models of one side with the database that the other's migrations make."""
        return self._privileged(lambda: self._cross(migrations, models))

    def _cross(self, migrations: Side, models: Side) -> Observation:
        scratch: Scratch = {}
        seen = self._go_on(migrations, "tree", None, scratch, compare=False)
        if seen.error or self.settings.run:  # behind `run`, SQLite's file is gone now
            return seen
        return self._run(models, "base", scratch, upgrade=False)

    def _replay(
        self,
        side: Side,
        base: Side | None,
        new: Collection[str],
        role: str,
        snapshots: Snapshots | None,
    ) -> Observation:
        """Run a tree's history in its own checkout.

        Args:
            base: Where to look whether what old revisions take is the same; None not to.

        Raises:
            _OutdatedError: it is not.
        """
        scratch: Scratch = {}
        start = snapshots.find(side, new) if snapshots else None
        if new and not (start and side.history.ids - set(new) <= set(start.applied)):
            return self._replay_in_two(side, base, new, role, start, snapshots)
        if start:
            self._check_dependencies(side, base, _NOTHING_RAN, start)
        is_whole = start is not None and set(start.applied) == side.history.ids
        twins = snapshots.twins(start) if snapshots and start and is_whole else {}
        seen = self._go_on(side, role, start, scratch, twins=twins)
        if snapshots and not seen.error:
            kept = snapshots.keep(side, seen, scratch, start) if seen.revisions else start
            if kept:
                snapshots.keep_twins(kept, seen)
        if not seen.error and not new:
            self._check_dependencies(side, base, seen, start)
        return seen

    def _replay_in_two(
        self,
        side: Side,
        base: Side | None,
        new: Collection[str],
        role: str,
        start: Snapshot | None,
        snapshots: Snapshots | None,
    ) -> Observation:
        """What the base has; then, in another process, what is new.

        That one starts while the first one migrates, and waits for the databases.
        """
        self.launcher.start_early(side.environment, 2)
        ready: Future[Scratch] = Future()
        then: list[Future[tuple[Observation, Scratch]]] = []
        scratch: Scratch = {}
        with ThreadPoolExecutor(1) as thread:

            def start_other() -> None:
                # Not before: what the project writes when it starts is there now.
                if not then:
                    waiting = (side, new, f"{role}-new", ready)
                    then.append(thread.submit(self._wait_and_go_on, *waiting))

            try:
                request = {"leave_out": sorted(new), "compare": False}
                first = self._go_on(side, role, start, scratch, start_other, **request)
                if first.error:
                    return first
                kept = snapshots.keep(side, first, scratch, start) if snapshots else None
                self._check_dependencies(side, base, first, start)
                given = self._restored(kept) if kept else scratch
                start_other()
                ready.set_result(given)
                seen, scratch = then[0].result()
            finally:
                ready.cancel()  # if it is not set
                if then and not then[0].done():
                    self.launcher.kill(side.environment, f"{role}-new")
        if seen.error and seen.phase in {"start", "env"} and not seen.revisions:
            # Perhaps there cannot be two of this project at once.
            scratch = {} if kept else given
            seen = self._go_on(side, role, kept, scratch)
        elif kept and set(scratch) - set(given):
            raise _UnusableError(kept)
        # Without the first part's snapshot nobody would know what made the second's.
        if snapshots and kept and not seen.error:
            kept = snapshots.keep(side, seen, scratch, kept) if seen.revisions else kept
            if kept:
                snapshots.keep_twins(kept, seen)
        return _both(first, seen)

    def _wait_and_go_on(
        self, side: Side, new: Collection[str], role: str, ready: Future[Scratch]
    ) -> tuple[Observation, Scratch]:
        """One run in databases that are not there yet; with them come those that it added."""
        scratch: Scratch = {}
        old = [one.path for one in side.history.revisions if one.id not in new]
        inert = inert_migrations(side.tree, old)

        def copy(target: str) -> str | None:
            return ready.result().get(target)

        return self._run(side, role, scratch, copy, inert=inert), scratch

    def _restored(self, snapshot: Snapshot) -> Scratch:
        copies = {
            target: self.servers.restore(dialect, name)
            for target, (dialect, name) in snapshot.databases.items()
        }
        scratch = {target: url for target, url in copies.items() if url}
        if len(scratch) < len(copies):
            raise _UnusableError(snapshot)
        return scratch

    def _go_on(
        self,
        side: Side,
        role: str,
        start: Snapshot | None,
        scratch: Scratch,
        connected: Callable[[], None] = lambda: None,
        **request: Any,
    ) -> Observation:
        """One run, from a snapshot, or in what databases there are."""
        if start is None:
            sql = "" if scratch else self._start_sql(side.tree, role)
            return self._run(side, role, scratch, connected=connected, start_sql=sql, **request)
        # The copies are made while the project starts.
        with ThreadPoolExecutor() as threads:
            copies = {
                target: threads.submit(self.servers.restore, dialect, name)
                for target, (dialect, name) in start.databases.items()
            }
            request["expects"] = start.circumstances
            request["inert"] = inert = start.inert_in(side.tree.files)

            def copy(target: str) -> str | None:
                return copies[target].result() if target in copies else None

            seen = self._run(side, role, scratch, copy, connected, **request)
        is_whole = all(one.result() for one in copies.values())
        if STALE in seen.error.get("message", "") or not is_whole or set(scratch) - set(copies):
            raise _UnusableError(start)
        # The verdict is as good as what the revisions read that were not run again.
        reads = {**start.reads, "opened": [*start.reads["opened"], *inert]}
        self.launcher.note(side, Observation(reads=reads))
        return replace(seen, remembered=tuple(start.applied))

    def _run(
        self,
        side: Side,
        role: str,
        scratch: Scratch,
        copy: Callable[[str], str | None] = lambda _: None,
        connected: Callable[[], None] = lambda: None,
        **request: Any,
    ) -> Observation:
        """One run in the databases of `scratch`, to which it adds those that it asks for.

        Args:
            copy: Gives the URL of the database that a target starts from, if there is one.
            connected: Called when the project has been loaded and asks for a database.
        """
        given = dict(scratch)
        may_more: dict[str, bool] = {}

        def begin() -> Ask:
            scratch.clear()
            scratch.update(given)
            return connect

        def connect(dialect: str, place: str, target: str) -> str:
            if place != "scratch":
                return self.servers.create(dialect)
            connected()
            may_more.setdefault(dialect, self.servers.is_elevated(dialect))
            if target not in scratch:
                scratch[target] = copy(target) or self.servers.create(dialect)
            if dialect in TWINNED and request.get("compare", True) and not request.get("twins"):
                self.servers.prepare(dialect)
            return scratch[target]

        seen = self.launcher.run(side, role, begin, **request)
        self._give_what_was_lacking(seen, may_more)
        return seen

    def _give_what_was_lacking(self, seen: Observation, may_more: Mapping[str, bool]) -> None:
        """Have the run made again if more rights may help it.

        Args:
            may_more: By dialect, whether it had them already.
        """
        given = False
        for dialect, need in lacked(seen).items():
            if not may_more.get(dialect, True) and self.servers.elevate(dialect, need):
                self._privileges.remember(dialect, need)
                given = True
        if given:
            raise _DeniedError

    def _start_sql(self, tree: Tree, role: str) -> str:
        sql = "" if self.settings.start in {"replay", "base-models"} else self.settings.start
        if sql and role == "tree" and sql not in tree.files:
            is_here = (self.launcher.repository.root / sql).is_file()
            raise CouldNotJudge(
                f"the setting `start` names {sql}, which is not in the commit",
                fix=f"git add {shlex.quote(sql)}" if is_here else f"Write {sql}, or unset start.",
            )
        return (tree.read(sql) or "") if sql else ""


def _has_sqlite(seen: Observation) -> bool:
    return any(connection["dialect"] == "sqlite" for connection in seen.connections)


def _both(first: Observation, then: Observation) -> Observation:
    """Two runs, the second of which went on where the first had come to, as one."""
    return replace(
        then,
        revisions=(*first.revisions, *then.revisions),
        paths={**first.paths, **then.paths},
        transcript={**first.transcript, **then.transcript},
        remembered=first.remembered,
    )

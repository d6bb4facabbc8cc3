"""Dry runs: what the scratch databases start from, and what is kept of them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.launcher import Launcher
from alembic_lockstep.dryrun.process import Ask, Observation
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.memory.observations import Observations
from alembic_lockstep.memory.snapshots import Snapshot, Snapshots
from alembic_lockstep.sides import Side

# What the probe says if a snapshot is not what the project's env.py would have made.
STALE = "alembic-lockstep: the snapshot was made in other circumstances"

# With what may be a damaged snapshot; then without any.
ATTEMPTS = 3

# From targets to the URLs of their databases.
Scratch = dict[str, str]


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
    """

    settings: Settings
    launcher: Launcher
    servers: ScratchServers
    observations: Observations | None
    snapshots: Snapshots | None

    def replay(self, side: Side, base: Side | None = None, *, role: str) -> Observation:
        """Upgrade an empty database (or one that the setting's SQL file fills) to the heads.

        What the base has runs first, or is there already in a snapshot. What is new runs by
        itself, on a copy, as it will on a database that is in use.
        """
        if role == "base" and self.observations:
            interpreter = self.launcher.interpreter(side.environment).path
            known = self.observations.recall(side, interpreter)
            if known:
                self.launcher.seen.append(known)
                return known
        new = side.history.ids - base.history.ids if base else frozenset()
        if new == side.history.ids or self.settings.run:
            new = frozenset()  # behind `run`, SQLite's file is gone when the process is
        for _ in range(ATTEMPTS if self.snapshots else 0):
            assert self.snapshots is not None
            try:
                return self._replay(side, new, role, self.snapshots)
            except _UnusableError as error:
                self.snapshots.forget(error.snapshot)
        return self._replay(side, new, role, None)

    def create(self, side: Side, scratch: Scratch, *, role: str) -> Observation:
        """`create_all` in empty databases, stamped with the tree's heads; left in `scratch`."""
        return self._run(side, role, scratch, {}, create=True)

    def upgrade(self, side: Side, scratch: Scratch, *, role: str) -> Observation:
        """Run what is new on copies of databases that `create` filled."""
        if self.settings.run and any(url.startswith("sqlite") for url in scratch.values()):
            raise CouldNotJudge(
                "a SQLite database that was filled behind the setting `run` does not outlive it, "
                "so the migrations cannot start from the base's models",
                fix='Name an SQL file to start from: [tool.alembic-lockstep] start = "start.sql"',
            )
        copies = {target: self.servers.copy(url) for target, url in scratch.items()}
        return self._run(side, role, copies, {})

    def _replay(
        self, side: Side, new: Collection[str], role: str, snapshots: Snapshots | None
    ) -> Observation:
        scratch: Scratch = {}
        start = snapshots.find(side, new) if snapshots else None
        first = None
        if new and not (start and side.history.ids - set(new) <= set(start.applied)):
            first = self._go_on(side, role, start, scratch, leave_out=sorted(new), compare=False)
            if first.error:
                return first
            start = snapshots.keep(side, first, scratch, start) if snapshots else None
        seen = self._go_on(side, role, start, scratch)
        if snapshots and seen.revisions and not seen.error:
            snapshots.keep(side, seen, scratch, start)
        return seen if first is None else _both(first, seen)

    def _go_on(
        self, side: Side, role: str, start: Snapshot | None, scratch: Scratch, **request: Any
    ) -> Observation:
        """One run, from a snapshot, or in what databases there are."""
        if start is None:
            sql = "" if scratch else self._start_sql(side.tree, role)
            return self._run(side, role, scratch, {}, start_sql=sql, **request)
        # The copies are made while the project starts.
        with ThreadPoolExecutor() as threads:
            copies = {
                target: threads.submit(self.servers.restore, dialect, name)
                for target, (dialect, name) in start.databases.items()
            }
            request["expects"] = start.circumstances
            seen = self._run(side, role, scratch, copies, **request)
        is_whole = all(copy.result() for copy in copies.values())
        if STALE in seen.error.get("message", "") or not is_whole or set(scratch) - set(copies):
            raise _UnusableError(start)
        return replace(seen, remembered=tuple(start.applied))

    def _run(
        self,
        side: Side,
        role: str,
        scratch: Scratch,
        copies: Mapping[str, Future[str | None]],
        **request: Any,
    ) -> Observation:
        """One run in the databases of `scratch`, to which it adds those that it asks for."""
        given = dict(scratch)

        def begin() -> Ask:
            scratch.clear()
            scratch.update(given)
            return connect

        def connect(dialect: str, place: str, target: str) -> str:
            if place != "scratch":
                return self.servers.create(dialect)
            if target not in scratch:
                copy = copies[target].result() if target in copies else None
                scratch[target] = copy or self.servers.create(dialect)
            return scratch[target]

        return self.launcher.run(side, role, begin, **request)

    def _start_sql(self, tree: Tree, role: str) -> str:
        sql = "" if self.settings.start in {"replay", "base-models"} else self.settings.start
        if sql and role == "tree" and sql not in tree.files:
            raise CouldNotJudge(
                f"the setting `start` names {sql}, which is not in the commit",
                fix=f"git add {shlex.quote(sql)}",
            )
        return (tree.read(sql) or "") if sql else ""


def _both(first: Observation, then: Observation) -> Observation:
    """Two runs, the second of which went on where the first had come to, as one."""
    return replace(
        then,
        revisions=(*first.revisions, *then.revisions),
        paths={**first.paths, **then.paths},
        remembered=first.remembered,
    )

"""Run the project in scratch databases, with the rights that it needs there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic_lockstep.advice.lacks import is_name_taken
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.config import Settings
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.launcher import Launcher
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.privileges import Privileges, missing_privileges
from alembic_lockstep.dryrun.process import Ask, TrialBrokenError
from alembic_lockstep.dryrun.starting_points import Snapshot
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.probe.protocol import ROWS, SCRATCH, UNFILLED, RunOptions
from alembic_lockstep.scratch import ScratchServers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from alembic_lockstep.dryrun.row_trial import RowTrial

# Dialects with twin databases, which a server makes slowly.
TWINNED = {"postgresql", "mysql", "mariadb"}

# From targets to the URLs of their databases.
Scratch = dict[str, str]


class UnusableSnapshotError(Exception):
    """A snapshot is missing or damaged, or the project would make another database now."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot.name)
        self.snapshot = snapshot


class _AgainError(Exception):
    """The work has to be done again, as something that it lacked or did is otherwise now."""


@dataclass
class ScratchRunner:
    """Runs the project in scratch databases."""

    settings: Settings
    launcher: Launcher
    servers: ScratchServers

    def __post_init__(self) -> None:
        self.launcher.waits = self.servers.waits
        self.launcher.mark = self.servers.mark
        self.launcher.is_shared = self.servers.is_shared
        self._privileges = Privileges(self.launcher.repository.private / "privileges.json")
        self.servers.needs = self._privileges.read()

    def privileged(
        self, work: Callable[[], Observation], *, continues: bool = False, alone: bool = False
    ) -> Observation:
        """Do a replay's work, and do it again where the project lacked a privilege.

        The same where a trial on rows ended the project's Python, then without the trial.

        The servers are cleaned of what earlier replays left before each time. Where the replay of
        another environment has just made a role of the same name, the work is done again, alone.

        Args:
            continues: The work needs what the last replay made.
            alone: No other replay may run meanwhile.
        """
        try:
            with self.servers.replay(goes_on=continues, alone=alone) as replay:
                observation = work()
        except _AgainError:
            # This also removes what it made before it was refused.
            return self.privileged(work, alone=alone)
        if replay.is_crowded and is_name_taken(observation):
            return self.privileged(work, alone=True)
        return observation

    def restore(self, snapshot: Snapshot) -> Scratch:
        """Copy the databases of a snapshot.

        Raises:
            UnusableSnapshotError: one of them is missing.
        """
        copies = {
            target: self.servers.restore(dialect, name)
            for target, (dialect, name) in snapshot.databases.items()
        }
        scratch = {target: url for target, url in copies.items() if url}
        if len(scratch) < len(copies):
            raise UnusableSnapshotError(snapshot)
        return scratch

    def run_from(
        self,
        start: Snapshot | None,
        env: EnvironmentAtTree,
        role: str,
        scratch: Scratch,
        *,
        connected: Callable[[], None] = lambda: None,
        trial: RowTrial | None = None,
        **options: Unpack[RunOptions],
    ) -> Observation:
        """Run from copies of a snapshot, or in the databases of `scratch`; see `run`.

        Raises:
            UnusableSnapshotError: the snapshot does not fit the project.
        """
        if start is None:
            sql = "" if scratch else self._start_sql(env.tree, role)
            options = {"start_sql": sql, **options}
            return self.run(env, role, scratch, connected=connected, trial=trial, **options)
        # The copies are made while the project starts.
        with ThreadPoolExecutor() as threads:
            copies = {
                target: threads.submit(self.servers.restore, dialect, name)
                for target, (dialect, name) in start.databases.items()
            }
            options["expects"] = start.circumstances
            options["inert"] = inert = start.inert_in(env.tree.files)

            def copy(target: str) -> str | None:
                return copies[target].result() if target in copies else None

            observation = self.run(env, role, scratch, copy, connected, trial, **options)
        is_whole = all(copied.result() for copied in copies.values())
        if observation.is_stale or not is_whole or set(scratch) - set(copies):
            raise UnusableSnapshotError(start)
        # The verdict also depends on the reads of the revisions that the snapshot has.
        reads = {**start.reads, "opened": [*start.reads["opened"], *inert]}
        self.launcher.note(env, Observation(reads=reads))
        return replace(observation, restored=tuple(start.applied))

    def run(
        self,
        env: EnvironmentAtTree,
        role: str,
        scratch: Scratch,
        copy: Callable[[str], str | None] = lambda _: None,
        connected: Callable[[], None] = lambda: None,
        trial: RowTrial | None = None,
        **options: Unpack[RunOptions],
    ) -> Observation:
        """Run in the databases of `scratch`; those that the project needs besides are added.

        Args:
            copy: Returns the URL of the database that a target starts from; None for an empty one.
            connected: Called when the project has been loaded and connects to a database.
            trial: The trial on rows of the revisions that will run; its facts are added.
        """
        if trial:
            options["phases"] = trial.phases
        at_start = dict(scratch)
        was_elevated: dict[str, bool] = {}

        def begin() -> Ask:
            scratch.clear()
            scratch.update(at_start)
            if trial:
                trial.begin()
            return connect

        def connect(dialect: str, purpose: str, target: str) -> str:
            if trial and purpose in (ROWS, UNFILLED):
                return trial.url(purpose, dialect, target)
            if purpose != SCRATCH:
                return self.servers.create(dialect)
            connected()
            was_elevated.setdefault(dialect, self.servers.is_elevated(dialect))
            if target not in scratch:
                scratch[target] = copy(target) or self.servers.create(dialect)
            if trial:
                trial.keep(target, scratch[target])
            if dialect in TWINNED and options.get("compare", True) and not options.get("twins"):
                self.servers.prepare(dialect)
            return scratch[target]

        if trial is None:
            observation = self.launcher.run(env, role, begin, **options)
        else:
            observation = self._run_with_trial(env, role, begin, trial, **options)
        self._grant_missing_privileges(observation, was_elevated)
        return observation

    def _run_with_trial(
        self,
        env: EnvironmentAtTree,
        role: str,
        begin: Callable[[], Ask],
        trial: RowTrial,
        **options: Unpack[RunOptions],
    ) -> Observation:
        try:
            observation = self.launcher.run(env, role, begin, trial.is_ready_for, **options)
        except TrialBrokenError as error:
            trial.give_up(str(error))
            raise _AgainError from None
        finally:
            trial.settle()
        if observation.error or not observation.revisions:
            return replace(observation, trial={})
        facts = trial.facts(observation)
        debug(f"{env.environment.name}: trial on rows: {json.dumps(facts, sort_keys=True)}")
        return replace(observation, trial=facts)

    def _grant_missing_privileges(
        self, observation: Observation, was_elevated: Mapping[str, bool]
    ) -> None:
        """Give the project missing rights and raise `_AgainError`, so that it runs again.

        Args:
            was_elevated: By dialect, whether it had more rights in this run.
        """
        is_granted = False
        for dialect, need in missing_privileges(observation).items():
            if not was_elevated.get(dialect, True) and self.servers.elevate(dialect, need):
                self._privileges.store(dialect, need)
                is_granted = True
        if is_granted:
            raise _AgainError

    def _start_sql(self, tree: Tree, role: str) -> str:
        path = "" if self.settings.start in {"replay", "base-models"} else self.settings.start
        if path and role == "tree":
            return read_sql(tree, "start", path, self.launcher.repository)
        return (tree.read(path) or "") if path else ""


def read_sql(tree: Tree, setting: str, path: str, repository: Repository) -> str:
    """Return the text of the SQL file that a setting names.

    Raises:
        CouldNotJudge: the tree lacks it.
    """
    if path not in tree.files:
        is_here = (repository.root / path).is_file()
        raise CouldNotJudge(
            f"the setting `{setting}` names {path}, which is not in the commit",
            fix=add_command([path]) if is_here else f"Write {path}, or unset {setting}.",
        )
    return tree.read(path) or ""

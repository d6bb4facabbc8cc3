"""Start the project's processes: with which Python, in which checkout, with which options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from alembic_lockstep.advice.compose import with_address
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.config import Settings
from alembic_lockstep.debug import debug, timed
from alembic_lockstep.dryrun.access import AccessTimes, complete
from alembic_lockstep.dryrun.checkouts import Checkouts
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.policy import policy_for, work_folder
from alembic_lockstep.dryrun.probe_process import Probe
from alembic_lockstep.dryrun.process import Ask, Drafting, Run, observe
from alembic_lockstep.dryrun.workarounds import Workarounds
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.deletion import empty
from alembic_lockstep.git.listing import list_worktrees
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.interpreters.candidates import Candidate
from alembic_lockstep.interpreters.choice import choose_interpreter
from alembic_lockstep.interpreters.environ import outer_environ, project_environ
from alembic_lockstep.isolation.addresses import allowed_addresses
from alembic_lockstep.isolation.cell import Policy
from alembic_lockstep.probe.protocol import Folders, RunOptions, RunRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack

Progress = Callable[[str, int, int], None]


@dataclass
class Launcher:
    """Starts the project's Python in checkouts of trees, for several environments concurrently.

    Attributes:
        slot: This run's folder, for checkouts, scratch databases and temporary files.
        progress: Called before each revision; see `Run`.
        early: Processes that wait for a request.
        threads: The threads in which checkouts are begun; their owner waits for their end.
        noted: All observations in order, each with its environment's name.
        waits, mark, is_shared: See `Run`.
        draft: The migration that the next runs of a tree write; None to write none.
    """

    repository: Repository
    settings: Settings
    environ: Mapping[str, str]
    slot: Path
    progress: Progress
    early: EarlyProbes
    threads: Executor
    noted: list[tuple[str, Observation]] = field(default_factory=list)
    waits: Callable[[], Sequence[str]] = tuple
    mark: Callable[[str], str] = lambda _: ""
    is_shared: Callable[[str], bool] = lambda _: False
    draft: Drafting | None = None
    _interpreters: dict[str, Candidate] = field(default_factory=dict)
    _workarounds: Workarounds = field(default_factory=Workarounds)
    _probes: list[Probe] = field(default_factory=list)
    _running: dict[Path, Probe] = field(default_factory=dict)
    _is_stopped: bool = False
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self._checkouts = Checkouts(self.repository, self.slot, self.threads)

    def begin(self, env: EnvironmentAtTree, role: str) -> None:
        """Begin the checkout and start the project's Python."""
        self._checkouts.begin(env.environment, role, env.tree.sha)
        self.start_early(env.environment, 1)

    def start_early(self, environment: Environment, processes: int) -> None:
        """Start the project's Python in `processes`, which import libraries until they are used."""
        if self._may_begin:
            with suppress(CouldNotJudge):  # raised when it is needed
                self.early.start(self.interpreter(environment).path, self._policy, processes)

    @cached_property
    def _policy(self) -> Policy:
        return policy_for(self.slot, self.settings)

    @cached_property
    def _allowed(self) -> tuple[str, ...]:
        return tuple(allowed_addresses(self.settings.allow_connect))

    @property
    def _may_begin(self) -> bool:
        """Return whether Python may start early: not with settings that come with the request."""
        return not (self.settings.run or self.settings.env)

    def stop(self) -> None:
        """Kill all processes, also those of other threads and those that start later."""
        with self._lock:
            self._is_stopped = True
            for probe in self._probes:
                if probe.process.returncode is None:  # else its number may be another's by now
                    probe.kill()

    def kill(self, environment: Environment, role: str) -> None:
        """Kill the process that another thread waits for, if there is one."""
        with self._lock:
            probe = self._running.get(self._checkouts.folder(environment, role))
            if probe and probe.process.returncode is None:
                probe.kill()

    def run(
        self,
        env: EnvironmentAtTree,
        role: str,
        connect: Callable[[], Ask],
        is_ready: Callable[[str], bool] = lambda _: False,
        **options: Unpack[RunOptions],
    ) -> Observation:
        """Make a dry run, and another one if its failure shows which option is missing.

        Args:
            role: `tree` or `base`, or another run in them; each has its checkout.
            connect: Returns the function that answers a process's connections.
            is_ready: See `Run`.
        """
        environment, tree = env.environment, env.tree
        if self.draft and role != "base" and options.get("compare", True):
            options = {**options, "draft": self.draft.request, "twins": {}}
        checkout = self._checkouts.check_out(environment, role, tree.sha)
        observation = self._observe(environment, checkout, connect(), is_ready, options)
        self.note(env, observation)
        if self._workarounds.learn(observation, environment, tree):
            return self.run(env, role, connect, is_ready, **options)
        if observation.error.get("type") == "ModuleNotFoundError":
            # Perhaps the wrong interpreter: the next run searches for another one.
            self._interpreter_cache.unlink(missing_ok=True)
        return observation

    def note(self, env: EnvironmentAtTree, observation: Observation) -> None:
        """Add an observation, new or recalled, to `noted`."""
        self.noted.append((env.environment.name, observation))

    @property
    def observations(self) -> list[Observation]:
        """Return all observations, in order."""
        return [observation for _, observation in self.noted]

    def observations_except(self, environments: Collection[str]) -> list[Observation]:
        """Return the observations of all environments but those of these names."""
        return [observation for name, observation in self.noted if name not in environments]

    def interpreter(self, environment: Environment) -> Candidate:
        """Return the project's Python; `CouldNotJudge` if there is none."""
        if environment.directory not in self._interpreters:
            self._interpreters[environment.directory] = choose_interpreter(
                self.repository.root,
                environment.directory,
                self.settings,
                self.environ,
                self._interpreter_cache,
                main_root=self.repository.main_root,
            )
            for line in self.tried(environment):
                debug(f"{environment.name}: interpreter: {line}")
        return self._interpreters[environment.directory]

    def tried(self, environment: Environment) -> list[str]:
        """Return the interpreters that were refused and the one that ran, a line each."""
        chosen = self.interpreter(environment)
        return [*chosen.refused, f"{chosen}: was used"]

    @property
    def interpreters(self) -> dict[str, str]:
        """Return the Pythons that were used, by the environments' folders."""
        return {folder: python.path for folder, python in self._interpreters.items()}

    def _observe(
        self,
        environment: Environment,
        checkout: Path,
        connect: Ask,
        is_ready: Callable[[str], bool],
        options: RunOptions,
    ) -> Observation:
        access = None if self.settings.run else AccessTimes.begin(checkout)
        interpreter = self.interpreter(environment).path
        run = Run(
            interpreter=interpreter,
            prefix=self.settings.run,
            root=self.repository.root,
            checkout=checkout,
            policy=self._policy,
            allowed=self._allowed,
            request={**self._request(environment), **options},
            folders=self._folders(checkout.parent),
            # Behind `run`, the variables are those of a program that reaches a container.
            environ=(outer_environ if self.settings.run else project_environ)(self.environ),
            timeout=self.settings.timeout,
            connect=self._as_inside(connect),
            progress=self.progress,
            ran=access.end if access else lambda: None,
            started=lambda probe: self._register(probe, checkout.parent),
            waits=self.waits,
            mark=self.mark,
            is_shared=self.is_shared,
            is_ready=is_ready,
            compose=self.draft.compose if self.draft else None,
        )
        early = self.early.take(interpreter, self._policy) if self._may_begin else None
        with timed(f"{environment.name}: run in {checkout.parent.name}"):
            observation = observe(run, early)
        debug(f"{environment.name}: {_outcome(observation)}")
        return replace(
            observation,
            reads=complete(observation.reads, access),
            stand_in=self.settings.stand_in,
        )

    def _as_inside(self, connect: Ask) -> Ask:
        """Return the databases' URLs with the address that they have behind the setting `run`."""
        inside = self.settings.scratch_inside
        if not (self.settings.run and inside):
            return connect
        return lambda *request: with_address(connect(*request), inside)

    def _request(self, environment: Environment) -> RunRequest:
        return {
            "worktrees": list_worktrees(self.repository),
            "directory": environment.directory,
            "config": environment.config,
            "section": environment.section,
            "x": list(environment.x),
            "flask": environment.flask,
            "flask_app": environment.flask_app,
            "alchemy": environment.alchemy,
            "alchemy_config": environment.alchemy_config,
            "paths": self._workarounds.paths(environment),
            "worker_thread": self._workarounds.needs_worker_thread(environment),
            "env": dict(self.settings.env),
            "stand_in": {"path": self.settings.stand_in, "text": self.settings.stand_in_text},
            "allow_connect": [*self.settings.allow_connect, *self._allowed],
            "allow_write": list(self.settings.allow_write),
            "allow_run": list(self.settings.allow_run),
            "applied": [],
            "compare": True,
            "create": False,
            "draft": None,
            "expects": "",
            "inert": {},
            "leave_out": [],
            "phases": [],
            "start_sql": "",
            "upgrade": True,
            "twins": {},
        }

    def _folders(self, folder: Path) -> Folders:
        """Return the folders that the project may write to; the temporary ones are emptied.

        Args:
            folder: That of the checkout.
        """
        return {
            "writable": list(self._policy.writable),
            "shadow": str(empty(work_folder(self.slot, "shadows") / folder.name)),
            "temporary": str(empty(work_folder(self.slot, "tmp") / folder.name)),
        }

    def _register(self, probe: Probe, folder: Path) -> None:
        """Note the process that runs in a checkout's folder, so that it can be killed."""
        with self._lock:
            self._probes.append(probe)
            self._running[folder] = probe
            if self._is_stopped:
                probe.kill()

    @property
    def _interpreter_cache(self) -> Path:
        return self.repository.private / "interpreter.json"


def _outcome(observation: Observation) -> str:
    """Return in a line how far a run came."""
    end = (
        f"failed in {observation.phase}: {observation.error['type']}"
        if observation.error
        else "came to its end"
    )
    guard = (
        f"{observation.guard.files}, {observation.guard.network}" if observation.guard else "none"
    )
    return f"{len(observation.revisions)} revisions run, {end}; guard: {guard}"

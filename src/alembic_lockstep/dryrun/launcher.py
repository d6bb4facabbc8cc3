"""The project's processes: with which Python, in which checkout, with what learnt before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
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
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.policy import policy_for, work_folder
from alembic_lockstep.dryrun.probe_process import Probe
from alembic_lockstep.dryrun.process import Ask, Run, observe
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.checkout import check_out
from alembic_lockstep.git.deletion import empty
from alembic_lockstep.git.listing import list_worktrees
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.interpreters.candidates import Candidate
from alembic_lockstep.interpreters.choice import choose_interpreter
from alembic_lockstep.interpreters.environ import outer_environ
from alembic_lockstep.isolation.addresses import allowed_addresses
from alembic_lockstep.isolation.cell import Policy
from alembic_lockstep.probe.protocol import Folders, RunOptions, RunRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack

# What `anyio.from_thread.run()` says elsewhere: such an env.py is run by its own program only.
WORKER_THREAD = "AnyIO worker thread"

Progress = Callable[[str, int, int], None]


@dataclass
class Launcher:
    """Starts the project's Python in checkouts of trees; several environments' at a time.

    Attributes:
        slot: The folder for all that this run writes: its checkouts, each in a folder that is
            called as its role, and scratch databases.
        progress: Told of each revision before it runs.
        early: Processes that wait for something to do.
        threads: Those in which it begins; whoever made them waits for their end.
        noted: All that was observed, in order, each with its environment's name.
        waits, mark, is_shared: See `Run`.
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
    _paths: dict[str, list[str]] = field(default_factory=dict)
    _worker_threads: set[str] = field(default_factory=set)
    _interpreters: dict[str, Candidate] = field(default_factory=dict)
    _checkouts: dict[Path, tuple[str, Future[Path]]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _probes: list[Probe] = field(default_factory=list)
    _running: dict[Path, Probe] = field(default_factory=dict)
    _is_stopped: bool = False
    _lock: RLock = field(default_factory=RLock)

    def begin(self, env: EnvironmentAtTree, role: str) -> None:
        """Begin the checkout and start the project's Python, in other threads."""
        place, tree = self._place(env.environment, role), env.tree.sha
        self._end_checkout(place)
        begun = self.threads.submit(check_out, self.repository, tree, place, self._state(place))
        self._checkouts[place] = tree, begun
        self.start_early(env.environment, 1)

    def start_early(self, environment: Environment, processes: int) -> None:
        """Start the project's Python so often; it imports its libraries until it is needed."""
        if self._may_begin:
            with suppress(CouldNotJudge):  # said when it is needed
                self.early.start(self.interpreter(environment).path, self._policy, processes)

    @cached_property
    def _policy(self) -> Policy:
        return policy_for(self.slot, self.settings)

    @cached_property
    def _allowed(self) -> tuple[str, ...]:
        return tuple(allowed_addresses(self.settings.allow_connect))

    @property
    def _may_begin(self) -> bool:
        """What the settings give to the project comes with the first request only."""
        return not (self.settings.run or self.settings.env)

    def stop(self) -> None:
        """Kill all processes, also those that other threads wait for; start none any more."""
        with self._lock:
            self._is_stopped = True
            for probe in self._probes:
                if probe.process.returncode is None:  # else its number may be another's by now
                    probe.kill()

    def kill(self, environment: Environment, role: str) -> None:
        """Kill the process that another thread waits for, if there is one."""
        with self._lock:
            probe = self._running.get(self._place(environment, role))
            if probe and probe.process.returncode is None:
                probe.kill()

    def run(
        self,
        env: EnvironmentAtTree,
        role: str,
        connect: Callable[[], Ask],
        **options: Unpack[RunOptions],
    ) -> Observation:
        """One dry run, and another one in a new process if what is lacking is known now.

        Many projects are started with `PYTHONPATH=.`; within one process a failed import
        must not be retried, because half-loaded modules would compare clean.

        Args:
            role: `tree` or `base`, or another run in them; each has its checkout.
            connect: Gives what answers a process's connections.
        """
        environment, tree = env.environment, env.tree
        place = self._place(environment, role)
        checkout = self._end_checkout(place, tree.sha) or check_out(
            self.repository, tree.sha, place, self._state(place)
        )
        seen = self._observe(environment, checkout, connect(), options)
        self.note(env, seen)
        if self._learns(seen, environment, tree):
            return self.run(env, role, connect, **options)
        if seen.error.get("type") == "ModuleNotFoundError":
            # Perhaps the wrong interpreter: the next run shall look for a better one.
            self._memory.unlink(missing_ok=True)
        return seen

    def note(self, env: EnvironmentAtTree, seen: Observation) -> None:
        """Add an observation, new or recalled, to `noted`."""
        self.noted.append((env.environment.name, seen))

    @property
    def seen(self) -> list[Observation]:
        """All that was observed, in order."""
        return [seen for _, seen in self.noted]

    def seen_without(self, others: Collection[str]) -> list[Observation]:
        """What was observed of none of these environments, which are told by their names."""
        return [seen for name, seen in self.noted if name not in others]

    def interpreter(self, environment: Environment) -> Candidate:
        """The project's Python; `CouldNotJudge` if there is none."""
        if environment.directory not in self._interpreters:
            self._interpreters[environment.directory] = choose_interpreter(
                self.repository.root,
                environment.directory,
                self.settings,
                self.environ,
                self._memory,
                main_root=self.repository.main_root,
            )
            for line in self.tried(environment):
                debug(f"{environment.name}: interpreter: {line}")
        return self._interpreters[environment.directory]

    def tried(self, environment: Environment) -> list[str]:
        """The interpreters that were passed over and the one that ran, a line each."""
        chosen = self.interpreter(environment)
        return [*chosen.refused, f"{chosen}: was used"]

    @property
    def interpreters(self) -> dict[str, str]:
        """From the environments' folders to the Pythons that were used there."""
        return {folder: python.path for folder, python in self._interpreters.items()}

    def _end_checkout(self, place: Path, tree: str = "") -> Path | None:
        """Wait for the check-out that was begun in a folder; None if it is of another tree."""
        begun, checkout = self._checkouts.pop(place, ("", None))
        if checkout is None:
            return None
        wait((checkout,))
        return checkout.result() if begun == tree else None

    def _observe(
        self, environment: Environment, checkout: Path, connect: Ask, options: RunOptions
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
            environ=outer_environ(self.environ),
            timeout=self.settings.timeout,
            connect=self._as_inside(connect),
            progress=self.progress,
            ran=access.end if access else lambda: None,
            started=lambda probe: self._noted(probe, checkout.parent),
            waits=self.waits,
            mark=self.mark,
            is_shared=self.is_shared,
        )
        early = self.early.take(interpreter, self._policy) if self._may_begin else None
        with timed(f"{environment.name}: run in {checkout.parent.name}"):
            seen = observe(run, early)
        debug(f"{environment.name}: {_outcome(seen)}")
        stand_in = self.settings.stand_in
        return replace(seen, reads=complete(seen.reads, access), stand_in=stand_in)

    def _as_inside(self, connect: Ask) -> Ask:
        """Have databases named by the address that they have behind the setting `run`."""
        inside = self.settings.scratch_inside
        if not (self.settings.run and inside):
            return connect
        return lambda *asked: with_address(connect(*asked), inside)

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
            "paths": self._paths.get(environment.name, []),
            "worker_thread": environment.name in self._worker_threads,
            "env": dict(self.settings.env),
            "stand_in": {"path": self.settings.stand_in, "text": self.settings.stand_in_text},
            "allow_connect": [*self.settings.allow_connect, *self._allowed],
            "allow_write": list(self.settings.allow_write),
            "allow_run": list(self.settings.allow_run),
            "applied": [],
            "compare": True,
            "create": False,
            "expects": "",
            "inert": {},
            "leave_out": [],
            "start_sql": "",
            "upgrade": True,
            "twins": {},
        }

    def _folders(self, place: Path) -> Folders:
        """Return where the project may write; its folders for the rest are emptied."""
        return {
            "writable": list(self._policy.writable),
            "shadow": str(empty(work_folder(self.slot, "shadows") / place.name)),
            "temporary": str(empty(work_folder(self.slot, "tmp") / place.name)),
        }

    def _learns(self, seen: Observation, environment: Environment, tree: Tree) -> bool:
        """Tell whether a failed run says what the next one does better."""
        name, folder = environment.name, _missing_folder(seen, environment, tree)
        if folder is not None and folder not in self._paths.get(name, []):
            self._paths.setdefault(name, []).append(folder)
            return True
        if WORKER_THREAD in seen.error.get("message", "") and name not in self._worker_threads:
            self._worker_threads.add(name)
            return True
        return False

    def _noted(self, probe: Probe, place: Path | None = None) -> Probe:
        with self._lock:
            self._probes.append(probe)
            if place:
                self._running[place] = probe
            if self._is_stopped:
                probe.kill()
        return probe

    def _place(self, environment: Environment, role: str) -> Path:
        """The folder of a checkout. Environments have their own: they run at the same time."""
        with self._lock:
            number = self._numbers.setdefault(environment.name, len(self._numbers))
        return work_folder(self.slot) / (f"{role}-{number}" if number else role)

    def _state(self, place: Path) -> Path:
        """Return the folder for what we keep about a checkout."""
        return self.slot / "state" / place.name

    @property
    def _memory(self) -> Path:
        return self.repository.private / "interpreter.json"


def _outcome(seen: Observation) -> str:
    """Say in a line how far a run came."""
    end = f"failed in {seen.phase}: {seen.error['type']}" if seen.error else "came to its end"
    guard = f"{seen.guard.files}, {seen.guard.network}" if seen.guard else "none"
    return f"{len(seen.revisions)} revisions run, {end}; guard: {guard}"


def _missing_folder(seen: Observation, environment: Environment, tree: Tree) -> str | None:
    """The folder of the tree that holds the module whose import failed, if there is one."""
    if seen.error.get("type") != "ModuleNotFoundError" or seen.phase not in {"start", "env"}:
        return None
    module = str(seen.error["module"]).partition(".")[0]
    for folder in dict.fromkeys((environment.directory, "", "src", *_parents(environment.config))):
        prefix = f"{folder}/" if folder else ""
        if f"{prefix}{module}.py" in tree.files or any(
            path.startswith(f"{prefix}{module}/") for path in tree.files
        ):
            return folder
    return None


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]

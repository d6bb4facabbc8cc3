"""Dry runs of one gate run: checkouts, interpreter and scratch databases kept between them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.candidates import Candidate
from alembic_lockstep.dryrun.environ import outer_environ
from alembic_lockstep.dryrun.interpreter import choose_interpreter
from alembic_lockstep.dryrun.process import Observation, Run, observe
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.checkout import check_out
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment

# What `anyio.from_thread.run()` says elsewhere: such an env.py is run by its own program only.
WORKER_THREAD = "AnyIO worker thread"

Progress = Callable[[str, int, int], None]


@dataclass
class DryRunner:
    """Makes dry runs of an environment in trees of a repository."""

    repository: Repository
    settings: Settings
    environ: Mapping[str, str]
    servers: ScratchServers
    slot: Path
    progress: Progress
    _paths: dict[str, list[str]] = field(default_factory=dict)
    _worker_threads: set[str] = field(default_factory=set)
    _interpreters: dict[str, Candidate] = field(default_factory=dict)

    def replay(self, environment: Environment, tree: Tree, *, role: str) -> Observation:
        """Upgrade an empty database (or one that the setting's SQL file fills) to the heads."""
        sql = "" if self.settings.start in {"replay", "base-models"} else self.settings.start
        if sql and role == "tree" and sql not in tree.files:
            raise CouldNotJudge(
                f"the setting `start` names {sql}, which is not in the commit",
                fix=f"git add {shlex.quote(sql)}",
            )
        start_sql = (tree.read(sql) or "") if sql else ""
        return self._run(environment, tree, role, {}, start_sql=start_sql)

    def create(
        self, environment: Environment, tree: Tree, scratch: dict[str, str], *, role: str
    ) -> Observation:
        """`create_all` in empty databases, stamped with the tree's heads; left in `scratch`."""
        return self._run(environment, tree, role, scratch, create=True)

    def upgrade(
        self, environment: Environment, tree: Tree, scratch: dict[str, str], *, role: str
    ) -> Observation:
        """Run what is new on copies of databases that `create` filled."""
        if self.settings.run and any(url.startswith("sqlite") for url in scratch.values()):
            raise CouldNotJudge(
                "a SQLite database that was filled behind the setting `run` does not outlive it, "
                "so the migrations cannot start from the base's models",
                fix='Name an SQL file to start from: [tool.alembic-lockstep] start = "start.sql"',
            )
        copies = {target: self.servers.copy(url) for target, url in scratch.items()}
        return self._run(environment, tree, role, copies)

    def _run(
        self,
        environment: Environment,
        tree: Tree,
        role: str,
        scratch: dict[str, str],
        **request: Any,
    ) -> Observation:
        """One run, and another one in a new process if what is lacking is known now.

        Many projects are started with `PYTHONPATH=.`; within one process a failed import
        must not be retried, because half-loaded modules would compare clean.
        """
        checkout = check_out(self.repository, tree.sha, self.slot / role)
        known = dict(scratch)
        seen = self._observe(environment, checkout, scratch, request)
        if self._learns(seen, environment, tree):
            scratch.clear()
            scratch.update(known)
            return self._run(environment, tree, role, scratch, **request)
        if seen.error.get("type") == "ModuleNotFoundError":
            # Perhaps the wrong interpreter: the next run shall look for a better one.
            self._memory.unlink(missing_ok=True)
        return seen

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

    def _observe(
        self,
        environment: Environment,
        checkout: Path,
        scratch: dict[str, str],
        request: Mapping[str, Any],
    ) -> Observation:
        def connect(dialect: str, place: str, target: str) -> str:
            if place != "scratch":
                return self.servers.create(dialect)
            if target not in scratch:
                scratch[target] = self.servers.create(dialect)
            return scratch[target]

        return observe(
            Run(
                interpreter=self._interpreter(environment).path,
                prefix=self.settings.run,
                checkout=checkout,
                request={
                    "worktrees": self.repository.worktrees(),
                    "directory": environment.directory,
                    "config": environment.config,
                    "section": environment.section,
                    "x": list(environment.x),
                    "flask": environment.flask,
                    "flask_app": environment.flask_app,
                    "paths": self._paths.get(environment.name, []),
                    "worker_thread": environment.name in self._worker_threads,
                    "env": dict(self.settings.env),
                    "allow_connect": list(self.settings.allow_connect),
                    "create": False,
                    "start_sql": "",
                    **request,
                },
                environ=outer_environ(self.environ),
                timeout=self.settings.timeout,
                connect=connect,
                progress=self.progress,
            )
        )

    def tried(self, environment: Environment) -> list[str]:
        """The interpreters that were passed over and the one that ran, a line each."""
        chosen = self._interpreter(environment)
        return [*chosen.refused, f"{chosen}: was used"]

    def _interpreter(self, environment: Environment) -> Candidate:
        if environment.directory not in self._interpreters:
            self._interpreters[environment.directory] = choose_interpreter(
                self.repository.root,
                environment.directory,
                self.settings,
                self.environ,
                self._memory,
                main_root=self.repository.main_root,
            )
        return self._interpreters[environment.directory]

    @property
    def _memory(self) -> Path:
        return self.repository.private / "interpreter.json"


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

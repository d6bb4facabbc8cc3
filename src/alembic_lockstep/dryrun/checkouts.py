"""The checkouts of one run, each in a folder of its own, and begun early where that is possible."""

from __future__ import annotations

from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.dryrun.policy import work_folder
from alembic_lockstep.git.checkout import check_out
from alembic_lockstep.git.repository import Repository


@dataclass
class Checkouts:
    """The checkouts of trees, by environment and role.

    Attributes:
        slot: This run's folder.
        threads: The threads in which checkouts are begun.
    """

    repository: Repository
    slot: Path
    threads: Executor
    _begun: dict[Path, tuple[str, Future[Path]]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def folder(self, environment: Environment, role: str) -> Path:
        """Return the folder of a checkout. Environments have their own: they run concurrently."""
        with self._lock:
            number = self._numbers.setdefault(environment.name, len(self._numbers))
        return work_folder(self.slot) / (f"{role}-{number}" if number else role)

    def begin(self, environment: Environment, role: str, tree: str) -> None:
        """Begin to check out a tree in another thread."""
        folder = self.folder(environment, role)
        self._finish(folder)
        self._begun[folder] = tree, self.threads.submit(self._check_out, folder, tree)

    def check_out(self, environment: Environment, role: str, tree: str) -> Path:
        """Return the checkout of a tree; wait for one that was begun."""
        folder = self.folder(environment, role)
        return self._finish(folder, tree) or self._check_out(folder, tree)

    def _finish(self, folder: Path, tree: str = "") -> Path | None:
        """Wait for the checkout that was begun in a folder; None if it is of another tree."""
        begun, checkout = self._begun.pop(folder, ("", None))
        if checkout is None:
            return None
        wait((checkout,))
        return checkout.result() if begun == tree else None

    def _check_out(self, folder: Path, tree: str) -> Path:
        return check_out(self.repository, tree, folder, self.slot / "state" / folder.name)

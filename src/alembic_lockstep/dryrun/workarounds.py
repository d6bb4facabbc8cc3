"""Options that a failed run shows to be needed, for the next run of the same environment.

Many projects are started with `PYTHONPATH=.`. Within one process a failed import must not be
retried, because half-loaded modules would compare clean.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.tree import Tree

# In the error of `anyio.from_thread.run()` in another thread: such an env.py is run by its own
# program only.
WORKER_THREAD = "AnyIO worker thread"


@dataclass
class Workarounds:
    """The options by the environments' names."""

    _paths: dict[str, list[str]] = field(default_factory=dict)
    _worker_threads: set[str] = field(default_factory=set)

    def paths(self, environment: Environment) -> list[str]:
        """Return folders of the tree to add to `sys.path`."""
        return self._paths.get(environment.name, [])

    def needs_worker_thread(self, environment: Environment) -> bool:
        """Return whether env.py has to run in a worker thread of AnyIO."""
        return environment.name in self._worker_threads

    def learn(self, observation: Observation, environment: Environment, tree: Tree) -> bool:
        """Return whether a failed run adds an option, so that another run may succeed."""
        name, folder = environment.name, _missing_folder(observation, environment, tree)
        if folder is not None and folder not in self._paths.get(name, []):
            self._paths.setdefault(name, []).append(folder)
            return True
        message = observation.error.get("message", "")
        if WORKER_THREAD in message and name not in self._worker_threads:
            self._worker_threads.add(name)
            return True
        return False


def _missing_folder(observation: Observation, environment: Environment, tree: Tree) -> str | None:
    """Return the folder of the tree that holds the module whose import failed, or None."""
    error = observation.error
    if error.get("type") != "ModuleNotFoundError" or observation.phase not in {"start", "env"}:
        return None
    module = str(error["module"]).partition(".")[0]
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

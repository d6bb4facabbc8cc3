"""Dry runs whose outcome an earlier dry run has shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.cache.repository_cache import RepositoryCache
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.runner import DryRunner


@dataclass
class CachedRunner(DryRunner):
    """A runner that answers from cached observations where it can."""

    cache: RepositoryCache = field(kw_only=True)

    def replay(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None = None, *, role: str
    ) -> Observation:
        """Return the cached observation of a history, or replay it."""
        observation = self._replayed_for(env, base)
        if observation is None:
            observation = self._recall(env, base, role)
            if observation is None:
                return super().replay(env, base, role=role)
            self.replayed[env.environment, env.tree.sha] = observation
        self.launcher.note(env, observation)
        return observation

    def _recall(
        self, env: EnvironmentAtTree, base: EnvironmentAtTree | None, role: str
    ) -> Observation | None:
        if role == "base":
            return self._cached(env) or self._cached(env, fails=True)
        if base is None or env.environment != base.environment:
            return None
        # Unless both trees read alike, the base's environment is to be compared with the tree's.
        observation = self._cached(env, base)
        if observation is None and _has_same_history(env, base):
            observation = self._cached(base, fails=True)  # what fails there fails here
        return observation

    def _cached(self, *envs: EnvironmentAtTree, fails: bool = False) -> Observation | None:
        """Return the cached observation of an environment that holds in each of several trees.

        Args:
            fails: Find an observation of a failed replay instead of a successful one.
        """
        interpreter = self.launcher.interpreter(envs[0].environment).path
        observation = self.cache.observations.find(envs, interpreter, fails=fails)
        # Its trial was that of revisions which are no longer new.
        return observation and replace(observation, trial={})


def _has_same_history(env: EnvironmentAtTree, base: EnvironmentAtTree) -> bool:
    """Return whether the tree has all of the base's migrations unchanged."""
    paths = [revision.path for revision in base.history.revisions]
    return all(env.tree.files.get(path) == base.tree.files[path] for path in paths)

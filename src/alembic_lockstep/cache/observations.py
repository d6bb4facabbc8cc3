"""Cached observations of dry runs, for when such a tree is the base of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.digests import THERE, digest
from alembic_lockstep.cache.store import FORMAT, Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.environ import environ_digest

KIND = "observations"
_TRIED = 4


@dataclass(frozen=True)
class ObservationCache:
    """Cached observations of a repository's Alembic environments, for the same settings."""

    cache: Cache
    context: RunContext
    settings: Settings

    def find(
        self, envs: Sequence[EnvironmentAtTree], interpreter: str, *, fails: bool = False
    ) -> Observation | None:
        """Return the cached observation that a dry run in each of these trees would repeat.

        Args:
            envs: One environment at several trees.
            fails: Find an observation of a failed replay instead of a successful one.
        """
        prefix = self._prefix(envs[0].environment, interpreter)
        for name in self.cache.names(KIND, prefix)[:_TRIED]:
            stored = self.cache.read(KIND, name)
            if stored is None or bool(stored["observation"]["error"]) is not fails:
                continue
            cached = CachedTree(self.context.repository, name.removeprefix(prefix), stored)
            with suppress(CouldNotJudge):  # `git gc` deleted the tree
                changes = [change for env in envs for change in cached.changes_to(env.tree.sha)]
                touched = cached.is_touched(changes)
                reason = "touched" if touched else cached.changed_surroundings()
                debug(f"observation of tree {cached.sha[:12]}: {reason or 'recalled'}")
                if not reason:
                    return _observation(stored["observation"], stored["trace"])
        return None

    def store(
        self, environment: Environment, interpreter: str, observation: Observation, tree: CachedTree
    ) -> None:
        """Cache the observation of a tree."""
        name = self._prefix(environment, interpreter) + tree.sha
        facts = {**vars(observation), "reads": {}, "log": "", "guard": None}
        self.cache.write(KIND, name, {**tree.stored, "observation": facts})

    def _prefix(self, environment: Environment, interpreter: str) -> str:
        subject = [str(self.context.repository.common_dir), repr(environment)]
        variables = environ_digest(self.context.environ)
        settings = [FORMAT, variables, interpreter, repr(self.settings)]
        return f"{digest(subject)}-{digest(settings)}-"


def _observation(facts: Mapping[str, Any], trace: Mapping[str, Any]) -> Observation:
    """Rebuild an observation from JSON, which has lists instead of tuples."""
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    there = (path for path, content in trace["ignored"].items() if content == THERE)
    looked = [f"{path}/" for path in (*trace["folders"], *there)]
    opened = [*trace["opened"], *looked]
    plain["reads"] = {**trace, "opened": opened, "copies": (), "during": {}, "untraced": ()}
    plain["is_recalled"] = True
    return Observation(**plain)

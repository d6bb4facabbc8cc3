"""What dry runs saw in trees, kept for when such a tree is the base of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.cache import FORMAT, Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.environ import environ_digest
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.memory.digests import digest
from alembic_lockstep.memory.known import KnownTree
from alembic_lockstep.sides import Side

KIND = "observations"
_TRIED = 4


@dataclass(frozen=True)
class Observations:
    """What was seen of a repository's environments under the same circumstances."""

    cache: Cache
    context: RunContext
    settings: Settings

    def recall(
        self, sides: Sequence[Side], interpreter: str, *, fails: bool = False
    ) -> Observation | None:
        """Return what a dry run would see in each of these trees, if one is known that reads alike.

        Args:
            sides: Those of one environment.
            fails: Whether to look for one whose history does not replay, or for any other.
        """
        prefix = self._prefix(sides[0].environment, interpreter)
        for name in self.cache.names(KIND, prefix)[:_TRIED]:
            stored = self.cache.read(KIND, name)
            if stored is None or bool(stored["seen"]["error"]) is not fails:
                continue
            known = KnownTree(self.context.repository, name.removeprefix(prefix), stored)
            with suppress(CouldNotJudge):  # `git gc` took the tree
                changes = [one for side in sides for one in known.changes_to(side.tree.sha)]
                touched = known.is_touched(changes)
                reason = "touched" if touched else known.changed_surroundings()
                debug(f"observation of tree {known.tree[:12]}: {reason or 'recalled'}")
                if not reason:
                    return _observation(stored["seen"], stored["trace"])
        return None

    def remember(
        self, environment: Environment, interpreter: str, seen: Observation, known: KnownTree
    ) -> None:
        """Keep what a dry run saw in a tree."""
        name = self._prefix(environment, interpreter) + known.tree
        facts = {**vars(seen), "reads": {}, "log": "", "guard": None}
        self.cache.write(KIND, name, {**known.stored, "seen": facts})

    def _prefix(self, environment: Environment, interpreter: str) -> str:
        circumstances = [
            FORMAT,
            environ_digest(self.context.environ),
            interpreter,
            repr(self.settings),
        ]
        where = [str(self.context.repository.common_dir), repr(environment)]
        return f"{digest(where)}-{digest(circumstances)}-"


def _observation(facts: Mapping[str, Any], trace: Mapping[str, Any]) -> Observation:
    """JSON has lists where an observation has tuples."""
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    plain["reads"] = {**trace, "copies": (), "during": {}, "untraced": ()}
    plain["is_recalled"] = True
    return Observation(**plain)

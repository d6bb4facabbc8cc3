"""Cached verdicts as a full run reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.store import Cache
from alembic_lockstep.cache.verdicts import KIND, VerdictCache
from alembic_lockstep.context import RunContext
from alembic_lockstep.interpreters.choice import cached_interpreter
from alembic_lockstep.system.questions import recorded
from alembic_lockstep.values import dataclass


@dataclass(frozen=True)
class VerdictRecords(VerdictCache):
    """The verdicts that `VerdictCache` reads, and how they are written.

    Attributes:
        context: How this run was started.
    """

    context: RunContext

    @classmethod
    def of(cls, cache: Cache, context: RunContext) -> VerdictRecords:
        """Return the verdicts for runs that were started like this one."""
        started = (context.environ, context.flags, context.settings_from_base)
        return cls(cache, context.repository, *started, context)

    def store(
        self, base: str, tree: CachedTree, interpreters: Mapping[str, str], settings: str
    ) -> None:
        """Cache the verdict that a tree passes against its base.

        Args:
            base: The base's id.
            tree: The tree, with its trace.
            interpreters: From an environment's folder to the Python that ran there.
            settings: The blob of pyproject.toml; "" if there is none.
        """
        content = {
            **tree.stored,
            "interpreters": dict(interpreters),
            "settings": settings,
            "asked": {},
        }
        cached = CachedTree(self.context.repository, tree.sha, content)
        content["asked"] = self._asked(cached) or {}
        self.cache.write(KIND, self._name(base, tree.sha), content)

    def _has_same_interpreters(self, name: str, cached: CachedTree) -> bool:
        if super()._has_same_interpreters(name, cached):
            return True
        asked = self._asked(cached)
        if asked is None:
            return False
        # For the next answer at once: a file is new beside the environment, or this is another
        # working tree.
        content = {**cached.stored, "asked": {**cached.stored["asked"], **asked}}
        self.cache.write(KIND, name, content)
        return True

    def _asked(self, cached: CachedTree) -> dict[str, Any] | None:
        """Return what the search for the project's Python asks, None if it is another Python now.

        It is another one, too, if candidates would have to be tried.
        """
        context, repository = self.context, self.context.repository
        text = cached.text(cached.stored["settings"]) if cached.stored["settings"] else ""
        # Other tools' settings need no parsing: they were valid at the verdict.
        settings = context.load_settings(text if "alembic-lockstep" in text else None)
        with recorded() as questions:
            for folder, path in cached.stored["interpreters"].items():
                chosen = cached_interpreter(
                    repository.root,
                    folder,
                    settings,
                    context.environ,
                    repository.private / "interpreter.json",
                    repository.main_root,
                )
                if chosen is None or chosen.path != path:
                    return None
        return {str(repository.root): questions}

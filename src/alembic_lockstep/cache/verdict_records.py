"""Cached verdicts as a full run reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.store import Cache
from alembic_lockstep.cache.verdicts import KIND, Reason, VerdictCache
from alembic_lockstep.context import RunContext
from alembic_lockstep.git.ignore_sources import ask_ignore_sources
from alembic_lockstep.interpreters.choice import cached_interpreter
from alembic_lockstep.interpreters.environ import variable_digests
from alembic_lockstep.report.text import listed
from alembic_lockstep.system.disk_questions import recorded

# How the last check of each repository was started, and why it is not cached.
_LAST_CHECKS = "last-checks"


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

    def refusals(self, base: str, tree: str | None) -> tuple[Reason, ...] | None:
        """Return why the verdicts do not answer, the last one's first; None if one answers."""
        refusals = []
        for reason in self.reasons(base, tree):
            if reason is None:
                return None
            refusals.append(reason)
        return tuple(refusals)

    def surprise(self, refusals: Sequence[Reason]) -> str:
        """Return why no verdict answered although nothing that is changed looks relevant; or ""."""
        if refusals:
            return "" if refusals[0].is_expected else refusals[0].text
        return self._other_circumstances()

    def explain(self, refusals: Sequence[Reason]) -> list[str]:
        """Return lines that say why no verdict answered."""
        last = self._last_check
        if last is None and not refusals:
            return ["no verdict on this repository is cached yet"]
        lines = [refusals[0].text] if refusals else [self._other_circumstances()]
        if last and last["reasons"] and last["prefix"] == self._prefix:
            lines.append(f"the last check was not cached: {', '.join(last['reasons'])}")
        return [*filter(None, lines)] or ["the last verdict was deleted from the cache"]

    def note_check(self, reasons: Sequence[str]) -> None:
        """Note how the last check was started, and why its verdict is not cached."""
        content = {
            "prefix": self._prefix,
            "environ": variable_digests(self.environ),
            "started": self._started,
            "reasons": list(reasons),
        }
        self.cache.write(_LAST_CHECKS, self._repository_digest, content)

    @cached_property
    def _last_check(self) -> Mapping[str, Any] | None:
        return self.cache.read(_LAST_CHECKS, self._repository_digest)

    @property
    def _started(self) -> list[Any]:
        return [dict(self.flags), self.settings_from_base]

    def _other_circumstances(self) -> str:
        """Return how the last check was started otherwise than this one; "" if it was not."""
        last = self._last_check
        if last is None or last["prefix"] == self._prefix:
            return ""
        before, now = last["environ"], variable_digests(self.environ)
        names = sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
        if names:
            return f"the last check had other environment variables: {listed(names)}"
        if last["started"] != json.loads(json.dumps(self._started)):
            return "the last check had other options"
        return "the last check was made by another version of alembic-lockstep"

    def store(
        self, base: str, tree: CachedTree, interpreters: Mapping[str, str], settings: str
    ) -> str:
        """Cache the verdict that a tree passes against its base; return why it cannot, if so.

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
        return self.cache.write(KIND, self._name(base, tree.sha), content)

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
        """Return what a verdict asks the disk, by the working tree; None if it does not hold there.

        The search for the project's Python may find another one now, or have to try candidates.
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
        asked = {"python": questions}
        with recorded() as questions:
            is_answered = ask_ignore_sources(repository, cached.trace.ignored)
        if is_answered:
            asked["ignored"] = questions
        return {str(repository.root): asked}

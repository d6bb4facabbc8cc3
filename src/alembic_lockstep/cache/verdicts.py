"""Cached verdicts of trees that passed, and whether one holds for another commit.

A verdict is cached with the trace of its dry runs. If neither a tree nor its base differs from
the judged tree in anything that was read, the two have the same models and the same migrations,
and the commit introduces no difference: a dry run could find none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.digests import digest
from alembic_lockstep.cache.store import FORMAT, Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import Change
from alembic_lockstep.interpreters.choice import cached_interpreter
from alembic_lockstep.interpreters.environ import environ_digest

KIND = "verdicts"
# The last verdict answers as a rule; those before it serve other branches.
_TRIED = 4


@dataclass(frozen=True)
class VerdictCache:
    """Cached verdicts of a repository, for the same environment and flags.

    Attributes:
        context: How this run was started.
    """

    cache: Cache
    context: RunContext

    def has_passed(self, base: str, tree: str | None) -> bool:
        """Return whether a cached verdict passes a tree against its base; None: what is staged."""
        names = self.cache.names(KIND, self._prefix)[:_TRIED]
        return any(self._answers(name, base, tree) for name in names)

    def store(
        self, base: str, tree: CachedTree, interpreters: Mapping[str, str], settings: str
    ) -> None:
        """Cache the verdict that a tree passes against its base.

        Args:
            interpreters: From an environment's folder to the Python that ran there.
            settings: The blob of pyproject.toml; "" if there is none.
        """
        content = {
            **tree.stored,
            "base": base,
            "interpreters": dict(interpreters),
            "settings": settings,
        }
        self.cache.write(KIND, self._prefix + tree.sha, content)

    @cached_property
    def _prefix(self) -> str:
        context = self.context
        started = [environ_digest(context.environ), context.flags, context.settings_from_base]
        return f"{digest(str(context.repository.common_dir))}-{digest([FORMAT, *started])}-"

    def _answers(self, name: str, base: str, tree: str | None) -> bool:
        stored = self.cache.read(KIND, name)
        if stored is None:
            return False
        cached = CachedTree(self.context.repository, name.removeprefix(self._prefix), stored)
        try:
            trees = [tree] if base == stored["base"] else [tree, base]
            changes = [change for sha in trees for change in cached.changes_to(sha)]
            reason = self._difference(cached, changes)
        except CouldNotJudge as error:  # `git gc` deleted the tree, a merge is under way …
            reason = error.message
        debug(f"verdict on tree {cached.sha[:12]}: {reason or 'answers'}")
        return not reason

    def _difference(self, cached: CachedTree, changes: Sequence[Change]) -> str:
        """Return why a verdict does not answer for trees with these changes; "" if it does."""
        if cached.is_touched(changes):
            touching = [change.path for change in changes if cached.is_touched([change])]
            return f"the change touches what was read: {', '.join(touching[:5])}"
        if cached.may_declare_tables(changes):
            return "a file that was not read may declare tables"
        if not self._has_same_interpreters(cached):
            return "the project's Python is another one, or not known yet"
        return cached.changed_surroundings()

    def _has_same_interpreters(self, cached: CachedTree) -> bool:
        text = cached.text(cached.stored["settings"]) if cached.stored["settings"] else ""
        # Other tools' settings need no parsing: they were valid at the verdict.
        ours = text if "alembic-lockstep" in text else None
        settings = self.context.load_settings(ours)
        return all(
            self._interpreter(folder, settings) == path
            for folder, path in cached.stored["interpreters"].items()
        )

    def _interpreter(self, folder: str, settings: Settings) -> str:
        """Return the Python that would run now, "" if candidates would have to be tried."""
        repository = self.context.repository
        chosen = cached_interpreter(
            repository.root,
            folder,
            settings,
            self.context.environ,
            repository.private / "interpreter.json",
            repository.main_root,
        )
        return chosen.path if chosen else ""

"""Passed verdicts that are remembered, and the commits that they answer.

A verdict is kept with the trace of its dry runs. If neither the tree that is asked about nor its
base differs from the judged tree in anything that was read, the two have the same models and the
same migrations, and the commit introduces no difference: no dry run could find one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alembic_lockstep.cache import FORMAT, Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.environ import environ_digest
from alembic_lockstep.dryrun.interpreter import recall_interpreter
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import Change
from alembic_lockstep.memory.digests import digest
from alembic_lockstep.memory.known import KnownTree

KIND = "verdicts"
# The last verdict holds as a rule; those before it serve other branches.
_TRIED = 4


@dataclass(frozen=True)
class Verdicts:
    """The verdicts that were given in a repository under the same circumstances.

    Attributes:
        context: How the run was started that asks.
    """

    cache: Cache
    context: RunContext

    def answer(self, base: str, tree: str | None) -> bool:
        """Whether a tree is known to pass against its base; None is what is staged."""
        names = self.cache.names(KIND, self._prefix)[:_TRIED]
        return any(self._answers(name, base, tree) for name in names)

    def remember(
        self, base: str, known: KnownTree, interpreters: Mapping[str, str], settings: str
    ) -> None:
        """Keep the verdict that a tree passes against its base.

        Args:
            interpreters: From an environment's folder to the Python that was used there.
            settings: The blob of pyproject.toml; "" if there is none.
        """
        content = {
            **known.stored,
            "base": base,
            "interpreters": dict(interpreters),
            "settings": settings,
        }
        self.cache.write(KIND, self._prefix + known.tree, content)

    @cached_property
    def _prefix(self) -> str:
        context = self.context
        started = [environ_digest(context.environ), context.flags, context.settings_from_base]
        return f"{digest(str(context.repository.common_dir))}-{digest([FORMAT, *started])}-"

    def _answers(self, name: str, base: str, tree: str | None) -> bool:
        stored = self.cache.read(KIND, name)
        if stored is None:
            return False
        known = KnownTree(self.context.repository, name.removeprefix(self._prefix), stored)
        try:
            others = [tree] if base == stored["base"] else [tree, base]
            changes = [change for other in others for change in known.changes_to(other)]
            reason = self._difference(known, changes)
        except CouldNotJudge as error:  # `git gc` took the tree, a merge is under way …
            reason = error.message
        debug(f"verdict on tree {known.tree[:12]}: {reason or 'answers'}")
        return not reason

    def _difference(self, known: KnownTree, changes: Sequence[Change]) -> str:
        """Return why a verdict does not answer for trees with these changes; "" if it does."""
        if known.is_touched(changes):
            touching = [change.path for change in changes if known.is_touched([change])]
            return f"the change touches what was read: {', '.join(touching[:5])}"
        if known.may_declare_tables(changes):
            return "a file that was not read may declare tables"
        if not self._has_same_interpreters(known):
            return "the project's Python is another one, or not known yet"
        return known.changed_surroundings()

    def _has_same_interpreters(self, known: KnownTree) -> bool:
        text = known.text(known.stored["settings"]) if known.stored["settings"] else ""
        # Others' settings need no parsing: they were valid when the verdict was given.
        ours = text if "alembic-lockstep" in text else None
        settings = self.context.load_settings(ours)
        return all(
            self._interpreter(folder, settings) == path
            for folder, path in known.stored["interpreters"].items()
        )

    def _interpreter(self, folder: str, settings: Settings) -> str:
        """The Python that would be used now, if that is known without trying any."""
        repository = self.context.repository
        chosen = recall_interpreter(
            repository.root,
            folder,
            settings,
            self.context.environ,
            repository.private / "interpreter.json",
            repository.main_root,
        )
        return chosen.path if chosen else ""

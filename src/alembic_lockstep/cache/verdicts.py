"""Cached verdicts of trees that passed, and whether one holds for another commit.

A verdict is cached with the trace of its dry runs. If neither a tree nor its base differs from
the judged tree in anything that was read, the two have the same models and the same migrations,
and the commit introduces no difference: a dry run could find none.

This module answers at once, so it imports little; `verdict_records.py` has what a full run adds.
"""

from __future__ import annotations

from functools import cached_property

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.digests import digest
from alembic_lockstep.cache.store import FORMAT, Cache
from alembic_lockstep.debug import debug
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.environ import environ_digest
from alembic_lockstep.system.questions import are_answered_alike
from alembic_lockstep.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alembic_lockstep.git.entries import Change
    from alembic_lockstep.git.working_tree import WorkingTree

KIND = "verdicts"
#: The summary of an answer at once.
PASSED = "Passed: nothing staged touches what the last verdict read."
# The last verdict answers as a rule; those before it serve other branches, and HEAD again after
# a change that was given up.
_TRIED = 4


@dataclass(frozen=True)
class VerdictCache:
    """Cached verdicts of a repository, for the same environment and flags.

    Attributes:
        working_tree: The working tree, of a repository without the objects of submodules.
        environ: The environment variables.
        flags: Settings from the command line, by their field's name.
        settings_from_base: Settings and ignores are read from the base.
    """

    cache: Cache
    working_tree: WorkingTree
    environ: Mapping[str, str]
    flags: Mapping[str, object]
    settings_from_base: bool

    def has_passed(self, base: str, tree: str | None) -> bool:
        """Return whether a cached verdict passes a tree against its base; None: what is staged."""
        return any(not self._reason(name, base, tree) for name in self._names())

    def _names(self) -> list[str]:
        """Return the names of the verdicts to try.

        Of several on the same base, which are those of one change as it was edited, the last is
        tried before the others.
        """
        names = self.cache.names(KIND, self._prefix)
        last = {name.rpartition("-")[2]: name for name in reversed(names)}
        return [*dict.fromkeys((*names[:1], *reversed(last.values()), *names))][:_TRIED]

    @cached_property
    def _prefix(self) -> str:
        started = [environ_digest(self.environ), self.flags, self.settings_from_base]
        return f"{digest(str(self.working_tree.common_dir))}-{digest([FORMAT, *started])}-"

    def _name(self, base: str, tree: str) -> str:
        return f"{self._prefix}{tree}-{base}"

    def _reason(self, name: str, base: str, tree: str | None) -> str:
        """Return why a verdict does not answer; "" if it does."""
        stored = self.cache.read(KIND, name)
        if stored is None:
            return "it cannot be read"
        judged, _, judged_base = name.removeprefix(self._prefix).partition("-")
        cached = CachedTree(self.working_tree, judged, stored)
        try:
            trees = [tree] if base == judged_base else [tree, base]
            changes = [change for sha in trees for change in cached.changes_to(sha)]
            reason = self._difference(name, cached, changes)
        except CouldNotJudge as error:  # `git gc` deleted the tree, a merge is under way …
            reason = error.message
        debug(f"verdict on tree {cached.sha[:12]}: {reason or 'answers'}")
        return reason

    def _difference(self, name: str, cached: CachedTree, changes: Sequence[Change]) -> str:
        """Return why a verdict does not answer for trees with these changes; "" if it does."""
        if cached.is_touched(changes):
            touching = [change.path for change in changes if cached.is_touched([change])]
            return f"the change touches what was read: {', '.join(touching[:5])}"
        if cached.may_declare_tables(changes):
            return "a file that was not read may declare tables"
        if not self._has_same_interpreters(name, cached):
            return "the project's Python is another one, or not known yet"
        return cached.changed_surroundings()

    def _has_same_interpreters(self, name: str, cached: CachedTree) -> bool:  # noqa: ARG002
        """Return whether the search for the project's Python would see what it saw then."""
        asked = cached.stored["asked"].get(str(self.working_tree.root))
        return asked is not None and are_answered_alike(asked)

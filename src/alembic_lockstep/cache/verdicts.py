"""Cached verdicts of trees that passed, and whether one holds for another commit.

A verdict is cached with the trace of its dry runs. If neither a tree nor its base differs from
the judged tree in anything that was read, the two have the same models and the same migrations,
and the commit introduces no difference: a dry run could find none.

This module answers at once, so it imports little; `verdict_records.py` has what a full run adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.digests import digest
from alembic_lockstep.cache.store import FORMAT, Cache
from alembic_lockstep.cache.tree_trace import is_always_read
from alembic_lockstep.debug import debug
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import parent_folders
from alembic_lockstep.interpreters.environ import environ_digest
from alembic_lockstep.system.disk_questions import are_answered_alike

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alembic_lockstep.git.entries import Change
    from alembic_lockstep.git.working_tree import WorkingTree

KIND = "verdicts"
#: The summary of an answer at once.
PASSED = "Passed: nothing staged touches what the last verdict read."
# The last verdict answers as a rule; those before it serve other branches, and HEAD again after
# a change that was given up.
_TRIED = 4
# Files that a reason names.
_SHOWN = 5


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
        return any(reason is None for reason in self.reasons(base, tree))

    def reasons(self, base: str, tree: str | None) -> Iterator[Reason | None]:
        """Yield, of each verdict to try, the reason why it does not answer; None if it does."""
        return (self._reason(name, base, tree) for name in self._names())

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
        return f"{self._repository_digest}-{digest([FORMAT, *started])}-"

    @property
    def _repository_digest(self) -> str:
        return digest(str(self.working_tree.common_dir))

    def _name(self, base: str, tree: str) -> str:
        return f"{self._prefix}{tree}-{base}"

    def _reason(self, name: str, base: str, tree: str | None) -> Reason | None:
        stored = self.cache.read(KIND, name)
        if stored is None:
            return Reason("the cache has lost it")
        judged, _, judged_base = name.removeprefix(self._prefix).partition("-")
        cached = CachedTree(self.working_tree, judged, stored)
        try:
            trees = [tree] if base == judged_base else [tree, base]
            changes = [change for sha in trees for change in cached.changes_to(sha)]
            reason = self._difference(name, cached, changes)
        except CouldNotJudge as error:  # `git gc` deleted the tree, a merge is under way …
            reason = Reason(error.message)
        debug(f"verdict on tree {cached.sha[:12]}: {reason.text if reason else 'answers'}")
        return reason

    def _difference(
        self, name: str, cached: CachedTree, changes: Sequence[Change]
    ) -> Reason | None:
        """Return why a verdict does not answer for trees with these changes."""
        if cached.is_touched(changes):
            touching = [change.path for change in changes if cached.is_touched([change])]
            return Reason("the last run read what is changed", tuple(touching))
        undeclared = [change.path for change in changes if cached.may_declare_tables([change])]
        if undeclared:
            return Reason("not read, and may declare tables", tuple(undeclared))
        if not self._has_same_interpreters(name, cached):
            return Reason("the project's Python is another one, or its environment has changed")
        surroundings = cached.changed_surroundings(
            are_ignored=self._ignores_the_same(cached, changes)
        )
        return Reason(surroundings) if surroundings else None

    def _has_same_interpreters(self, name: str, cached: CachedTree) -> bool:  # noqa: ARG002
        """Return whether the search for the project's Python would see what it saw then."""
        return self._are_answered_alike(cached, "python")

    def _ignores_the_same(self, cached: CachedTree, changes: Sequence[Change]) -> bool:
        """Return whether git ignores what it ignored then; False if it has to be asked."""
        names = cached.trace.ignored.keys()
        changed = {path for change in changes for path in (change.path, change.old_path)}
        changed.update(*(parent_folders(path) for path in tuple(changed)))
        return names.isdisjoint(changed) and self._are_answered_alike(cached, "ignored")

    def _are_answered_alike(self, cached: CachedTree, subject: str) -> bool:
        asked = cached.stored["asked"].get(str(self.working_tree.root), {})
        return subject in asked and are_answered_alike(asked[subject])


@dataclass(frozen=True)
class Reason:
    """The reason why a verdict does not answer.

    Attributes:
        cause: The reason in words.
        paths: The changed files that count, if it is that.
    """

    cause: str
    paths: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the cause with the first of the files."""
        more = f" and {len(self.paths) - _SHOWN} more" if len(self.paths) > _SHOWN else ""
        return ": ".join(filter(None, (self.cause, ", ".join(self.paths[:_SHOWN]) + more)))

    @property
    def is_expected(self) -> bool:
        """Return whether the changed files look as if they mattered."""
        return any(path.endswith(".py") or is_always_read(path) for path in self.paths)

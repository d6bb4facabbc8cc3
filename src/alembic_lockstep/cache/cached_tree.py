"""A judged tree with its trace, which decides whether another tree has the same outcome."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from alembic_lockstep.cache.tree_trace import Trace
from alembic_lockstep.errors import CouldNotJudge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any

    from alembic_lockstep.git.entries import Change
    from alembic_lockstep.git.working_tree import WorkingTree


@dataclass(frozen=True)
class CachedTree:
    """A judged tree, as the cache holds it.

    Attributes:
        sha: Its id.
        stored: The cache entry, with its `trace`.
    """

    repository: WorkingTree
    sha: str
    stored: Mapping[str, Any]

    @cached_property
    def trace(self) -> Trace:
        """Files of the tree that dry runs read."""
        return Trace.load(self.stored["trace"])

    def changes_to(self, tree: str | None) -> list[Change]:
        """Return the change set to another tree or, for None, to what is staged.

        Raises:
            CouldNotJudge: `git gc` deleted a tree, a merge is under way …
        """
        if tree == self.sha:
            return []
        if tree is None:
            return self.repository.staged_changes(self.sha)
        return self.repository.changes(self.sha, tree, renames=False)

    def is_touched(self, changes: Iterable[Change]) -> bool:
        """Return whether a change set from this tree touches anything in its trace."""
        return self.trace.is_touched(changes, self._same_code)

    def may_declare_tables(self, changes: Iterable[Change]) -> bool:
        """Return whether a changed, unread file may declare tables (rule unregistered-model)."""
        return any(map(self._may_declare_a_table, changes))

    def changed_surroundings(self, *, are_ignored: bool = False) -> str:
        """Return what has changed of the files read outside of git; "" if nothing has.

        Args:
            are_ignored: Git ignores the same of the files that existed then.
        """
        outside = self.trace.changed_outside()
        if outside:
            return f"changed outside of the repository: {outside}"
        before = self.trace.ignored.keys()

        def ignored_among(names: Collection[str]) -> set[str]:
            is_known = are_ignored and before == set(names)
            return set(names) if is_known else self.repository.ignored_among(names)

        ignored = self.trace.changed_ignored_file(self.repository.root, ignored_among)
        return f"an ignored file that is read has changed: {ignored}" if ignored else ""

    def blob(self, path: str) -> str:
        """Return the id of a file's content; "" if the tree has no such file."""
        command = ("rev-parse", "--verify", "--quiet", f"{self.sha}:{path}")
        with suppress(CouldNotJudge):
            return self.repository.git(*command).decode().strip()
        return ""

    def text(self, blob: str) -> str:
        """Return the text of a file by its id."""
        return self.repository.contents.read(blob).decode("utf-8", "replace")

    def _same_code(self, change: Change, ran: frozenset[str] | None) -> bool:
        read = self.repository.contents.read
        versions = (read(change.old_sha), read(change.sha))
        if not change.path.endswith(".py"):
            from alembic_lockstep.cache.project_files import same_project

            return same_project(*versions)
        from alembic_lockstep.cache.same_code import same_code

        return same_code(*versions, ran=ran)

    def _may_declare_a_table(self, change: Change) -> bool:
        path = change.path
        if change.status == "D" or not path.endswith(".py") or path in self.trace.opened:
            return False
        from alembic_lockstep.pysource.declared_tables import may_declare_tables, may_hold_models

        return may_hold_models(path) and may_declare_tables(
            self.repository.contents.read(change.sha)
        )

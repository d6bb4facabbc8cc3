"""A tree that was judged, with the trace of it: whether another is like it in all that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.listing import ignored_among
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.memory.trace import Trace


@dataclass(frozen=True)
class KnownTree:
    """A tree that was judged.

    Attributes:
        tree: Its id.
        stored: What the cache holds of it: the `trace`, and what `counts` of a Python file: its
            `code` only, or, where something reads them, also its `docstrings`.
    """

    repository: Repository
    tree: str
    stored: Mapping[str, Any]

    @cached_property
    def trace(self) -> Trace:
        """What was read of it."""
        return Trace.load(self.stored["trace"])

    def changes_to(self, tree: str | None) -> list[Change]:
        """The change set to another tree or, for None, to what is staged.

        Raises:
            CouldNotJudge: `git gc` took one of them, a merge is under way …
        """
        if tree == self.tree:
            return []
        git = self.repository
        if tree is None:
            return git.staged_changes(self.tree)
        return git.changes(self.tree, tree, renames=False)

    def is_touched(self, changes: Iterable[Change]) -> bool:
        """Whether a change set from this tree touches what was read of it."""
        return self.trace.is_touched(changes, self._same_code)

    def may_declare_tables(self, changes: Iterable[Change]) -> bool:
        """Whether a file may be one for the rule unregistered-model, as nothing ever read it."""
        return any(map(self._may_declare_a_table, changes))

    def changed_surroundings(self) -> str:
        """Return what was read beside the tree and is not as it was; "" if all is."""
        git = self.repository
        outside = self.trace.changed_outside()
        if outside:
            return f"changed outside of the repository: {outside}"
        if not self.trace.ignored_is_same(git.root, partial(ignored_among, git)):
            return "ignored files that were read, or could be imported, have changed"
        return ""

    def blob(self, path: str) -> str:
        """The id of one of its files; "" if it has none of that name."""
        named = ("rev-parse", "--verify", "--quiet", f"{self.tree}:{path}")
        with suppress(CouldNotJudge):  # it has none
            return self.repository.git(*named).decode().strip()
        return ""

    def text(self, blob: str) -> str:
        """The text of one of its files."""
        return self.repository.contents.read(blob).decode("utf-8", "replace")

    def _same_code(self, change: Change) -> bool:
        from alembic_lockstep.memory.code import same_code

        versions = (self.repository.contents.read(sha) for sha in (change.old_sha, change.sha))
        return same_code(*versions, docstrings=self.stored["counts"] == "docstrings")

    def _may_declare_a_table(self, change: Change) -> bool:
        path = change.path
        if change.status == "D" or not path.endswith(".py") or path in self.trace.opened:
            return False
        from alembic_lockstep.models.declared import may_declare_tables
        from alembic_lockstep.rules.unregistered_model import may_hold_models

        return may_hold_models(path) and may_declare_tables(
            self.repository.contents.read(change.sha)
        )

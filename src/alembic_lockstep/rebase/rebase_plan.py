"""Plan of a rebase: which migrations get which parent, and what databases then need."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts
from alembic_lockstep.fix.commands import REBASE, database_command
from alembic_lockstep.fix.reparenting import merge_revision, reparented
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.multiple_heads import movable

MERGE = f"{REBASE} --merge"


@dataclass(frozen=True)
class RebasePlan:
    """A migration file to write in an environment with several heads.

    Attributes:
        path: From the root.
        before: Its present text; None if it is new.
        text: Its new text.
        parent: The head that this branch's own revisions are put on; "" for a merge revision.
        way_on: Commands for a database that was at the moved heads before.
        moved: The heads of this branch's own revisions.
    """

    path: str
    before: str | None
    text: str
    parent: str
    way_on: tuple[str, ...]
    moved: tuple[str, ...]


def plan_rebase(facts: Facts, texts: Mapping[str, str]) -> RebasePlan:
    """Return how to put this branch's own head on top of the other one.

    Args:
        texts: The migration files of the working tree, as they are on disk.

    Raises:
        CouldNotJudge: no head is this branch's own, or its first revision cannot be rewritten.
    """
    heads = facts.history.heads
    choice = movable(facts)
    if choice is None:
        raise CouldNotJudge(
            f"none of the heads {listed(heads)} can be put on another: a revision may move only if "
            f"{_published_in(facts)} lacks it, and if it is no merge",
            fix=f"Merge the heads instead:\n{MERGE}",
        )
    revision, parent = choice
    before = texts[revision.path]
    text = reparented(before, revision, parent)
    if text is None:
        raise CouldNotJudge(
            f"{revision.path}: down_revision is no plain value in one line",
            fix=f"Set it to '{parent}' by hand, or merge the heads:\n{MERGE}",
        )
    moved = [head for head in heads if revision.id in facts.history.up_to(head)]
    way_on = _way_on(facts, moved, parent)
    return RebasePlan(revision.path, before, text, parent, way_on, tuple(moved))


def plan_merge(facts: Facts) -> RebasePlan:
    """Return the revision that merges all heads, next to the last one of them."""
    heads = facts.history.heads
    files = {revision.id: revision.path for revision in facts.history.revisions}
    path, text = merge_revision(heads, posixpath.dirname(files[heads[-1]]))
    files_of = facts.tree.files
    way_on = (database_command(facts.environment, files_of, "upgrade head"),)
    return RebasePlan(path, None, text, "", way_on, ())


def refuse_unstaged(facts: Facts) -> None:
    """Raise `CouldNotJudge` if a migration on disk differs from what is staged."""
    unstaged = facts.now.migration_files(facts.repository.unstaged())
    if unstaged:
        raise CouldNotJudge(
            f"{listed(unstaged)} has edits that are not staged, and what is staged is rewritten",
            fix=add_command(unstaged),
        )


def _way_on(facts: Facts, moved: Sequence[str], parent: str) -> tuple[str, ...]:
    """Return the commands that bring a database at this branch's old head to the new one.

    With the new files, its downgrade ends at a revision that it has not run. The stamp puts it
    where it is: at the last of all that it has run and others have, too.
    """
    history = facts.history
    others = history.up_to(*(head for head in history.heads if head not in moved))
    shared = history.ids & history.up_to(*moved) & others
    parents = (history.parents(each) for each in history.revisions if each.id in shared)
    tops = sorted(shared.difference(*parents)) or ["base"]
    words = (f"downgrade {parent}", f"stamp {' '.join(tops)}", "upgrade head")
    return tuple(database_command(facts.environment, facts.tree.files, each) for each in words)


def _published_in(facts: Facts) -> str:
    return facts.published_in or "the default branch, which is not known here,"

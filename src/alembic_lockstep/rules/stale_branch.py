"""stale-branch: merging into the target as it is now would leave several heads."""

from __future__ import annotations

from alembic_lockstep.commands import merge_command
from alembic_lockstep.facts import at
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.revisions import History, Revision
from alembic_lockstep.report.text import listed
from alembic_lockstep.sides import Side

RULE = "stale-branch"


def check(branch: Side, target: Side, merged: Side, name: str, shown: Tree) -> list[Finding]:
    """One finding for each parent that is gone, or else at most one for the heads.

    Args:
        branch: The environment as the branch has it.
        target: As the branch has it that this will be merged into.
        merged: As the merge of both has it, where all of its migration files can be read.
        name: The target's name for people.
        shown: The tree that findings point into.
    """
    lost = _lost_parents(branch.history, target.history, merged.history)
    if lost:
        return [_gone(branch, shown, name, *one) for one in lost]
    heads, most = merged.history.heads, max(len(branch.history.heads), len(target.history.heads), 1)
    if len(heads) <= most:
        return []
    first = _first(branch.history.new_since(target.history), branch.history)
    parents = [one for one in target.history.heads if one in heads]
    instead = ", ".join(f"'{one}'" for one in parents)
    return [
        Finding(
            RULE,
            f"merged into {name} as it is now, this leaves {len(heads)} heads: {listed(heads)}; "
            "`upgrade head` will refuse to choose",
            _parent_line(shown, first, merged),
            branch.environment.name,
            hint=f"Rebase onto {name} and set down_revision = {instead} here, or merge {name} and "
            f"make a merge revision: {merge_command(branch.environment, merged.tree.files)}",
        )
    ]


def _lost_parents(
    branch: History, target: History, merged: History
) -> list[tuple[Revision, str, str]]:
    """What only the merge misses: the target has deleted what the branch builds on."""
    known = {
        (one.id, parent) for side in (branch, target) for one, _, parent in side.missing_parents()
    }
    return [lost for lost in merged.missing_parents() if (lost[0].id, lost[2]) not in known]


def _gone(
    branch: Side, shown: Tree, name: str, revision: Revision, field: str, parent: str
) -> Finding:
    line, column, length = revision.lines.get(field, (1, 1, 0))
    return Finding(
        RULE,
        f"{field} '{parent}' is gone in {name}; merged into it, every upgrade will say: "
        f"Can't locate revision identified by '{parent}'",
        at(shown, revision.path, line, column, length),
        branch.environment.name,
        hint=f"Rebase onto {name} and set {field} to a revision that is still there.",
    )


def _first(new: list[Revision], history: History) -> Revision | None:
    """The branch's first revision, which has to get another parent."""
    ids = {one.id for one in new}
    return next((one for one in new if not ids.intersection(one.down)), None) or next(
        (one for one in history.revisions if one.id in history.heads), None
    )


def _parent_line(shown: Tree, revision: Revision | None, merged: Side) -> Location:
    if revision is None:
        return at(shown, merged.environment.config)
    line, column, length = revision.lines.get("down_revision", (1, 1, 0))
    return at(shown, revision.path, line, column, length)

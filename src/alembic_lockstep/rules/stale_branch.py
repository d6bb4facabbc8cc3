"""stale-branch: merging into the target as it is now would leave several heads."""

from __future__ import annotations

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.revisions import History, Revision
from alembic_lockstep.facts import location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.fix.commands import REBASE, merge_command
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.report.text import listed

RULE = "stale-branch"


def check(
    branch: EnvironmentAtTree,
    target: EnvironmentAtTree,
    merged: EnvironmentAtTree,
    name: str,
    shown: Tree,
) -> list[Finding]:
    """Return one finding for each parent that the merge lacks, or else at most one for the heads.

    Args:
        branch: The environment in the branch.
        target: The environment in the branch's target.
        merged: The environment in the merge of both, of which every migration file can be read.
        name: The target's name, for the messages.
        shown: The tree that findings point into.
    """
    lost = _lost_parents(branch.history, target.history, merged.history)
    if lost:
        return [
            _lost_parent(branch, shown, name, revision, field, parent)
            for revision, field, parent in lost
        ]
    heads = merged.history.heads
    if len(heads) <= max(len(branch.history.heads), len(target.history.heads), 1):
        return []
    # The first new revision has to get another parent. A branch without new ones made a head.
    new = branch.history.new_since(target.history)
    new_heads = [
        revision
        for revision in merged.history.revisions
        if revision.id in heads and revision.id not in target.history.heads
    ]
    first = [*new, *new_heads][0]
    parents = ", ".join(f"'{head}'" for head in target.history.heads if head in heads)
    return [
        Finding(
            RULE,
            f"merged into {name} as it is now, this leaves {len(heads)} heads: {listed(heads)}; "
            "`upgrade head` will refuse to choose",
            location_in(shown, first.path, *first.lines.get("down_revision", ())),
            branch.environment.name,
            hint=f"Rebase onto {name} and set down_revision = {parents} here ({REBASE} does, and "
            f"tries it), or merge {name} and make a merge revision: "
            f"{merge_command(branch.environment, merged.tree.files)}",
        )
    ]


def _lost_parents(
    branch: History, target: History, merged: History
) -> list[tuple[Revision, str, str]]:
    """Return the parents that only the merge lacks: the target has deleted them.

    Each comes as the revision, the field that names the parent, and the parent's id.
    """
    old = {
        (revision.id, parent)
        for history in (branch, target)
        for revision, _, parent in history.missing_parents()
    }
    return [
        (revision, field, parent)
        for revision, field, parent in merged.missing_parents()
        if (revision.id, parent) not in old
    ]


def _lost_parent(
    branch: EnvironmentAtTree, shown: Tree, name: str, revision: Revision, field: str, parent: str
) -> Finding:
    return Finding(
        RULE,
        f"{field} '{parent}' is gone in {name}; merged into it, every upgrade will say: "
        f"Can't locate revision identified by '{parent}'",
        location_in(shown, revision.path, *revision.lines[field]),
        branch.environment.name,
        hint=f"Rebase onto {name} and set {field} to a revision that is still there.",
    )

"""multiple-heads: more heads than the base had."""

from __future__ import annotations

from alembic_lockstep.alembic_env.revisions import History, Revision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.fix.commands import REBASE, merge_command
from alembic_lockstep.report.text import listed


def check(facts: Facts) -> list[Finding]:
    """Return at most one finding, at the revision that should get another parent.

    Return none where parents are missing: revisions on top of them would count as heads.
    """
    if facts.broken or facts.history.missing_parents():
        return []
    if facts.history.edges == facts.base_history.edges:
        return []  # fast: to count several heads, Alembic has to be imported
    heads, before = facts.history.heads, facts.base_history.heads
    if len(heads) <= max(len(before), 1):
        return []
    choice = movable(facts)
    merge = f"ake a merge revision: {merge_command(facts.environment, facts.tree.files)}"
    if choice is None:
        # A new revision, or an old one that lost its child.
        revisions = (*facts.history.revisions, *facts.new)
        shown = [each for each in revisions if each.id in heads and each.id not in before][-1]
        hint = f"M{merge}"
    else:
        shown, parent = choice
        hint = f"Set down_revision = '{parent}' here ({REBASE} does, and tries it), or m{merge}"
    return [
        Finding(
            "multiple-heads",
            f"{len(heads)} heads, where the base has {len(before)}: {listed(heads)}; "
            "`upgrade head` will refuse to choose",
            _parent_line(facts, shown),
            facts.environment.name,
            hint=hint,
        )
    ]


def movable(facts: Facts) -> tuple[Revision, str] | None:
    """Return the revision to put on top of another head, and that head; None if there is none.

    A database that has a revision never runs revisions that are put below it. So only revisions
    that no other database has can move, with all that only their head has: those of this commit
    first.
    """
    if facts.published is None:
        return None
    history, new = facts.history, {revision.id for revision in facts.new}
    candidates = []
    for head in history.heads:
        others = [name for name in history.heads if name != head]
        own = history.up_to(head) - history.up_to(*others)
        lowest = [each for each in history.revisions if each.id in own and not own & {*each.down}]
        if not own & facts.published and len(lowest) == 1 and len(lowest[0].down) < 2:
            rank = (lowest[0].id in new, lowest[0].path)
            candidates.append((rank, lowest[0], _parent_for(lowest[0], others, history)))
    return max(candidates, key=lambda candidate: candidate[0])[1:] if candidates else None


def _parent_for(revision: Revision, heads: list[str], history: History) -> str:
    """Return the head to build on: preferably a head of the same branch."""
    same = (head for head in heads if history.up_to(head).issuperset(revision.down))
    return next(same, heads[0])


def _parent_line(facts: Facts, revision: Revision) -> Location:
    return location_in(facts.tree, revision.path, *revision.lines.get("down_revision", ()))

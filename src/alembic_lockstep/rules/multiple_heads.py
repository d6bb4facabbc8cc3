"""multiple-heads: more heads than the base had."""

from __future__ import annotations

from alembic_lockstep.commands import merge_command
from alembic_lockstep.facts import Facts, at
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.history.revisions import History, Revision
from alembic_lockstep.report.text import listed


def check(facts: Facts) -> list[Finding]:
    """At most one finding, at the revision that should get another parent.

    None where parents are unknown: what builds on them would count as heads.
    """
    if facts.broken or facts.history.missing_parents():
        return []
    if facts.history.edges == facts.base_history.edges:
        return []  # at once: to count several heads, Alembic has to be imported
    heads, before = facts.history.heads, facts.base_history.heads
    if len(heads) <= max(len(before), 1):
        return []
    movable = _movable(facts)
    merge = f"ake a merge revision: {merge_command(facts.environment, facts.tree.files)}"
    if movable is None:
        # A new revision, or an old one that lost its child.
        fresh = [one for one in (*facts.history.revisions, *facts.new) if one.id in heads]
        shown = [one for one in fresh if one.id not in before][-1]
        hint = f"M{merge}"
    else:
        shown, parent = movable
        hint = f"Set down_revision = '{parent}' here, or m{merge}"
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


def _movable(facts: Facts) -> tuple[Revision, str] | None:
    """Return the revision to put on top of another head, and that head; None if none should be.

    A database that has a revision never runs what is put below it. So only what no other database
    has can move, with all that is its head's alone: best what this commit adds.
    """
    if facts.published is None:
        return None
    history, new = facts.history, {one.id for one in facts.new}
    candidates = []
    for head in history.heads:
        others = [one for one in history.heads if one != head]
        own = history.up_to(head) - history.up_to(*others)
        lowest = [one for one in history.revisions if one.id in own and not own & {*one.down}]
        if not own & facts.published and len(lowest) == 1 and len(lowest[0].down) < 2:
            rank = (own <= new, lowest[0].id not in facts.base_history.ids, lowest[0].path)
            candidates.append((rank, lowest[0], _parent_for(lowest[0], others, history)))
    return max(candidates, key=lambda one: one[0])[1:] if candidates else None


def _parent_for(revision: Revision, heads: list[str], history: History) -> str:
    """Return the head to build on: of several by design, one of the same branch."""
    same = (one for one in heads if history.up_to(one).issuperset(revision.down))
    return next(same, heads[0])


def _parent_line(facts: Facts, revision: Revision) -> Location:
    line, column, length = revision.lines.get("down_revision", (1, 1, 0))
    return at(facts.tree, revision.path, line, column, length)

"""multiple-heads: more heads than the base had."""

from __future__ import annotations

from alembic_lockstep.commands import merge_command
from alembic_lockstep.facts import Facts, at
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.history.revisions import Revision


def check(facts: Facts) -> list[Finding]:
    """At most one finding, at a head that the base does not have.

    None where parents are unknown: what builds on them would count as heads.
    """
    if facts.broken or facts.history.missing_parents():
        return []
    if facts.history.edges == facts.base_history.edges:
        return []  # at once: to count several heads, Alembic has to be imported
    heads, before = facts.history.heads, facts.base_history.heads
    if len(heads) <= max(len(before), 1):
        return []
    # A new revision, or an old one that lost its child.
    fresh = [one for one in (*facts.history.revisions, *facts.new) if one.id in heads]
    added = [one for one in fresh if one.id not in before][-1]
    other = next(head for head in heads if head != added.id)
    return [
        Finding(
            "multiple-heads",
            f"{len(heads)} heads, where the base has {len(before)}: {', '.join(heads)}; "
            "`upgrade head` will refuse to choose",
            _parent_line(facts, added),
            facts.environment.name,
            hint=f"Set down_revision = '{other}' here, or make a merge revision: "
            + merge_command(facts.environment, facts.tree.files),
        )
    ]


def _parent_line(facts: Facts, revision: Revision) -> Location:
    line, column, length = revision.lines.get("down_revision", (1, 1, 0))
    return at(facts.tree, revision.path, line, column, length)

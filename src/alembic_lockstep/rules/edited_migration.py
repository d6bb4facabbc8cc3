"""edited-migration: a published migration was put on top of a new one."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_lockstep.facts import Facts, at
from alembic_lockstep.findings import Finding
from alembic_lockstep.history.revisions import Revision
from alembic_lockstep.report.text import listed

RULE = "edited-migration"


@dataclass(frozen=True)
class Insertion:
    """New revisions below one that the base has: a database at that one never runs them.

    Attributes:
        above: The revision that the base has, as the tree has it.
        below: The new ones, sorted.
        field: Of `above`, which names one of them.
    """

    above: Revision
    below: tuple[str, ...]
    field: str


def check(facts: Facts) -> list[Finding]:
    """One finding for each revision that other databases may have, and that got a new parent."""
    published = facts.published
    return [
        _finding(facts, one)
        for one in insertions(facts)
        if published is not None and one.above.id in published
    ]


def unpublished(facts: Facts) -> list[str]:
    """Say which insertions pass because the default branch does not have their revision yet."""
    published = facts.published_in
    return [
        f"{listed(one.below)} was put below {one.above.id}, which {published} does not have "
        "yet: a database that has it is to be downgraded first"
        for one in insertions(facts)
        if published and one.above.id not in (facts.published or ())
    ]


def insertions(facts: Facts) -> list[Insertion]:
    """Find the revisions of the base that the commit put on top of new ones.

    None where the base's own history has no certain answer: a parent that it lacks may be what
    the commit brings, and where it deletes ancestors, the new ones may stand for them.
    """
    if facts.broken or facts.base_broken:
        return []
    base, history = facts.base_history, facts.history
    new = {revision.id for revision in facts.new}
    before = {revision.id: revision for revision in base.revisions}
    return [
        Insertion(one, tuple(sorted(new & history.up_to(one.id))), field)
        for one in history.revisions
        if one.id in before and not before[one.id].unread and history.parents(one) & new
        for field in ("down_revision" if new.intersection(one.down) else "depends_on",)
        if base.up_to(one.id) <= history.ids & base.ids
    ]


def _finding(facts: Facts, insertion: Insertion) -> Finding:
    above, new = insertion.above, listed(insertion.below)
    before = next(one for one in facts.base_history.revisions if one.id == above.id)
    old = before.down if insertion.field == "down_revision" else before.depends_on
    heads = [one for one in facts.base_history.heads if above.id in facts.base_history.up_to(one)]
    top = f"'{heads[0]}'" if len(heads) == 1 else "the head"
    line, column, length = above.lines.get(insertion.field, (1, 1, 0))
    return Finding(
        RULE,
        f"{above.id} is in the base, and {new} is put below it: "
        f"a database at {above.id} will never run {new}",
        at(facts.tree, above.path, line, column, length),
        facts.environment.name,
        hint=f"Set {insertion.field} back to {_python(old)} here, and put {new} on top: "
        f"down_revision = {top} there.",
    )


def _python(parents: tuple[str, ...]) -> str:
    if len(parents) < 2:
        return f"'{parents[0]}'" if parents else "None"
    return repr(parents)

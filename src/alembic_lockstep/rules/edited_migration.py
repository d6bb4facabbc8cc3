"""edited-migration: a published migration was put on top of a new one."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_lockstep.alembic_env.cycles import find_cycle
from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.revision_cycle import as_python

RULE = "edited-migration"


@dataclass(frozen=True)
class Insertion:
    """New revisions below a revision of the base: a database at that revision never runs them.

    Attributes:
        above: The revision of the base, as the tree has it.
        below: The ids of the new revisions, sorted.
        field: The field of `above` that names a new revision.
    """

    above: Revision
    below: tuple[str, ...]
    field: str


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each published revision that got a new parent."""
    published = facts.published
    return [
        _finding(facts, insertion)
        for insertion in insertions(facts)
        if published is not None and insertion.above.id in published
    ]


def unpublished(facts: Facts) -> list[str]:
    """Return a note for each insertion that passes because its revision is not published yet."""
    published = facts.published
    return [
        f"{listed(insertion.below)} was put below {insertion.above.id}, which {facts.published_in} "
        "does not have yet: downgrade databases that have it first"
        for insertion in insertions(facts)
        if published is not None and insertion.above.id not in published
    ]


def insertions(facts: Facts) -> list[Insertion]:
    """Return the revisions of the base that the commit put on top of new ones.

    None of a circle, which is another rule's. A revision is left out if the base lacks one of its
    ancestors, which the commit may add, or if the commit deletes one, which a new revision may
    replace.
    """
    if facts.broken or facts.base_broken or find_cycle(facts.history):
        return []
    base, history = facts.base_history, facts.history
    new = {revision.id for revision in facts.new}
    before = {revision.id: revision for revision in base.revisions}
    return [
        Insertion(
            revision,
            below=tuple(sorted(new & history.up_to(revision.id))),
            field="down_revision" if new.intersection(revision.down) else "depends_on",
        )
        for revision in history.revisions
        if revision.id in before
        and not before[revision.id].unread
        and history.parents(revision) & new
        and base.up_to(revision.id) <= history.ids & base.ids
    ]


def _finding(facts: Facts, insertion: Insertion) -> Finding:
    above, new = insertion.above, listed(insertion.below)
    base = facts.base_history
    before = next(revision for revision in base.revisions if revision.id == above.id)
    old = before.down if insertion.field == "down_revision" else before.depends_on
    heads = [head for head in base.heads if above.id in base.up_to(head)]
    top = f"'{heads[0]}'" if len(heads) == 1 else "the head"
    return Finding(
        RULE,
        f"{above.id} is in the base, and {new} is put below it: "
        f"a database at {above.id} will never run {new}",
        location_in(facts.tree, above.path, *above.lines[insertion.field]),
        facts.environment.name,
        hint=f"Set {insertion.field} back to {as_python(old)} here, and put {new} on top: "
        f"down_revision = {top} there.",
    )

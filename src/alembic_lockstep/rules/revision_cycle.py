"""revision-cycle: migrations build or depend on each other in a circle."""

from __future__ import annotations

from alembic_lockstep.alembic_env.cycles import find_cycle
from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.report.text import listed

RULE = "revision-cycle"


def check(facts: Facts) -> list[Finding]:
    """Return at most one finding, at a parent that this commit sets, unless the base has a circle.

    A file that cannot be read may be the one that breaks the circle.
    """
    if facts.broken or facts.history.edges == facts.base_history.edges:
        return []
    circle = find_cycle(facts.history)
    if not circle or find_cycle(facts.base_history):
        return []
    revision, field = _changed(facts, circle)
    each_other = f"{listed(circle)} build on each other"
    words = each_other if len(circle) > 1 else f"{revision.id} builds on itself"
    return [
        Finding(
            RULE,
            f"{words}; every command of Alembic will say: {_alembics(circle, field)} is detected",
            location_in(facts.tree, revision.path, *revision.lines[field]),
            facts.environment.name,
            hint=_hint(facts, revision, field),
        )
    ]


def _changed(facts: Facts, circle: tuple[str, ...]) -> tuple[Revision, str]:
    """Return the revision of the circle to change, and the field that names its parent there.

    An old one got a new parent; of new ones it is the first in the order of their files.
    """
    before = {each.id: each for each in facts.base_history.revisions}

    def rank(revision: Revision) -> tuple[bool, str]:
        return revision.id not in before, revision.path

    changed = [
        revision
        for revision in facts.history.revisions
        if revision.id in circle
        and (revision.id not in before or _parents(revision) != _parents(before[revision.id]))
    ]
    revision = min(changed, key=rank)
    return revision, "down_revision" if {*circle} & {*revision.down} else "depends_on"


def _alembics(circle: tuple[str, ...], field: str) -> str:
    """Return Alembic's own word for a circle."""
    word = "Cycle" if len(circle) > 1 else "Self-loop"
    return word if field == "down_revision" else f"Dependency {word.lower()}"


def _parents(revision: Revision) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return revision.down, revision.depends_on


def _hint(facts: Facts, revision: Revision, field: str) -> str:
    before = next((each for each in facts.base_history.revisions if each.id == revision.id), None)
    if before:
        old = before.down if field == "down_revision" else before.depends_on
        return f"Set {field} back here: {field} = {as_python(old)}"
    if field == "depends_on":
        return "Remove the dependency here: depends_on = None"
    heads = facts.base_history.heads
    return f"Put it on top of what the base has: down_revision = {as_python(heads[:1])}"


def as_python(parents: tuple[str, ...]) -> str:
    """Return parents as a migration file has them."""
    if len(parents) < 2:
        return f"'{parents[0]}'" if parents else "None"
    return repr(parents)

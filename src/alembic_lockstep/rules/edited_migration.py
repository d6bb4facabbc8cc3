"""edited-migration: a published migration was put on top of a new one, or does something else."""

from __future__ import annotations

from difflib import SequenceMatcher

from alembic_lockstep.alembic_env.changed_revisions import ChangedRevision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.migration_lines import failing_line
from alembic_lockstep.rules.published_edits import (
    Insertion,
    blamed,
    changed_in,
    insertions,
    outcome,
    restore_command,
)
from alembic_lockstep.rules.revision_cycle import as_python

RULE = "edited-migration"


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each published revision that got a new parent.

    Or one finding if databases of the base do not come to the same end as fresh ones.
    """
    published = facts.published
    parents = [
        _finding(facts, insertion)
        for insertion in insertions(facts)
        if published is not None and insertion.above.id in published
    ]
    changed = blamed(facts)
    edited = [each for each in changed if each.now]
    if edited:
        return [*parents, _edit(facts, edited)]
    is_unexplained = facts.retraced and not facts.retraced.is_same and not changed
    return [*parents, *([_other_end(facts)] if is_unexplained else [])]


def unpublished(facts: Facts) -> list[str]:
    """Return a note for each change that passes because its revision is not published yet."""
    published = facts.published
    if published is None:
        return []
    below = {each.above.id: each for each in insertions(facts) if each.above.id not in published}
    notes = [f"{listed(each.below)} was put below {name}" for name, each in below.items()]
    notes += [
        f"{each.before.id} was {'edited' if each.now else 'deleted'}"
        for each in changed_in(facts)
        if each.before.id not in {*published, *below}
    ]
    rest = f", which {facts.published_in} does not have yet: downgrade databases that have it first"
    return [note + rest for note in notes]


def _finding(facts: Facts, insertion: Insertion) -> Finding:
    above, new = insertion.above, listed(insertion.below)
    base = facts.base_history
    before = next(revision for revision in base.revisions if revision.id == above.id)
    old = before.down if insertion.field == "down_revision" else before.depends_on
    heads = [head for head in base.heads if above.id in base.up_to(head)]
    top = f"'{heads[0]}'" if len(heads) == 1 else "the head"
    return Finding(
        RULE,
        f"{above.id} is in {facts.base_name}, and {new} is put below it: "
        f"a database at {above.id} will never run {new}",
        location_in(facts.tree, above.path, *above.lines[insertion.field]),
        facts.environment.name,
        hint=f"Set {insertion.field} back to {as_python(old)} here, and put {new} on top: "
        f"down_revision = {top} there.",
    )


def _other_end(facts: Facts) -> Finding:
    """Return the finding on a database for which no changed file accounts."""
    return Finding(
        RULE,
        f"its migrations are as in {facts.base_name}, and all the same {outcome(facts)}",
        location_in(facts.tree, facts.environment.config),
        facts.environment.name,
        hint="A migration takes something of the project that has changed since, or of the "
        "database: write it out in the migration.",
    )


def _edit(facts: Facts, edited: list[ChangedRevision]) -> Finding:
    """Return the finding at the edited revision that the differences are about."""
    lines = [_edited_line(facts, each) for each in edited]
    retraced = facts.retraced
    if retraced and retraced.error:
        lines.append(failing_line(facts, retraced.revision, retraced.error))
    name = edited[0].before.id
    return Finding(
        RULE,
        f"{name} is in {facts.base_name}, and does something else now: {outcome(facts)}",
        lines[0],
        facts.environment.name,
        hint="Make the change in a new migration. Put this one back: "
        f"{restore_command(facts, *edited)}",
        related=tuple(line for line in dict.fromkeys(lines) if line != lines[0]),
    )


def _edited_line(facts: Facts, changed: ChangedRevision) -> Location:
    """Return the first line that the commit edits in a revision's file."""
    assert changed.now is not None
    texts = (facts.base.read(changed.before.path), facts.tree.read(changed.now.path))
    old, new = ((text or "").splitlines() for text in texts)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    line = next((start + 1 for kind, _, _, start, _ in codes if kind != "equal"), 1)
    return location_in(facts.tree, changed.now.path, min(line, max(len(new), 1)))

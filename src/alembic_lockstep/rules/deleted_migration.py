"""deleted-migration: a revision that other databases are at is gone."""

from __future__ import annotations

from dataclasses import replace

from alembic_lockstep.alembic_env.changed_revisions import ChangedRevision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules.published_edits import (
    blamed,
    outcome,
    published_changes,
    restore_command,
    stuck,
)

RULE = "deleted-migration"


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each deleted revision at which databases are stuck.

    A revision at which the base's upgrade fails is no database's. Or one finding if databases that
    have passed deleted revisions do not come to the same end as fresh ones, and no file was edited.
    """
    findings = [_finding(facts, each) for each in stuck(facts) if not _fails_in_base(facts, each)]
    changed = blamed(facts)
    is_edited = any(each.now for each in changed)
    return findings if is_edited or not changed else [*findings, _left_out(facts, changed)]


def squashed(facts: Facts) -> list[str]:
    """Return a note on deleted revisions that databases have passed: they were squashed."""
    at_heads = {each.before.id for each in stuck(facts)}
    gone = [each.before.id for each in published_changes(facts) if each.now is None]
    return [
        f"{name} is gone: upgrade databases that are still at it before this is deployed"
        for name in gone
        if name not in at_heads
    ]


def _left_out(facts: Facts, gone: list[ChangedRevision]) -> Finding:
    return Finding(
        RULE,
        f"{gone[0].before.id} is in {facts.base_name} and is gone: {outcome(facts)}",
        _location(facts, gone[0]),
        facts.environment.name,
        hint=f"Undo what it made in a new migration. Put it back: {restore_command(facts, *gone)}",
    )


def _location(facts: Facts, changed: ChangedRevision) -> Location:
    """Return the line of a deleted revision's id, in the base or in the file renamed from it."""
    if changed.renamed:
        new = changed.renamed
        return location_in(facts.tree, new.path, *new.lines["revision"])
    before = changed.before
    location = location_in(facts.base, before.path, *before.lines["revision"])
    return location if before.path in facts.tree.files else replace(location, in_base=True)


def _fails_in_base(facts: Facts, changed: ChangedRevision) -> bool:
    before = facts.comparison.before if facts.comparison else None
    if before is None or not before.error:
        return False
    return changed.before.id not in (*before.revisions, *before.restored)


def _finding(facts: Facts, changed: ChangedRevision) -> Finding:
    gone, new = changed.before.id, changed.renamed
    how = f"is now called {new.id}" if new else "is gone"
    hint = (
        f"Give it its id back: revision = '{gone}'"
        if new
        else "Undo what it made in a new migration on top of it, or squash so that this id stays. "
        f"Put it back: {restore_command(facts, changed)}"
    )
    return Finding(
        RULE,
        f"{gone} is in {facts.base_name} and {how}: every upgrade of a database at {gone} "
        f"will say: Can't locate revision identified by '{gone}'",
        _location(facts, changed),
        facts.environment.name,
        hint=hint,
    )

"""uncommitted-migration: the migration that would cure it lies on disk, not in the commit."""

from __future__ import annotations

from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules.differences import locations


def check(facts: Facts) -> list[Finding]:
    """One finding for each forgotten file; `facts.cured` was found out by a dry run with them."""
    if not facts.cured:
        return []
    things = ", ".join(dict.fromkeys(operation.text for operation in facts.cured))
    related = [place for operation in facts.cured for place in locations(facts, operation)[:1]]
    return [
        Finding(
            "uncommitted-migration",
            f"this migration is {_state(facts, path)}, and the commit needs it for {things}",
            Location(path),
            facts.environment.name,
            related=tuple(dict.fromkeys(related)),
        )
        for path in facts.forgotten
    ]


def _state(facts: Facts, path: str) -> str:
    if path in facts.tree.files:
        return "staged without its last edits"
    left_out = facts.repository.names_paths()
    return "not among the paths that are committed" if left_out else "on disk but not staged"

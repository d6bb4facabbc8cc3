"""missing-migration: the models changed the schema and the commit has no new migration."""

from __future__ import annotations

from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import difference, state, verb


def check(facts: Facts) -> list[Finding]:
    """One finding for each difference that no new migration could be blamed for."""
    if facts.new:
        return []
    return [
        difference(
            "missing-migration",
            facts,
            operation,
            f"{state(operation)}, but no migration {verb(operation)} it",
        )
        for operation in facts.uncured
    ]

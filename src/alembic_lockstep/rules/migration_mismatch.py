"""migration-mismatch: there is a new migration, but database and models still differ after it."""

from __future__ import annotations

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import finding_of, state, verb

# More revisions than these are counted, not named: each finding would repeat all names.
MOST_NAMES = 3


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each difference that the new migrations leave or make."""
    if not facts.new:
        return []
    return [
        finding_of("migration-mismatch", facts, operation, _message(facts, operation))
        for operation in facts.unfixed
    ]


def _message(facts: Facts, operation: Operation) -> str:
    names = [revision.id for revision in facts.new]
    are_many = len(names) > MOST_NAMES
    every = f"the {len(names)} new migrations" if are_many else ", ".join(names)
    if operation.kind.startswith("remove"):  # left over, or just made
        return f"after {every} the database has {operation.text}, which the models lack"
    subject = f"the new migration {every} never" if len(names) == 1 else f"none of {every}"
    return f"{state(operation)}, but {subject} {verb(operation)} it"

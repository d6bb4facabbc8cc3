"""missing-migration: the models changed the schema and the commit has no new migration."""

from __future__ import annotations

from alembic_lockstep.dryrun.failures import lacks_column
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.facts import Facts, at
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import difference, state, verb


def check(facts: Facts) -> list[Finding]:
    """One finding for each difference that no new migration could be blamed for."""
    if facts.comparison and facts.comparison.now.error:
        return _queried(facts, facts.comparison.now)
    if facts.new:
        return []
    return [
        difference(
            "missing-migration",
            facts,
            operation,
            f"{state(operation)}, but no migration {verb(operation)} it",
        )
        for operation in facts.unfixed
    ]


def _queried(facts: Facts, now: Observation) -> list[Finding]:
    """Report the column that the application asks for when it has run its migrations itself."""
    column = lacks_column(now)
    if not column:
        return []
    frames = [frame for frame in now.error["frames"] if frame["path"]]
    path, line = (
        (frames[-1]["path"], frames[-1]["line"]) if frames else (facts.environment.config, 1)
    )
    return [
        Finding(
            "missing-migration",
            f"column {column} is queried while the application starts, after it has run its "
            "migrations, but no migration adds it",
            at(facts.tree, path, line),
            facts.environment.name,
            hint="Until it is there the application does not start, not for autogenerate either. "
            "Query it later, and `alembic-lockstep check` prints the migration, or write one.",
        )
    ]

"""missing-migration: the models changed the schema and the commit has no new migration."""

from __future__ import annotations

from alembic_lockstep.advice.failures import missing_column
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import finding_of, state, verb


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each difference of a commit without a new migration."""
    if facts.comparison and facts.comparison.now.error:
        return _queried_column(facts, facts.comparison.now)
    if facts.new:
        return []
    return [
        finding_of(
            "missing-migration",
            facts,
            operation,
            f"{state(operation)}, but no migration {verb(operation)} it",
        )
        for operation in facts.unfixed
    ]


def _queried_column(facts: Facts, now: Observation) -> list[Finding]:
    """Return a finding for a column that the application queries after its own migrations."""
    column = missing_column(now)
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
            location_in(facts.tree, path, line),
            facts.environment.name,
            hint="Until it is there the application does not start, not for autogenerate either. "
            "Query it later, and `alembic-lockstep check` prints the migration, or write one.",
        )
    ]

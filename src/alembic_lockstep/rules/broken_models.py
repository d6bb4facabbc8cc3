"""broken-models: the models of the commit cannot make a table, and those of the base could."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import locations


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each table whose own CREATE statements fail now."""
    comparison = facts.comparison
    if comparison is None:
        return []
    before = comparison.before
    if before is None or before.error:
        return []
    return [
        _finding(facts, database, table, why)
        for database, table, why in _failed_tables(comparison.now)
        if _was_creatable(before, database, table)
    ]


def _failed_tables(now: Observation) -> Iterator[tuple[str, str, str]]:
    """Yield the database's name, the table and the error of each table that cannot be created."""
    for database in now.databases:
        for table, why in database["twin"]["unmade"].items():
            if table:  # else a listener of all tables failed, which may read what migrations made
                yield database["name"], table, why


def _was_creatable(before: Observation, database: str, table: str) -> bool:
    """Return whether the models of the base created all tables, or at least this one."""
    twins = [entry["twin"] for entry in before.databases if entry["name"] == database]
    return any(not twin["failure"] and table not in twin["unseen"] for twin in twins)


def _finding(facts: Facts, database: str, table: str, why: str) -> Finding:
    operation = Operation(database, "add_table", table, "", (), "", "", f"table {table}", ())
    primary, *related = locations(facts, operation)
    return Finding(
        "broken-models",
        f"create_all() cannot make table {table}: {why}",
        primary,
        facts.environment.name,
        related=tuple(related),
        hint="Mend what the models say of it. If a migration makes what they lack, and that is not "
        "seen here: # lockstep: ignore[broken-models] and the reason.",
    )

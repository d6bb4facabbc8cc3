"""broken-models: the models of the commit cannot make a table, and those of the base could."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules.differences import locations


def check(facts: Facts) -> list[Finding]:
    """One finding for each table whose own CREATE statements fail now."""
    seen = facts.comparison
    if seen is None or seen.now.error or seen.before is None or seen.before.error:
        return []
    before = seen.before
    return [
        _finding(facts, name, table, why)
        for name, table, why in _unmade(seen.now)
        if _could_be_made(before, name, table)
    ]


def _unmade(now: Observation) -> Iterator[tuple[str, str, str]]:
    for database in now.databases:
        for table, why in database["twin"]["unmade"].items():
            if table:  # else it is a listener of all of them, which may read what migrations made
                yield database["name"], table, why


def _could_be_made(before: Observation, name: str, table: str) -> bool:
    """Tell whether the models of the base made all tables, or at least this one."""
    twins = [database["twin"] for database in before.databases if database["name"] == name]
    return any(not twin["failure"] and table not in twin["unseen"] for twin in twins)


def _finding(facts: Facts, name: str, table: str, why: str) -> Finding:
    made = Operation(name, "add_table", table, "", (), "", "", f"table {table}", ())
    places = locations(facts, made)
    return Finding(
        "broken-models",
        f"create_all() cannot make table {table}: {why}",
        places[0],
        facts.environment.name,
        related=tuple(places[1:]),
        hint="Mend what the models say of it. If a migration makes what they lack, and that is not "
        "seen here: # lockstep: ignore[broken-models] and the reason.",
    )

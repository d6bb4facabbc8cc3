"""What the rules about schema differences share: words and places for an operation."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.facts import Facts, at, merged_catalogue
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.history.revisions import Revision
from alembic_lockstep.models.locate import find_in_migration, locate, locate_original

STATES = {
    "add": "is in the models",
    "remove": "is not in the models",
    "modify": "is different in the models",
    "other": "differs",
}
VERBS = {"add": "adds", "remove": "drops", "modify": "alters", "other": "changes"}


def rule_of(facts: Facts, operation: Operation) -> str:
    """The rule that reports an introduced difference."""
    if operation in facts.fixed:
        return "uncommitted-migration"
    return "migration-mismatch" if facts.new else "missing-migration"


def state(operation: Operation) -> str:
    """What happened: `column games.winners is in the models`."""
    return f"{operation.text} {STATES[operation.kind.partition('_')[0]]}"


def verb(operation: Operation) -> str:
    """What a migration should do about it: `adds`."""
    return VERBS[operation.kind.partition("_")[0]]


def difference(rule: str, facts: Facts, operation: Operation, message: str) -> Finding:
    """The finding about one operation, where it comes from."""
    places = locations(facts, operation)
    return Finding(
        rule,
        message,
        places[0],
        facts.environment.name,
        related=tuple(places[1:]),
        hint=_both(operation) or _renamed(facts, operation),
        operation="\n".join(operation.whole_code),
        sql=operation.sql,
        difference=operation,
    )


def _both(operation: Operation) -> str:
    """What is there, and what should be: a message has no room for two definitions."""
    if not operation.sql or not operation.kind.startswith("modify"):
        return ""
    return f"models:   {operation.wanted or 'none'}\ndatabase: {operation.found or 'none'}"


def _renamed(facts: Facts, operation: Operation) -> str:
    """What else may be meant where a class has another `__tablename__`, as rows would be lost."""
    assert facts.comparison is not None
    before = facts.comparison.before
    if before is None or operation.kind != "add_table":
        return ""
    gone = [one.table for one in facts.comparison.introduced if one.kind == "remove_table"]
    now = merged_catalogue(facts.comparison.now.databases, operation.database)["tables"]
    then = merged_catalogue(before.databases, operation.database)["tables"]
    for table in gone:
        if _class(then.get(table)) and _class(then.get(table)) == _class(now.get(operation.table)):
            schema, _, old = table.rpartition(".")
            within = f", schema={schema!r}" if schema else ""
            new = operation.table.rpartition(".")[2]
            return (
                f"Was {table} renamed? To keep its rows, write "
                f"op.rename_table({old!r}, {new!r}{within}) in place of both operations."
            )
    return ""


def _class(table: Mapping[str, Any] | None) -> tuple[str, str] | None:
    return (table["file"], table["class"]) if table and table["class"] else None


def locations(facts: Facts, operation: Operation) -> list[Location]:
    """Where the operation comes from, the best place first; never empty."""
    found = [_in_models(facts, operation), _deleted(facts, operation)]
    if operation.kind.startswith("remove"):
        found.insert(0, _in_new_migration(facts, operation))
    kept = [place for place in found if place is not None] or list(
        _of_the_original(facts, operation)
    )
    return kept or [_in_old_migration(facts, operation) or _in_env_script(facts)]


def _in_models(facts: Facts, operation: Operation) -> Location | None:
    assert facts.comparison is not None
    catalogue = merged_catalogue(facts.comparison.now.databases, operation.database)
    return locate(asdict(operation), catalogue, facts.tree.read)


def _of_the_original(facts: Facts, operation: Operation) -> Iterator[Location]:
    """Where the same change of another table comes from, or else the table that it is made after.

    A table that code makes after a model (SQLAlchemy-Continuum's `person_version`) stands nowhere.
    """
    assert facts.comparison is not None
    for other in facts.comparison.introduced:
        if other.table != operation.table and _what(other) == _what(operation):
            place = _in_models(facts, other)
            if place is not None:
                yield place
                return
    catalogue = merged_catalogue(facts.comparison.now.databases, operation.database)
    place = locate_original(operation.table, catalogue, facts.tree.read)
    if place is not None:
        yield place


def _what(operation: Operation) -> tuple[str, str, tuple[str, ...]]:
    return operation.kind, operation.name, tuple(operation.columns)


def _deleted(facts: Facts, operation: Operation) -> Location | None:
    """The deleted line, as the base has it."""
    assert facts.comparison is not None
    before = facts.comparison.before
    if before is None or not operation.kind.startswith("remove"):
        return None
    catalogue = merged_catalogue(before.databases, operation.database)
    found = locate(asdict(operation), catalogue, facts.base.read)
    if found is None or found.source in (facts.tree.read(found.path) or "").splitlines():
        return None  # the line still stands: the base knew nothing of the thing either
    return replace(found, in_base=True)


def _in_new_migration(facts: Facts, operation: Operation) -> Location | None:
    return _in_migrations(facts, operation, facts.new)


def _in_old_migration(facts: Facts, operation: Operation) -> Location | None:
    """Where a thing was made that no models know of, and never did: those of another library."""
    if not operation.kind.startswith("remove"):
        return None
    return _in_migrations(facts, operation, facts.history.revisions)


def _in_migrations(
    facts: Facts, operation: Operation, revisions: Iterable[Revision]
) -> Location | None:
    for revision in revisions:
        text = facts.tree.read(revision.path) or ""
        span = find_in_migration(text, operation.table, operation.name)
        if span is not None:
            return Location(revision.path, span.line, span.column, span.source, span.length)
    return None


def _in_env_script(facts: Facts) -> Location:
    """The line of env.py that names the models; that file may be of another library's making."""
    path = posixpath.join(facts.environment.script_location, "env.py")
    lines = (facts.tree.read(path) or "").splitlines()
    named = (number for number, line in enumerate(lines, 1) if "target_metadata" in line)
    return (
        at(facts.tree, path, next(named, 1)) if lines else at(facts.tree, facts.environment.config)
    )

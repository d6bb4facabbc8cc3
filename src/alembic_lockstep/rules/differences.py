"""Findings, words and locations of operations, for the rules about schema differences."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.dryrun.schema_operations import Operation, code_by_itself
from alembic_lockstep.facts import Facts, location_in, merged_catalogue
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.pysource.locate import locate, locate_original
from alembic_lockstep.pysource.migration import find_in_migration

STATES = {
    "add": "is in the models",
    "remove": "is not in the models",
    "modify": "is different in the models",
    "other": "differs",
}
VERBS = {"add": "adds", "remove": "drops", "modify": "alters", "other": "changes"}


def rule_of(facts: Facts, operation: Operation) -> str:
    """Return the rule that reports an introduced difference."""
    if operation in facts.fixed:
        return "uncommitted-migration"
    return "migration-mismatch" if facts.new else "missing-migration"


def state(operation: Operation) -> str:
    """Return what happened: `column games.winners is in the models`."""
    return f"{operation.text} {STATES[operation.kind.partition('_')[0]]}"


def verb(operation: Operation) -> str:
    """Return the verb for a migration that makes the difference go away: `adds`."""
    return VERBS[operation.kind.partition("_")[0]]


def finding_of(rule: str, facts: Facts, operation: Operation, message: str) -> Finding:
    """Return the finding about an operation, at the location that the operation comes from."""
    primary, *related = locations(facts, operation)
    return Finding(
        rule,
        message,
        primary,
        facts.environment.name,
        related=tuple(related),
        hint=_hint(facts, operation),
        operation=code_by_itself(operation),
        sql=operation.sql,
        difference=operation,
    )


def _hint(facts: Facts, operation: Operation) -> str:
    """Return both definitions of a modified thing, or how to keep a renamed table; or ""."""
    if operation.sql and operation.kind.startswith("modify"):
        return f"models:   {operation.expected or 'none'}\ndatabase: {operation.actual or 'none'}"
    return _rename_hint(facts, operation)


def _rename_hint(facts: Facts, operation: Operation) -> str:
    """Return how to keep the rows of a table whose class has another `__tablename__` now."""
    assert facts.comparison is not None
    before = facts.comparison.before
    if before is None or operation.kind != "add_table":
        return ""
    introduced = facts.comparison.introduced
    removed = [each.table for each in introduced if each.kind == "remove_table"]
    now = merged_catalogue(facts.comparison.now.databases, operation.database)["tables"]
    then = merged_catalogue(before.databases, operation.database)["tables"]
    for table in removed:
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


def locations(
    facts: Facts, operation: Operation, revisions: Sequence[Revision] | None = None
) -> list[Location]:
    """Return the locations that an operation comes from, the best first; never empty.

    Args:
        revisions: Those whose migrations may drop the thing; None for the new ones.
    """
    is_removed = operation.kind.startswith("remove")
    candidates = [_in_models(facts, operation)]
    if is_removed:
        new = facts.new if revisions is None else revisions
        dropped = _in_migrations(facts, operation, new)
        candidates = [dropped, *candidates, _deleted_line(facts, operation)]
    located = [location for location in candidates if location is not None]
    if located:
        return located
    original = _in_original(facts, operation)
    if original is None and is_removed:  # no model ever declared it: it may be another library's
        original = _in_migrations(facts, operation, facts.history.revisions)
    return [original or _in_env_script(facts)]


def _in_models(facts: Facts, operation: Operation) -> Location | None:
    assert facts.comparison is not None
    catalogue = merged_catalogue(facts.comparison.now.databases, operation.database)
    return locate(asdict(operation), catalogue, facts.tree.read)


def _in_original(facts: Facts, operation: Operation) -> Location | None:
    """Return the location of the same change of another table, or of the table copied.

    A table that code copies from a model (SQLAlchemy-Continuum's `person_version`) has no lines.
    """
    assert facts.comparison is not None
    introduced = facts.comparison.introduced
    alike = (each for each in introduced if _change(each) == _change(operation))
    located = filter(None, (_in_models(facts, each) for each in alike))
    catalogue = merged_catalogue(facts.comparison.now.databases, operation.database)
    return next(located, None) or locate_original(operation.table, catalogue, facts.tree.read)


def _change(operation: Operation) -> tuple[str, str, tuple[str, ...]]:
    return operation.kind, operation.name, tuple(operation.columns)


def _deleted_line(facts: Facts, operation: Operation) -> Location | None:
    """Return the deleted line, as the base has it."""
    assert facts.comparison is not None
    before = facts.comparison.before
    if before is None:
        return None
    catalogue = merged_catalogue(before.databases, operation.database)
    location = locate(asdict(operation), catalogue, facts.base.read)
    if location is None or location.source in (facts.tree.read(location.path) or "").splitlines():
        return None  # the line still exists, so it did not define the thing in the base either
    return replace(location, in_base=True)


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
    """Return the line of env.py that names the models, or the config file without an env.py."""
    path = posixpath.join(facts.environment.script_location, "env.py")
    lines = (facts.tree.read(path) or "").splitlines()
    if not lines:
        return location_in(facts.tree, facts.environment.config)
    numbers = (number for number, line in enumerate(lines, 1) if "target_metadata" in line)
    return location_in(facts.tree, path, next(numbers, 1))

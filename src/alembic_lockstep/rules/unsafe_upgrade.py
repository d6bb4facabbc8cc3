"""unsafe-upgrade: the new migrations fail on tables that hold rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_lockstep.advice.row_errors import RowError, row_error
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.fix.row_steps import steps_for
from alembic_lockstep.rules.migration_lines import (
    dialect_of,
    error_text,
    failing_line,
    mark,
    trial_of,
)

RULE = "unsafe-upgrade"

_NEEDED_INDEX = (
    "MySQL and MariaDB keep an index that a foreign key needs: drop the foreign key before it, or "
    "leave this line out if the table is dropped as well, which drops its indexes."
)


def check(facts: Facts) -> list[Finding]:
    """Return a finding for the statement that fails, which is the last of the trial."""
    trial = trial_of(facts)
    if trial.get("phase") != "upgrade":
        return []
    error, revision = trial["error"], trial.get("revision", "")
    action = f"upgrade() of {revision}" if revision else "the upgrade"
    location = failing_line(facts, revision, error)
    text = facts.tree.read(location.path) or ""
    return [
        Finding(
            RULE,
            f"{action} fails on tables with rows: {failure_text(error)}",
            location,
            facts.environment.name,
            hint=failure_hint(error, dialect_of(facts), text, RULE),
        )
    ]


def failure_text(error: Mapping[str, Any]) -> str:
    """Return which rows a statement failed on; the error itself if it is not about rows."""
    rows = row_error(error)
    return (rows and _described(rows)) or error_text(error)


def failure_hint(error: Mapping[str, Any], dialect: str, text: str, rule: str) -> str:
    """Return the server's words, what to write, and how to mark the line.

    Args:
        error: The failure.
        dialect: The database's.
        text: The migration's.
        rule: The rule of the finding.
    """
    rows = row_error(error)
    if rows is None:
        statement = " ".join(str(error.get("statement") or "").split())
        failing = f"This fails: {statement}" if statement else ""
        lines = [failing, mark(rule, "If it cannot happen")]
        if "needed in a foreign key constraint" in str(error["message"]):
            lines.insert(1, _NEEDED_INDEX)
        return "\n".join(filter(None, lines))
    said = error_text(error) if _described(rows) else ""
    steps = steps_for(rows, dialect, text).text
    return "\n".join(filter(None, [said, steps, mark(rule, "If there are no such rows")]))


def _described(error: RowError) -> str:
    """Return a sentence about the rows; empty if neither table nor column is known."""
    column, table = error.column, error.table
    value = f" ({error.value})" if error.value else ""
    if error.kind == "null" and column:
        if error.adds:
            return f"{column} is NOT NULL without a default, and rows have no value for it"
        if error.changes_rows:
            return f"rows get no value in {column}, which is NOT NULL"
        return f"{column} becomes NOT NULL, and rows hold NULL in it"
    if error.kind == "duplicate" and (column or error.constraint):
        name = column or error.constraint
        if error.changes_rows:
            return f"rows get equal values in {name}, which is unique{value}"
        return f"{name} becomes unique, and rows hold equal values in it{value}"
    if error.kind == "cast" and column:
        kind = error.type or "its new type"
        return f"rows hold values in {column} that do not fit {kind}{value}"
    if error.kind == "check":
        of_table = f" of {table}" if table else ""
        return f"rows violate the check constraint {error.constraint}{of_table}"
    if error.kind == "orphan" and (column or table):
        target = f" of {error.target}" if error.target else ""
        return f"rows refer in {column or table} to rows{target} that do not exist{value}"
    if error.kind == "referred" and table:
        others = error.target or "other tables"
        return f"rows of {table} go, and rows of {others} refer to them"
    if error.kind == "pending":
        return f"{table} is altered while deferred constraints of its rows are not checked yet"
    return ""

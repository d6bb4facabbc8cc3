"""Notes for the summary on the trial of new migrations on tables with rows."""

from __future__ import annotations

from alembic_lockstep.facts import Facts
from alembic_lockstep.report.text import listed, plural
from alembic_lockstep.rules.lost_rows import intended_losses
from alembic_lockstep.rules.migration_lines import trial_of

# Reasons in the summary may be long messages of a server.
_LONGEST_REASON = 100


def row_notes(facts: Facts) -> list[str]:
    """Return what was tried on rows, what could not be, and what data goes on purpose."""
    trial = trial_of(facts)
    notes = []
    filled = trial.get("filled", {})
    if filled:
        rows = plural(sum(filled.values()), "row")
        ways = "" if trial.get("phase") == "upgrade" else ", and back"
        one_way = trial.get("one_way", [])
        if one_way:
            verb = "says" if len(one_way) == 1 else "say"
            ways = f"; not back: {listed(one_way)} {verb} that there is no way back"
        names = listed(trial.get("revisions", []))
        notes.append(f"rows: {names} ran on {rows} in {plural(len(filled), 'table')}{ways}")
    unfilled = trial.get("unfilled", {})
    if unfilled:
        tables = listed(f"{table} ({_short(reason)})" for table, reason in unfilled.items())
        notes.append(f"no rows in {tables}")
    if trial.get("note"):
        notes.append(f"rows: {trial['note']}")
    return [*notes, *intended_losses(facts)]


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"

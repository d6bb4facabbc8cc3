"""Say what was written, what was judged, and what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_lockstep.findings import Finding
from alembic_lockstep.report.text import position, printable
from alembic_lockstep.verdict import Verdict
from alembic_lockstep.write_migration.changes import FileChange


def outcome(changes: Sequence[FileChange], judged: Verdict) -> Iterator[str]:
    """Yield the lines on changes whose tree was judged."""
    yield _judged(judged)
    yield from (f"  {line}" for line in _untried(judged))
    yield from (f"  {printable(change.note)}" for change in changes if change.note)
    marks = [(change.path, *mark) for change in changes for mark in change.marks]
    if marks:
        yield "\nLook at this before you commit it:"
        yield from (f"  {printable(f'{path}:{line}: {text}')}" for path, line, text in marks)
    if judged.findings:
        yield "\nStill wrong, and for you to decide:"
        yield from (f"  {line_of(finding)}" for finding in judged.findings)


def _judged(judged: Verdict) -> str:
    trials = [each.comparison.now.trial for each in judged.environments if each.comparison]
    trials = [trial for trial in trials if trial]
    tried = ["upgrade"]
    if trials and not any(trial.get("note") for trial in trials):
        tried.append("rows")
        if not any(trial.get("one_way") or trial.get("empty_downgrades") for trial in trials):
            tried.append("way back")
    return f"Judged: {', '.join(tried)}, and compared with the models."


def _untried(judged: Verdict) -> Iterator[str]:
    trials = (each.comparison.now.trial for each in judged.environments if each.comparison)
    notes = dict.fromkeys(trial["note"] for trial in trials if trial.get("note"))
    yield from (f"not on rows: {printable(note)}" for note in notes)


def line_of(finding: Finding) -> str:
    """Return a finding in one line."""
    return f"{position(finding.location)}: {finding.rule}: {printable(finding.message)}"

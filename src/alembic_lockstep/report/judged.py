"""A verdict as a report."""

from __future__ import annotations

from alembic_lockstep.gate import EnvironmentVerdict, Verdict
from alembic_lockstep.ignores import faults, unused
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.summary import not_compared, summary


def report_of(verdict: Verdict) -> Report:
    """What there is to say of a verdict."""
    ignores = [one.ignores for one in verdict.environments]
    return Report(
        summary=tuple(summary(verdict)),
        base=verdict.base,
        tree=verdict.tree,
        environments=tuple(_environment(one) for one in verdict.environments),
        ignored=tuple(thing for one in ignores for thing in one.ignored),
        unused_ignores=tuple(unused(ignores)),
        faulty_ignores=tuple(faults(ignores)),
    )


def _environment(verdict: EnvironmentVerdict) -> EnvironmentReport:
    name, comparison = verdict.environment.name, verdict.comparison
    if comparison is None:
        return EnvironmentReport(
            name, verdict.findings, verdict.cures, verdict.servers, notes=verdict.notes
        )
    now = comparison.now
    return EnvironmentReport(
        name,
        verdict.findings,
        verdict.cures,
        verdict.servers,
        dialects=tuple(sorted({one["dialect"] for one in now.connections})),
        start=comparison.start,
        revisions_run=0 if comparison.untouched else len(now.revisions),
        revisions_remembered=len(now.remembered)
        + (len(now.revisions) if comparison.untouched else 0),
        old_differences=len(comparison.old),
        not_compared=tuple(not_compared(comparison, ", ".join)),
        notes=(*comparison.notes, *verdict.notes),
        refused=tuple(comparison.refused),
    )

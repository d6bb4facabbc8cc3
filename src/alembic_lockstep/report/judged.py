"""A verdict as a report."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.facts import merged_catalogue
from alembic_lockstep.ignores import faults, unused
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.summary import not_compared, summary
from alembic_lockstep.rules import unregistered_model
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict

# Fewer missing imports are told by their findings.
SEVERAL = 4


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
            name, verdict.findings, verdict.fixes, verdict.servers, notes=verdict.notes
        )
    now = comparison.now
    return EnvironmentReport(
        name,
        verdict.findings,
        verdict.fixes,
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
        overview=tuple(_unregistered_files(verdict, comparison)),
    )


def _unregistered_files(verdict: EnvironmentVerdict, comparison: Comparison) -> Iterator[str]:
    """Yield how many of the files with models env.py imports, where it lacks several."""
    tables = merged_catalogue(comparison.now.databases)["tables"].values()
    loaded = {table["file"] for table in tables if table["file"]}
    found = (one.location.path for one in verdict.findings if one.rule == unregistered_model.RULE)
    lacking = set(found) - loaded
    if len(lacking) >= SEVERAL:
        env_py = f"{verdict.environment.script_location}/env.py"
        yield f"{env_py} imports {len(loaded)} of {len(loaded | lacking)} model modules"

"""Report of a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.facts import merged_catalogue
from alembic_lockstep.ignores.ignoring import faulty_ignores, unused_ignores
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.summary import not_compared, summary
from alembic_lockstep.rules import unregistered_model
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict

# Fewer missing imports need no overview.
SEVERAL = 4


def report_of(verdict: Verdict) -> Report:
    """Return the report of a verdict."""
    ignores = [environment.ignores for environment in verdict.environments]
    return Report(
        summary=tuple(summary(verdict)),
        base=verdict.base,
        tree=verdict.tree,
        environments=tuple(map(_environment, verdict.environments)),
        ignored=tuple(ignored for entry in ignores for ignored in entry.ignored),
        unused_ignores=tuple(unused_ignores(ignores)),
        faulty_ignores=tuple(faulty_ignores(ignores)),
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
        dialects=tuple(sorted({connection["dialect"] for connection in now.connections})),
        start=comparison.start,
        revisions_run=0 if comparison.is_recalled else len(now.revisions),
        revisions_cached=len(now.restored) + (len(now.revisions) if comparison.is_recalled else 0),
        old_differences=len(comparison.old),
        not_compared=tuple(not_compared(comparison, ", ".join)),
        notes=(*comparison.notes, *verdict.notes),
        refused=tuple(comparison.refused),
        overview=tuple(_unregistered_files(verdict, comparison)),
    )


def _unregistered_files(verdict: EnvironmentVerdict, comparison: Comparison) -> Iterator[str]:
    """Yield how many of the model modules env.py imports, if it lacks several."""
    tables = merged_catalogue(comparison.now.databases)["tables"].values()
    loaded = {table["file"] for table in tables if table["file"]}
    unregistered = {
        finding.location.path
        for finding in verdict.findings
        if finding.rule == unregistered_model.RULE
    }
    lacking = unregistered - loaded
    if len(lacking) >= SEVERAL:
        env_py = f"{verdict.environment.script_location}/env.py"
        yield f"{env_py} imports {len(loaded)} of {len(loaded | lacking)} model modules"

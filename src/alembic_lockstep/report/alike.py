"""Findings and fixes that several environments share: each once, with all their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from alembic_lockstep.findings import Finding, Fix
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import listed, printable


@dataclass(frozen=True)
class SharedFinding:
    """A finding, and the names of all environments that have it."""

    finding: Finding
    environments: tuple[str, ...]

    @property
    def label(self) -> str:
        """` (alembic.ini, other.ini)` if there are several, else empty."""
        several = len(self.environments) > 1
        return f" ({listed(map(printable, self.environments))})" if several else ""


def share_findings(findings: Iterable[Finding]) -> list[SharedFinding]:
    """Return findings that differ only in their environment once, in their order."""
    names: dict[Finding, list[str]] = defaultdict(list)
    first: dict[Finding, Finding] = {}
    for finding in findings:
        # The statements may differ by dialect, and no format for people shows them.
        key = replace(finding, environment="", sql=(), difference=None)
        first.setdefault(key, finding)
        names[key].append(finding.environment)
    return [SharedFinding(first[key], tuple(dict.fromkeys(names[key]))) for key in first]


def share_fixes(report: Report) -> list[Fix]:
    """Return each fix once; if the report has several environments, with their names."""
    names: dict[Fix, list[str]] = defaultdict(list)
    for environment in report.environments:
        for fix in environment.fixes:
            names[fix].append(environment.config)
    if len(report.environments) < 2:
        return list(names)
    # Code that several need comes first, then the commands for each.
    return [
        replace(fix, title=f"{fix.title.removesuffix(':')} ({listed(configs)}):")
        for fix, configs in names.items()
    ]

"""What several environments have alike, for people: each thing once, with all their names."""

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
        """` (alembic.ini, other.ini)` where there are several, else empty."""
        several = len(self.environments) > 1
        return f" ({listed(map(printable, self.environments))})" if several else ""


def share_findings(findings: Iterable[Finding]) -> list[SharedFinding]:
    """Return findings that differ in nothing but their environment once, in their order."""
    names: dict[Finding, list[str]] = defaultdict(list)
    first: dict[Finding, Finding] = {}
    for finding in findings:
        # The dialects' statements may differ, and no format for people shows them.
        key = replace(finding, environment="", sql=(), difference=None)
        first.setdefault(key, finding)
        names[key].append(finding.environment)
    return [SharedFinding(first[key], tuple(dict.fromkeys(names[key]))) for key in first]


def share_fixes(report: Report) -> list[Fix]:
    """Return each fix once; where the report has several environments, with their names."""
    names: dict[Fix, list[str]] = defaultdict(list)
    for environment in report.environments:
        for fix in environment.fixes:
            names[fix].append(environment.config)
    if len(report.environments) < 2:
        return list(names)
    # Code first where several need the same, then what to type in each.
    return [
        replace(fix, title=f"{fix.title.removesuffix(':')} ({listed(configs)}):")
        for fix, configs in names.items()
    ]

"""concise: one line a finding, `path:line:column: rule: message`."""

from __future__ import annotations

from alembic_lockstep.findings import Finding
from alembic_lockstep.report.alike import share_findings
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import printable


def first_line(finding: Finding, label: str = "") -> str:
    """Return the first line of a finding in every format for people; `label` ends it."""
    location = finding.location
    position = f"{location.path}:{location.line}:{location.column}"
    return printable(f"{position}: {finding.rule}: {finding.message}{label}")


def render(report: Report) -> str:
    """Return the findings."""
    return "".join(
        f"{first_line(shared.finding, shared.label)}\n"
        for shared in share_findings(report.findings)
    )

"""concise: one line a finding, `path:line:column: rule: message`."""

from __future__ import annotations

from alembic_lockstep.findings import Finding
from alembic_lockstep.report import failure
from alembic_lockstep.report.alike import share_findings
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import printable


def first_line(finding: Finding, label: str = "") -> str:
    """The line that every format for people starts a finding with; `label` ends it."""
    place = finding.location
    where = f"{place.path}:{place.line}:{place.column}"
    return printable(f"{where}: {finding.rule}: {finding.message}{label}")


def render(report: Report) -> str:
    """The findings, or why there are none."""
    if report.failure:
        return failure.render(report.failure)
    return "".join(
        f"{first_line(one.finding, one.label)}\n" for one in share_findings(report.findings)
    )

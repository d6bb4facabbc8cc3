"""concise: one line a finding, `path:line:column: rule: message`."""

from __future__ import annotations

from alembic_lockstep.findings import Finding
from alembic_lockstep.report import failure
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import printable


def first_line(finding: Finding) -> str:
    """The line that every format for people starts a finding with."""
    place = finding.location
    where = f"{place.path}:{place.line}:{place.column}"
    return printable(f"{where}: {finding.rule}: {finding.message}")


def render(report: Report) -> str:
    """The findings, or why there are none."""
    if report.failure:
        return failure.render(report.failure)
    return "".join(f"{first_line(finding)}\n" for finding in report.findings)

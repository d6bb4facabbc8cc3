"""concise: one line a finding, `path:line:column: rule: message`."""

from __future__ import annotations

from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import Verdict
from alembic_lockstep.report.terminal import printable, stdout


def first_line(finding: Finding) -> str:
    """The line that every terminal format starts a finding with."""
    place = finding.location
    where = f"{place.path}:{place.line}:{place.column}"
    return printable(f"{where}: {finding.rule}: {finding.message}")


def render(verdict: Verdict) -> None:
    """Print the findings."""
    console = stdout()
    for finding in verdict.findings:
        console.print(first_line(finding))

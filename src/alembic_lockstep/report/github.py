"""github: workflow commands, which GitHub Actions shows as annotations on the lines.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from alembic_lockstep.report import failure
from alembic_lockstep.report.alike import SharedFinding, share_findings
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import listed, plain_text

# As the runner reads them: https://github.com/actions/toolkit, `command.ts`.
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def render(report: Report) -> str:
    """Return a command for each finding; nothing if there is none."""
    if report.failure:
        return _error(failure.plain(report.failure), title="could not judge")
    several = len(report.environments) > 1
    return "".join(_finding(shared, several) for shared in share_findings(report.findings))


def _finding(shared: SharedFinding, several: bool) -> str:
    finding, names = shared.finding, listed(shared.environments)
    location = finding.location
    return _error(
        plain_text(finding),
        file=location.path,
        line=location.line,
        col=location.column,
        endColumn=location.column + location.length,
        title=f"{finding.rule} ({names})" if several else finding.rule,
    )


def _error(data: str, **properties: str | int) -> str:
    named = (f"{name}={str(value).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::error {','.join(named)}::{data.translate(_DATA)}\n"

"""gitlab: a Code Quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from typing import Any

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.report.fingerprints import fingerprints
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import printable

UNJUDGED = "could-not-judge"


def render(report: Report) -> str:
    """Return the issues as one array, which is empty if there are none."""
    findings = report.findings
    issues = list(map(_finding, findings, fingerprints(findings)))
    if report.failure:
        issues = [_failure(report.failure)]
    return json.dumps(issues, indent=2) + "\n"


def _finding(finding: Finding, fingerprint: str) -> dict[str, Any]:
    return _issue(finding.message, finding.rule, fingerprint, "major", finding.location)


def _failure(error: CouldNotJudge) -> dict[str, Any]:
    # GitLab needs a file: the configuration.
    location = Location(error.config or "pyproject.toml")
    fingerprint = fingerprints([Finding(UNJUDGED, "", location)])[0]
    return _issue(f"could not judge: {error.message}", UNJUDGED, fingerprint, "blocker", location)


def _issue(
    description: str, check: str, fingerprint: str, severity: str, location: Location
) -> dict[str, Any]:
    return {
        "description": printable(description),
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": printable(location.path), "lines": {"begin": location.line}},
    }

"""json: the whole report as one object; `version` grows when a name changes.

The schema is published: `docs/schema/report-1.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.verdict import Ignored

# Names of the published schema for fields that are called otherwise here.
_PUBLISHED = {"fixes": "cures", "revisions_cached": "revisions_remembered", "text": "what"}


def render(report: Report) -> str:
    """Return the report as one object."""
    return json.dumps(_report(report), indent=2) + "\n"


def _report(report: Report) -> dict[str, Any]:
    return {
        "version": 1,
        "verdict": report.verdict,
        "base": report.base,
        "tree": report.tree,
        "findings": [_finding(finding) for finding in report.findings],
        "ignored": [_published(ignored) for ignored in report.ignored],
        "unused_ignores": report.unused_ignores,
        "faulty_ignores": report.faulty_ignores,
        "environments": [_environment(environment) for environment in report.environments],
        "summary": report.summary,
        "failure": _failure(report.failure) if report.failure else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "message": finding.message,
        "path": finding.location.path,
        "line": finding.location.line,
        "column": finding.location.column,
        "commit": finding.location.commit,
        "environment": finding.environment,
        "hint": finding.hint,
        "operation": finding.operation,
        "sql": finding.sql,
        "related": [asdict(location) for location in finding.related],
    }


def _environment(environment: EnvironmentReport) -> dict[str, Any]:
    fields = _published(environment)
    del fields["findings"]  # the report has those of all environments in one list
    return fields


def _published(value: EnvironmentReport | Ignored) -> dict[str, Any]:
    return {_PUBLISHED.get(name, name): field for name, field in asdict(value).items()}


def _failure(error: CouldNotJudge) -> dict[str, Any]:
    return {"what": error.message, "tried": error.tried, "fix": error.fix, "log": error.log}

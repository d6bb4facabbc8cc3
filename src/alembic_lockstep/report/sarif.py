"""sarif: SARIF 2.1.0, for code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub takes of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from alembic_lockstep import __version__
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.pages import HOME, linked_page, rule_names, rule_summary, rule_url
from alembic_lockstep.report import failure
from alembic_lockstep.report.fingerprints import fingerprints
from alembic_lockstep.report.markdown import fenced, prose
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.text import block, plain_text

ROOT = "%SRCROOT%"


def render(report: Report) -> str:
    """Return a log with a single run."""
    run = {
        "tool": {"driver": _driver()},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The top of the git repository."}}},
        "invocations": [_invocation(report)],
        "results": _results(report),
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver() -> dict[str, Any]:
    return {
        "name": "alembic-lockstep",
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": [_rule(name) for name in rule_names()],
    }


def _rule(name: str) -> dict[str, Any]:
    page = linked_page(name)
    return {
        "id": name,
        "shortDescription": {"text": rule_summary(name)},
        "help": {"text": page, "markdown": page},
        "helpUri": rule_url(name),
        "defaultConfiguration": {"level": "error"},
    }


def _invocation(report: Report) -> dict[str, Any]:
    lines = [{"level": "note", "message": {"text": block(line)}} for line in report.summary]
    failed = [_failure(report.failure)] if report.failure else []
    return {
        "executionSuccessful": not report.failure,
        "toolExecutionNotifications": [*failed, *lines],
    }


def _failure(error: CouldNotJudge) -> dict[str, Any]:
    at = {"locations": [_location(Location(error.config))]} if error.config else {}
    return {
        "level": "error",
        "message": {"text": f"could not judge: {failure.plain(error)}"},
        **at,
    }


def _results(report: Report) -> list[dict[str, Any]]:
    prints = iter(fingerprints(report.findings))
    return [
        {
            "ruleId": finding.rule,
            "level": "error",
            "message": {"text": plain_text(finding), "markdown": _markdown(finding, environment)},
            "locations": [_location(finding.location)],
            "relatedLocations": [
                {"id": number, **_location(location)}
                for number, location in enumerate(finding.related, 1)
            ],
            # GitHub's upload adds a hash of the line, and warns of another by that name.
            "partialFingerprints": {"alembicLockstep/v1": next(prints)},
        }
        for environment in report.environments
        for finding in environment.findings
    ]


def _markdown(finding: Finding, environment: EnvironmentReport) -> str:
    """Return the message, and what fixes this finding."""
    parts = [prose(finding.message)]
    parts += ["\\\n".join(prose(line) for line in finding.hint.splitlines())]
    for text, language in ((finding.operation, "python"), ("\n".join(finding.sql), "sql")):
        parts += [fenced(text, language)] if text else []
    # Code for all findings would be repeated in every result.
    commands = [fix for fix in environment.fixes if fix.language == "console"]
    parts += [f"{prose(fix.title)}\n\n{fenced(fix.text, fix.language)}" for fix in commands]
    return "\n\n".join(filter(None, parts))


def _location(location: Location) -> dict[str, Any]:
    region = {"startLine": location.line, "startColumn": location.column}
    if location.length:
        region["endColumn"] = location.column + location.length
    uri = quote(location.path.encode("utf-8", "surrogateescape"))
    message = {"message": {"text": "deleted"}} if location.in_base else {}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": ROOT},
            "region": region,
        },
        **message,
    }

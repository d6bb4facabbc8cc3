"""junit: a test suite for each environment, a test case for each rule.

Jenkins, GitLab and others read it; https://github.com/jenkinsci/xunit-plugin has the schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.pages import rule_names
from alembic_lockstep.report import failure
from alembic_lockstep.report.concise import first_line
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.text import block, plain_text, plural, printable

NAME = "alembic-lockstep"


def render(report: Report) -> str:
    """Return the suites. All text in them is printable, thus allowed in XML."""
    if report.failure:
        suites = [_failed_suite(report.failure)]
    else:
        # Where nothing had to be judged, a single suite says so.
        suites = [_suite(each) for each in report.environments or (EnvironmentReport(NAME),)]
    root = Element("testsuites", name=NAME)
    root.extend(suites)
    if report.summary:
        SubElement(suites[-1], "system-out").text = block("\n".join(report.summary))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(environment: EnvironmentReport) -> Element:
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in rule_names()}
    for finding in environment.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    failures = sum(1 for findings in by_rule.values() if findings)
    suite = _testsuite(environment.config, tests=len(by_rule), failures=failures)
    for rule, findings in by_rule.items():
        case = SubElement(suite, "testcase", classname=suite.get("name", ""), name=rule)
        if findings:
            _failure(case, rule, findings)
    return suite


def _failure(case: Element, rule: str, findings: Sequence[Finding]) -> None:
    # A single element: most readers ignore a second.
    first = printable(findings[0].message)
    message = first if len(findings) == 1 else f"{plural(len(findings), 'finding')}: {first}, …"
    text = "\n\n".join(map(_text_of, findings))
    SubElement(case, "failure", type=rule, message=message).text = text


def _text_of(finding: Finding) -> str:
    _, *more = plain_text(finding).splitlines()
    return "\n".join([first_line(finding), *(f"  {line}" for line in more)])


def _failed_suite(error: CouldNotJudge) -> Element:
    suite = _testsuite(NAME, tests=1, errors=1)
    case = SubElement(suite, "testcase", classname=NAME, name="could-not-judge")
    attributes = {"type": "could-not-judge", "message": printable(error.message)}
    log = "\n".join(filter(None, failure.log_of(error)))
    SubElement(case, "error", attributes).text = "\n\n".join(
        filter(None, [failure.plain(error), log])
    )
    return suite


def _testsuite(name: str, *, tests: int, failures: int = 0, errors: int = 0) -> Element:
    counts = {"tests": str(tests), "failures": str(failures), "errors": str(errors)}
    return Element("testsuite", {"name": printable(name), **counts})

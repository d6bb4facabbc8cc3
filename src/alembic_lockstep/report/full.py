"""full: each finding with its source line, then what cures them."""

from __future__ import annotations

from collections.abc import Iterator

from click import style

from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.report import failure
from alembic_lockstep.report.concise import first_line
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.text import place, printable


def render(report: Report) -> str:
    """The findings of each environment, then its cures; or why there are none."""
    if report.failure:
        return failure.render(report.failure)
    return "".join(f"{line}\n" for one in report.environments for line in _environment(one))


def _environment(environment: EnvironmentReport) -> Iterator[str]:
    for finding in environment.findings:
        yield from _finding(finding)
    for cure in environment.cures:
        yield style(printable(cure.title), bold=True)
        yield ""
        for line in cure.text.splitlines():
            yield style(f"    {printable(line)}".rstrip(), fg="green") if line.strip() else ""
        yield ""


def _finding(finding: Finding) -> Iterator[str]:
    head, rule, message = first_line(finding).partition(f" {finding.rule}: ")
    yield style(head, bold=True) + style(rule, bold=True, fg="red") + message
    yield from _excerpt(finding.location)
    for related in finding.related:
        yield style(f"  see {place(related)}", fg="cyan")
        yield from _excerpt(related)
    yield from (f"  {printable(line)}" for line in finding.hint.splitlines())
    yield ""


def _excerpt(location: Location) -> Iterator[str]:
    """The source line, and carets below what is meant."""
    if not location.source.strip():
        return
    number = str(location.line)
    yield style(f"  {number} | ", fg="blue") + printable(location.source.expandtabs(1))
    carets = "^" * location.length
    if carets:
        gutter = style(f"  {' ' * len(number)} | ", fg="blue")
        yield gutter + " " * (location.column - 1) + style(carets, fg="red")

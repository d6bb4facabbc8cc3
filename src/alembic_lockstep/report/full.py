"""full: each finding with its source line, then what cures them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.gate import EnvironmentVerdict, Verdict
from alembic_lockstep.report.concise import first_line
from alembic_lockstep.report.terminal import printable, stdout


def render(verdict: Verdict) -> None:
    """Print the findings of each environment, then its cures."""
    console = stdout()
    for environment in verdict.environments:
        _environment(console, environment)


def _environment(console: Console, verdict: EnvironmentVerdict) -> None:
    for finding in verdict.findings:
        _finding(console, finding)
    for cure in verdict.cures:
        console.print(Text(cure.title, style="bold"))
        console.print()
        for line in cure.text.splitlines():
            console.print(Text(f"    {printable(line)}".rstrip(), style="green"))
        console.print()


def _finding(console: Console, finding: Finding) -> None:
    line = first_line(finding)
    head, rule, message = line.partition(f" {finding.rule}: ")
    console.print(Text.assemble((head, "bold"), (rule, "bold red"), message))
    _excerpt(console, finding.location)
    for place in finding.related:
        state = " (deleted)" if place.in_base else ""
        console.print(Text(f"  see {printable(place.path)}:{place.line}{state}", style="cyan"))
        _excerpt(console, place)
    if finding.hint:
        console.print(Text(f"  {printable(finding.hint)}"))
    console.print()


def _excerpt(console: Console, place: Location) -> None:
    """The source line, and carets below what is meant."""
    if not place.source.strip():
        return
    number = str(place.line)
    console.print(Text.assemble((f"  {number} | ", "blue"), printable(place.source.expandtabs(1))))
    carets = "^" * place.length
    if carets:
        gutter = f"  {' ' * len(number)} | "
        console.print(Text.assemble((gutter, "blue"), " " * (place.column - 1), (carets, "red")))

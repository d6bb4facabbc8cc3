"""markdown: the summary of a CI job: the verdict, a table of findings, the fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.pages import rule_url
from alembic_lockstep.report import failure
from alembic_lockstep.report.alike import share_findings, share_fixes
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import block, plural, position, printable

# Characters with a meaning in Markdown, in HTML or to GitHub (`@name`, `#1`, `:smile:`, `$x$`).
_MARKS = str.maketrans({mark: f"&#{ord(mark)};" for mark in "&<>\"'|\\`*_[](){}~@#:$!^="})
# The beginning of a list's item, or of a rule.
_LIST = re.compile(r"^(\d*)([-+.])")


def render(report: Report) -> str:
    """Return the page."""
    sections = _failure(report.failure) if report.failure else _sections(report)
    return "\n\n".join(sections) + "\n"


def prose(text: str) -> str:
    """Return a text in which nothing is a mark."""
    shown = printable(text).strip().translate(_MARKS)
    return _LIST.sub(lambda match: f"{match[1]}&#{ord(match[2])};", shown)


def code(text: str) -> str:
    """Return a text as code, which unlike backticks also works in a table."""
    return f"<code>{prose(text)}</code>"


def fenced(text: str, language: str = "") -> str:
    """Return a block of code that no line of the code can end."""
    shown = block(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _sections(report: Report) -> Iterator[str]:
    head, *more = report.summary
    yield f"## alembic-lockstep\n\n**{prose(head)}**"
    if report.findings:
        rows = [_row(shared.finding, shared.label) for shared in share_findings(report.findings)]
        yield "\n".join(["| rule | place | finding |", "| --- | --- | --- |", *rows])
        for environment in report.environments:
            yield from map(prose, environment.overview)
    for fix in share_fixes(report):
        yield f"{prose(fix.title.removesuffix(':'))}:\n\n" + fenced(fix.text, fix.language)
    if more:
        # The lines of an environment are indented below its first.
        yield "\n".join(
            f"  - {prose(line.strip())}" if line.startswith(" ") else f"- {prose(line)}"
            for line in more
        )
    if report.ignored:
        rows = [
            f"| {_rule(ignored.rule)} | {prose(ignored.text)} | {code(ignored.by)} "
            f"| {prose(ignored.reason)} |"
            for ignored in report.ignored
        ]
        head = f"<details><summary>{plural(len(rows), 'difference')} ignored</summary>"
        table = ["| rule | what | by | reason |", "| --- | --- | --- | --- |", *rows]
        yield "\n".join([head, "", *table, "", "</details>"])


def _row(finding: Finding, label: str) -> str:
    lines = [prose(finding.message + label)]
    lines += [prose(line) for line in finding.hint.splitlines()]
    lines += [f"see {code(position(related))}" for related in finding.related]
    text = "<br>".join(lines)
    return f"| {_rule(finding.rule)} | {code(position(finding.location))} | {text} |"


def _rule(name: str) -> str:
    return f"[{prose(name)}]({rule_url(name)})"


def _failure(error: CouldNotJudge) -> Iterator[str]:
    yield f"## alembic-lockstep\n\n**Could not judge: {prose(error.message)}**"
    if error.tried:
        yield "\n".join(f"- {prose(line)}" for line in error.tried)
    if error.fix:
        yield fenced(error.fix)
    title, log = failure.log_of(error)
    if title:
        yield f"<details><summary>{prose(title)}</summary>\n\n{fenced(log)}\n\n</details>"

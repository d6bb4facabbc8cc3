"""markdown: for the summary of a CI job: the verdict, a table of findings, the fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.pages import rule_url
from alembic_lockstep.report import failure
from alembic_lockstep.report.alike import share_findings, share_fixes
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import block, place, plural, printable

# What means something to Markdown, to HTML or to GitHub (`@name`, `#1`, `:smile:`, `$x$`).
_MARKS = str.maketrans({mark: f"&#{ord(mark)};" for mark in "&<>\"'|\\`*_[](){}~@#:$!^="})
# What begins an item of a list, or a rule.
_LIST = re.compile(r"^(\d*)([-+.])")


def render(report: Report) -> str:
    """The page."""
    sections = _failure(report.failure) if report.failure else _sections(report)
    return "\n\n".join(sections) + "\n"


def prose(text: str) -> str:
    """A text in which nothing is a mark."""
    shown = printable(text).strip().translate(_MARKS)
    return _LIST.sub(lambda found: f"{found[1]}&#{ord(found[2])};", shown)


def code(text: str) -> str:
    """The same in the letters of code; unlike backticks it also holds in a table."""
    return f"<code>{prose(text)}</code>"


def fenced(text: str, language: str = "") -> str:
    """A block of code that nothing in it can end."""
    shown = block(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _sections(report: Report) -> Iterator[str]:
    head, *more = report.summary
    yield f"## alembic-lockstep\n\n**{prose(head)}**"
    if report.findings:
        rows = [_row(one.finding, one.label) for one in share_findings(report.findings)]
        yield "\n".join(["| rule | place | finding |", "| --- | --- | --- |", *rows])
        yield from map(prose, (line for one in report.environments for line in one.overview))
    for fix in share_fixes(report):
        yield f"{prose(fix.title.removesuffix(':'))}:\n\n" + fenced(fix.text, fix.language)
    if more:
        # Those of an environment are indented below its first.
        yield "\n".join(
            f"  - {prose(line.strip())}" if line.startswith(" ") else f"- {prose(line)}"
            for line in more
        )
    if report.ignored:
        rows = [
            f"| {_rule(one.rule)} | {prose(one.what)} | {code(one.by)} | {prose(one.reason)} |"
            for one in report.ignored
        ]
        head = f"<details><summary>{plural(len(rows), 'difference')} ignored</summary>"
        table = ["| rule | what | by | reason |", "| --- | --- | --- | --- |", *rows]
        yield "\n".join([head, "", *table, "", "</details>"])


def _row(finding: Finding, label: str) -> str:
    more = [prose(line) for line in finding.hint.splitlines()]
    more += [f"see {code(place(one))}" for one in finding.related]
    what = "<br>".join([prose(finding.message + label), *more])
    return f"| {_rule(finding.rule)} | {code(place(finding.location))} | {what} |"


def _rule(name: str) -> str:
    return f"[{prose(name)}]({rule_url(name)})"


def _failure(error: CouldNotJudge) -> Iterator[str]:
    yield f"## alembic-lockstep\n\n**Could not judge: {prose(error.what)}**"
    if error.tried:
        yield "\n".join(f"- {prose(line)}" for line in error.tried)
    if error.fix:
        yield fenced(error.fix)
    title, log = failure.log_of(error)
    if title:
        yield f"<details><summary>{prose(title)}</summary>\n\n{fenced(log)}\n\n</details>"

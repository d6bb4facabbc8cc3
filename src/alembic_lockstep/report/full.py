"""full: each finding with its source line, then the fixes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from click import style

from alembic_lockstep.findings import Finding, Fix, Location
from alembic_lockstep.report.alike import SharedFinding, share_findings, share_fixes
from alembic_lockstep.report.concise import first_line
from alembic_lockstep.report.report import Report
from alembic_lockstep.report.text import count_rules, listed, plural, position, printable

# Of a rule with more findings than `MANY`, the first `EXAMPLES` are shown, and lines of the rest.
MANY, EXAMPLES = 10, 3
MOST_FILES, MOST_RELATED = 20, 5


def render(report: Report) -> str:
    """Return the findings, then the fixes."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    findings = share_findings(report.findings)
    counts = Counter(shared.finding.rule for shared in findings)
    many = {rule for rule, count in counts.items() if count > MANY}
    if many:
        yield from _overview(report, findings)
    shown: Counter[str] = Counter()
    further: dict[str, list[Location]] = defaultdict(list)
    for shared in findings:
        rule = shared.finding.rule
        if rule in many and shown[rule] == EXAMPLES:
            further[rule].append(shared.finding.location)
        else:
            shown[rule] += 1
            yield from _finding(shared)
    for rule, locations in further.items():
        yield from _locations(rule, locations)
    for fix in share_fixes(report):
        yield from _fix(fix)


def _overview(report: Report, findings: Sequence[SharedFinding]) -> Iterator[str]:
    rules = count_rules(shared.finding.rule for shared in findings)
    yield style(f"{plural(len(findings), 'finding')}: {rules}", bold=True)
    overviews = (line for environment in report.environments for line in environment.overview)
    yield from (f"  {printable(line)}" for line in overviews)
    yield "  all of them, a line each: the same command with --output-format concise"
    yield ""


def _locations(rule: str, locations: Sequence[Location]) -> Iterator[str]:
    """Yield the lines of a rule's further findings, file by file."""
    files: dict[str, list[str]] = defaultdict(list)
    for location in locations:
        files[printable(location.path)].append(str(location.line))
    yield style(f"{len(locations)} more ", bold=True) + style(rule, bold=True, fg="red")
    for path, lines in list(files.items())[:MOST_FILES]:
        yield f"  {path}:{listed(dict.fromkeys(lines), limit=10)}"
    if len(files) > MOST_FILES:
        yield f"  … and in {plural(len(files) - MOST_FILES, 'more file')}"
    yield ""


def _fix(fix: Fix) -> Iterator[str]:
    yield style(printable(fix.title), bold=True)
    yield ""
    for line in fix.text.splitlines():
        yield style(f"    {printable(line)}".rstrip(), fg="green") if line.strip() else ""
    yield ""


def _finding(shared: SharedFinding) -> Iterator[str]:
    finding = shared.finding
    head, rule, message = first_line(finding, shared.label).partition(f" {finding.rule}: ")
    yield style(head, bold=True) + style(rule, bold=True, fg="red") + message
    yield from _excerpt(finding.location)
    yield from _related(finding)
    yield from (f"  {printable(line)}" for line in finding.hint.splitlines())
    yield ""


def _related(finding: Finding) -> Iterable[str]:
    for related in finding.related[:MOST_RELATED]:
        yield style(f"  see {position(related)}", fg="cyan")
        yield from _excerpt(related)
    more = len(finding.related) - MOST_RELATED
    if more > 0:
        yield f"  … and {plural(more, 'more place')}"


def _excerpt(location: Location) -> Iterator[str]:
    """Yield the source line, and carets below the part that is meant."""
    if not location.source.strip():
        return
    number = str(location.line)
    yield style(f"  {number} | ", fg="blue") + printable(location.source.expandtabs(1))
    carets = "^" * location.length
    if carets:
        gutter = style(f"  {' ' * len(number)} | ", fg="blue")
        yield gutter + " " * (location.column - 1) + style(carets, fg="red")

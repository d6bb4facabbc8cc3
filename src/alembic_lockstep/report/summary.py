"""The closing lines on standard error: what was judged, how, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.gate import EnvironmentVerdict, Verdict
from alembic_lockstep.report.terminal import plural

# https://alembic.sqlalchemy.org/en/latest/autogenerate.html#what-does-autogenerate-detect
BLIND = "CHECK constraints, enum values (autogenerate does not see them)"
SWITCHES = {"compare_type": "column types", "compare_server_default": "server defaults"}


def summary(verdict: Verdict) -> list[str]:
    """The lines; the first says whether the commit may land."""
    if not verdict.environments:
        return ["Passed: nothing differs from the base."]
    counts = Counter(finding.rule for finding in verdict.findings)
    rules = ", ".join(f"{count} {rule}" for rule, count in counts.items())
    head = f"Blocked: {rules}." if counts else "Passed."
    lines = [line for one in verdict.environments for line in _environment(one)]
    if verdict.untraced:
        why = ", ".join(verdict.untraced)
        lines.append(f"Not remembered, so the next commit takes as long: {why}.")
    return [head, *lines]


def _environment(verdict: EnvironmentVerdict) -> Iterator[str]:
    config, comparison = verdict.environment.name, verdict.comparison
    if comparison is None:
        yield f"{config}: judged by its files only; the migrations were not run."
        return
    start = {"replay": "from empty", "base-models": "from the base's models"}
    remembered = len(comparison.now.remembered)
    ran = plural(len(comparison.now.revisions) + remembered, "revision")
    how = start.get(comparison.start, f"from {comparison.start}")
    if remembered:
        how += f", {remembered} of them remembered,"
    where = ", ".join(verdict.servers)
    old = ""
    if comparison.old:
        old = f"; {plural(len(comparison.old), 'older difference')} not counted (--strict counts)"
    yield f"{config}: {ran} run {how} on {where}{old}."
    yield from (f"  {note}" for note in (*comparison.notes, *verdict.notes))
    if comparison.refused:
        yield f"  refused (not in allow-connect): {', '.join(comparison.refused)}"
    yield f"  not compared: {', '.join(not_compared(comparison))}"


def not_compared(comparison: Comparison) -> list[str]:
    """What env.py tells autogenerate not to look at, and what it never sees."""
    off = {name for database in comparison.now.databases for name in database["switched_off"]}
    named = [f"{what} ({option} is off)" for option, what in SWITCHES.items() if option in off]
    return [*named, BLIND]

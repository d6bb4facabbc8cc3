"""The closing lines on standard error: what was judged, how, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.ignores import faults, unused
from alembic_lockstep.isolation.cell import Guard
from alembic_lockstep.report.alike import share_findings
from alembic_lockstep.report.text import count_rules, listed, plural
from alembic_lockstep.verdict import EnvironmentVerdict, Ignores, Verdict

# What models do not make.
APART = "views, triggers, functions"
# https://alembic.sqlalchemy.org/en/latest/autogenerate.html#what-does-autogenerate-detect
BLIND = "CHECK constraints, enum values, expressions (the models' own database was not made: {})"
LISTENERS = "what the models' own DDL events make (create_all() fails there: {})"
UNSEEN = "CHECK constraints, enum values, expressions of {} (create_all() cannot make them: {})"
SWITCHES = {"compare_type": "column types", "compare_server_default": "server defaults"}


def summary(verdict: Verdict) -> list[str]:
    """The lines; the first says whether the commit may land."""
    if not verdict.environments:
        why = (
            "touches what the last verdict read" if verdict.remembered else "differs from the base"
        )
        return [f"Passed: nothing {why}.", *verdict.notes]
    rules = count_rules(one.finding.rule for one in share_findings(verdict.findings))
    head = f"Blocked: {rules}." if rules else "Passed."
    lines = [line for one in verdict.environments for line in _environment(one)]
    lines += _guards(verdict.environments)
    lines += _ignores([one.ignores for one in verdict.environments])
    if verdict.untraced:
        why = ", ".join(verdict.untraced)
        lines.append(f"Not remembered, so the next commit takes as long: {why}.")
    return [head, *verdict.notes, *lines]


def _environment(verdict: EnvironmentVerdict) -> Iterator[str]:
    config, comparison = verdict.environment.name, verdict.comparison
    if comparison is None:
        yield f"{config}: judged by its files only; the migrations were not run."
        yield from (f"  {note}" for note in verdict.notes)
        return
    if comparison.untouched:
        yield f"{config}: untouched; nothing that its last dry run read has changed."
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
    refused = {
        "allow-connect": comparison.refused,
        "allow-write": comparison.refused_writes,
        "allow-run": comparison.refused_programs,
    }
    for setting, names in refused.items():
        if names:
            yield f"  refused (not in {setting}): {listed(names)}"
    yield f"  not compared: {', '.join(not_compared(comparison))}"


def _guards(environments: Sequence[EnvironmentVerdict]) -> Iterator[str]:
    """Yield which guard kept the project from the user's files and from everybody."""
    comparisons = [one.comparison for one in environments if one.comparison]
    guards = dict.fromkeys(guard for one in comparisons for guard in one.guards)
    yield from map(describe_guard, guards)


def describe_guard(guard: Guard) -> str:
    """Return the line about a guard: which one, and why no stronger one."""
    why = f" ({'; '.join(guard.tried)})" if guard.tried else ""
    if guard.files == guard.network == "python":
        return f"guarded by: Python alone, not by the kernel{why}; see docs/isolation.md"
    return f"guarded by: {guard.files}, {guard.network}{why}"


def _ignores(environments: Sequence[Ignores]) -> Iterator[str]:
    ignored = [thing for one in environments for thing in one.ignored]
    counts = Counter(f"by {one.by}" if one.is_glob else "beside the code" for one in ignored)
    by = ", ".join(f"{count} {how}" for how, count in counts.items())
    if ignored:
        yield f"ignored: {len(ignored)} ({by})"
    idle = unused(environments)
    if idle:
        yield f"ignores nothing and can go: {listed(idle)}"
    yield from (f"not honoured: {fault}" for fault in faults(environments))


def not_compared(
    comparison: Comparison, join: Callable[[Iterable[str]], str] = listed
) -> list[str]:
    """What was not, as models do not make it; without a twin, what autogenerate does not see.

    Args:
        join: Names tables in a row: all of them, or the first few.
    """
    return [*lost_sight(comparison, join), APART]


def lost_sight(comparison: Comparison, join: Callable[[Iterable[str]], str] = listed) -> list[str]:
    """What was not compared because the models' own database was not made, or not whole."""
    blind = [one for one in comparison.now.databases if one["twin"]["failure"]]
    off = {name for database in blind for name in database["switched_off"]}
    named = [f"{what} ({option} is off)" for option, what in SWITCHES.items() if option in off]
    reasons = dict.fromkeys(BLIND.format(database["twin"]["failure"]) for database in blind)
    twins = [one["twin"] for one in comparison.now.databases]
    unseen = dict.fromkeys(words for twin in twins for words in _unseen(twin, join))
    return [*named, *reasons, *unseen]


def _unseen(twin: Mapping[str, Any], join: Callable[[Iterable[str]], str]) -> Iterator[str]:
    unmade = twin["unmade"]
    if "" in unmade:
        yield LISTENERS.format(unmade[""])
    if twin["unseen"]:
        reasons = dict.fromkeys(why for table, why in unmade.items() if table)
        why = "; ".join(reasons) or "keys of theirs come last"
        yield UNSEEN.format(join(twin["unseen"]), why)

"""Closing lines on standard error: how each environment was judged, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.ignores.ignoring import faulty_ignores, unused_ignores
from alembic_lockstep.isolation.cell import Guard
from alembic_lockstep.report.alike import share_findings
from alembic_lockstep.report.text import count_rules, listed, plural
from alembic_lockstep.verdict import EnvironmentVerdict, Ignores, Verdict

# Objects that models do not create.
NOT_IN_MODELS = "views, triggers, functions"
# https://alembic.sqlalchemy.org/en/latest/autogenerate.html#what-does-autogenerate-detect
WITHOUT_TWIN = (
    "CHECK constraints, enum values, expressions (the models' own database was not made: {})"
)
FAILED_LISTENERS = "what the models' own DDL events make (create_all() fails there: {})"
FAILED_TABLES = (
    "CHECK constraints, enum values, expressions of {} (create_all() cannot make them: {})"
)
AUTOGENERATE_OPTIONS = {"compare_type": "column types", "compare_server_default": "server defaults"}


def summary(verdict: Verdict) -> list[str]:
    """Return the lines; the first says whether the commit may land."""
    if not verdict.environments:
        why = "touches what the last verdict read" if verdict.is_cached else "differs from the base"
        return [f"Passed: nothing {why}.", *verdict.notes]
    rules = count_rules(each.finding.rule for each in share_findings(verdict.findings))
    head = f"Blocked: {rules}." if rules else "Passed."
    lines = [line for each in verdict.environments for line in _environment(each)]
    lines += _guards(verdict.environments)
    lines += _ignores([each.ignores for each in verdict.environments])
    if verdict.uncached_because:
        reasons = ", ".join(verdict.uncached_because)
        lines.append(f"Not cached, so the next commit takes as long: {reasons}.")
    return [head, *verdict.notes, *verdict.unjudged, *lines]


def _environment(verdict: EnvironmentVerdict) -> Iterator[str]:
    config, comparison = verdict.environment.name, verdict.comparison
    if comparison is None:
        yield f"{config}: judged by its files only; the migrations were not run."
        yield from (f"  {note}" for note in verdict.notes)
        return
    if comparison.is_recalled:
        yield f"{config}: untouched; nothing that its last dry run read has changed."
        return
    start = {"replay": "from empty", "base-models": "from the base's models"}
    restored = len(comparison.now.restored)
    revisions = plural(len(comparison.now.revisions) + restored, "revision")
    how = start.get(comparison.start, f"from {comparison.start}")
    if restored:
        how += f", {restored} of them from a snapshot,"
    servers = ", ".join(verdict.servers)
    old = ""
    if comparison.old:
        old = f"; {plural(len(comparison.old), 'older difference')} not counted (--strict counts)"
    yield f"{config}: {revisions} run {how} on {servers}{old}."
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
    """Yield which guards kept the project from the user's files and from the network."""
    comparisons = [each.comparison for each in environments if each.comparison]
    guards = dict.fromkeys(guard for each in comparisons for guard in each.guards)
    yield from map(describe_guard, guards)


def describe_guard(guard: Guard) -> str:
    """Return the line about a guard: its name, and why there is no stronger guard."""
    why = f" ({'; '.join(guard.tried)})" if guard.tried else ""
    if guard.files == guard.network == "python":
        return f"guarded by: Python alone, not by the kernel{why}; see docs/isolation.md"
    return f"guarded by: {guard.files}, {guard.network}{why}"


def _ignores(environments: Sequence[Ignores]) -> Iterator[str]:
    ignored = [entry for each in environments for entry in each.ignored]
    counts = Counter(entry.by if entry.is_glob else "comment" for entry in ignored)
    if ignored:
        by = ", ".join(f"{count} by {name}" for name, count in counts.items())
        yield f"ignored: {len(ignored)} ({by})"
    if unused := unused_ignores(environments):
        yield f"unused ignores: {listed(unused)}"
    yield from (f"not honoured: {fault}" for fault in faulty_ignores(environments))


def not_compared(
    comparison: Comparison, join: Callable[[Iterable[str]], str] = listed
) -> list[str]:
    """Return the kinds of objects that were not compared.

    Args:
        comparison: The result of the dry run.
        join: Joins names of tables: all of them, or the first few.
    """
    return [*comparison_gaps(comparison, join), NOT_IN_MODELS]


def comparison_gaps(
    comparison: Comparison, join: Callable[[Iterable[str]], str] = listed
) -> list[str]:
    """Return what was not compared because the twin database is missing or incomplete."""
    without_twin = [each for each in comparison.now.databases if each["twin"]["failure"]]
    off = {option for database in without_twin for option in database["switched_off"]}
    options = AUTOGENERATE_OPTIONS.items()
    switched_off = [f"{kind} ({option} is off)" for option, kind in options if option in off]
    failures = dict.fromkeys(each["twin"]["failure"] for each in without_twin)
    twins = [database["twin"] for database in comparison.now.databases]
    missing = dict.fromkeys(gap for twin in twins for gap in _missing_tables(twin, join))
    return [*switched_off, *map(WITHOUT_TWIN.format, failures), *missing]


def _missing_tables(twin: Mapping[str, Any], join: Callable[[Iterable[str]], str]) -> Iterator[str]:
    unmade = twin["unmade"]
    if "" in unmade:
        yield FAILED_LISTENERS.format(unmade[""])
    if twin["unseen"]:
        reasons = dict.fromkeys(why for table, why in unmade.items() if table)
        why = "; ".join(reasons) or "their foreign keys are created last"
        yield FAILED_TABLES.format(join(twin["unseen"]), why)

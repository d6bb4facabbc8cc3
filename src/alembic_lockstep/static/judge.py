"""`check --static`: from two git trees to a report, by reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alembic_lockstep.context import RunContext
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts, as_loaded, read_facts
from alembic_lockstep.gate import conclude
from alembic_lockstep.git.submodules import with_submodules
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.revisions import migration_files, read_revisions
from alembic_lockstep.ignores import Directives, ignore_differences
from alembic_lockstep.report.judged import report_of
from alembic_lockstep.report.report import Report
from alembic_lockstep.sides import SideFinder
from alembic_lockstep.static.reading import Reading
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict

WEAKER = (
    "--static is the weaker check: it read what models and migrations say, and ran neither. "
    "The full one is `alembic-lockstep check`."
)


def judge_static(context: RunContext, base: str, tree: str) -> Report:
    """Judge a tree against its base (ids of git trees) without the project's Python.

    Raises:
        CouldNotJudge: there is no environment, or nobody can tell by reading.
    """
    repository, base, tree = with_submodules(context.repository, base, tree)
    changes = tuple(repository.changes(base, tree))
    if not changes:
        return _report(Verdict(base, tree, ()))
    now, before = Tree(repository, tree), Tree(repository, base)
    trusted = before if context.settings_from_base else None
    settings = context.load_settings((trusted or now).read("pyproject.toml"))
    finder = SideFinder(repository, settings, context.environ)
    read = read_facts(finder, finder.find(now), before, changes)
    facts = [one if one.history.revisions else _searched(one) for one in read]
    reading = Reading(repository, facts, now, before)
    directives = Directives(repository, now, trusted)
    judged: list[EnvironmentVerdict] = []
    doubts: list[str] = []
    for one in facts:
        counted = reading.compared(one)
        verdict = conclude(counted, settings.ignore, directives)
        judged.append(replace(verdict, comparison=None))
        unsure = reading.compared(one, unsure=True)
        left, _ = ignore_differences(unsure, settings.ignore, directives)
        doubts += reading.reasons(left.comparison.introduced if left.comparison else ())
    doubts = list(dict.fromkeys([*doubts, *reading.unread]))
    verdict_of_all = Verdict(base, tree, tuple(judged))
    if doubts and not verdict_of_all.findings:
        raise CouldNotJudge(
            "whether models and migrations agree cannot be told by reading (--static)",
            tried=doubts,
            fix="alembic-lockstep check",
        )
    return _report(verdict_of_all, [f"cannot tell: {doubt}" for doubt in doubts])


def _searched(facts: Facts) -> Facts:
    """The facts with the migrations of version locations that only env.py names."""
    places = (facts.environment.script_location,)
    files = migration_files(facts.tree.files, filter(None, places), recursive=True)
    revisions, _ = read_revisions(files, facts.tree.read)
    return as_loaded(facts, [one.path for one in revisions])


def _report(verdict: Verdict, notes: Sequence[str] = ()) -> Report:
    report = report_of(verdict)
    head, *rest = report.summary
    return replace(report, summary=(head, WEAKER, *notes, *rest))

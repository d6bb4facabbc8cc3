"""The gate: from two git trees to a verdict. Read it top to bottom to know the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import platformdirs

from alembic_lockstep.config import Settings, load_settings
from alembic_lockstep.cure import Cure, cures
from alembic_lockstep.dryrun.comparison import Comparison, compare, recompare
from alembic_lockstep.dryrun.failures import check_loaded
from alembic_lockstep.dryrun.operations import subtract
from alembic_lockstep.dryrun.runner import DryRunner, Progress
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts, as_loaded, read_facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.submodules import with_submodules
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.rules import DRY_RUN_RULES, HISTORY_RULES, Check
from alembic_lockstep.sides import Side, SideFinder
from alembic_lockstep.slots import acquire_slot


@dataclass(frozen=True)
class EnvironmentVerdict:
    """The verdict on one Alembic environment.

    Attributes:
        comparison: What the dry run found; None when the history forbade one.
        servers: The databases that the dry run used: `SQLite`, `PostgreSQL 18 (…)`.
        notes: What the summary should say about what was read.
    """

    environment: Environment
    findings: tuple[Finding, ...]
    cures: tuple[Cure, ...]
    comparison: Comparison | None
    servers: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a tree. Without environments, nothing was staged."""

    base: str
    tree: str
    environments: tuple[EnvironmentVerdict, ...]

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of environments and places."""
        return [finding for one in self.environments for finding in one.findings]


def judge(
    repository: Repository,
    base: str,
    tree: str,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    progress: Progress,
) -> Verdict:
    """Judge a tree against its base (ids of git trees).

    Raises:
        CouldNotJudge: for anything that stands in the way of a verdict.
    """
    repository, base, tree = with_submodules(repository, base, tree)
    changes = tuple(repository.changes(base, tree))
    if not changes:
        return Verdict(base, tree, ())
    now, before = Tree(repository, tree), Tree(repository, base)
    settings = load_settings(now.read("pyproject.toml"), environ, flags)
    finder = SideFinder(repository, settings, environ)
    sides = finder.find(now)
    judged = []
    with _dry_runner(repository, settings, environ, progress) as runner:
        for side in sides:
            in_base = finder.in_base(side, before, changes)
            others = [one.environment for one in sides if one is not side]
            facts = read_facts(repository, side, in_base, before, changes, others)
            try:
                judged.append(_judge_environment(facts, runner))
            except CouldNotJudge as error:
                raise error.or_else(_the_others_only(others)) from error
    return Verdict(base, tree, tuple(judged))


def _the_others_only(others: Sequence[Environment]) -> str:
    if not others:
        return ""
    names = ", ".join(f'"{one.name}"' for one in others)
    return (
        "Or, if nobody runs this environment by itself, judge the others only:\n"
        f"[tool.alembic-lockstep]\nconfig = [{names}]"
    )


def _judge_environment(facts: Facts, runner: DryRunner) -> EnvironmentVerdict:
    if not facts.broken:
        facts = _try_dry_run(facts, runner)
    findings = _apply(HISTORY_RULES, facts) + _apply(DRY_RUN_RULES, facts)
    connections = facts.comparison.now.connections if facts.comparison else ()
    dialects = dict.fromkeys(connection["dialect"] for connection in connections)
    return EnvironmentVerdict(
        facts.environment,
        tuple(sorted(findings, key=lambda one: (one.location.path, one.location.line))),
        tuple(cures(facts, findings)),
        facts.comparison,
        tuple(runner.servers.description(dialect) for dialect in dialects),
        facts.notes,
    )


def _try_dry_run(facts: Facts, runner: DryRunner) -> Facts:
    """Make the dry run; where a parent is unknown, that is the finding, and not its failure.

    It is made there too: env.py may know the place where that parent is.
    """
    try:
        return _dry_run(facts, runner)
    except CouldNotJudge:
        if any(finding.rule == "unknown-parent" for finding in _apply(HISTORY_RULES, facts)):
            return facts
        raise


def _dry_run(facts: Facts, runner: DryRunner) -> Facts:
    """Compare, and where something is missing, see whether a forgotten file would cure it."""
    comparison = compare(runner, facts.now, facts.in_base)
    changed = {path for change in facts.changes for path in (change.path, change.old_path)}
    for seen in filter(None, (comparison.now, comparison.before)):
        check_loaded(seen, changed)
    facts = replace(as_loaded(facts, comparison.now.scripts), comparison=comparison)
    if not comparison.introduced or not facts.forgotten:
        return facts
    candidate = facts.repository.tree_with(facts.tree.sha, facts.forgotten)
    added = Side(facts.environment, Tree(facts.repository, candidate))
    with_them = recompare(runner, added, facts.in_base, comparison)
    if with_them.now.error:
        return facts
    return replace(facts, cured=tuple(subtract(comparison.introduced, with_them.introduced)))


def _apply(rules: Mapping[str, Check], facts: Facts) -> list[Finding]:
    return [finding for check in rules.values() for finding in check(facts)]


@contextmanager
def _dry_runner(
    repository: Repository, settings: Settings, environ: Mapping[str, str], progress: Progress
) -> Iterator[DryRunner]:
    cache = platformdirs.user_cache_path("alembic-lockstep", appauthor=False)
    with (
        acquire_slot(repository.private / "slots") as slot,
        ScratchServers(
            urls=settings.scratch_urls, setup=settings.scratch_setup, directory=slot, cache=cache
        ) as servers,
    ):
        yield DryRunner(repository, settings, environ, servers, slot, progress)

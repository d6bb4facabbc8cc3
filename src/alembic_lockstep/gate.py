"""The gate: from two git trees to a verdict. Read it top to bottom to know the product."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from alembic_lockstep.advice.env_script import with_tenant_schemas
from alembic_lockstep.advice.failures import check_loaded
from alembic_lockstep.advice.precedence import overriding_variables
from alembic_lockstep.advice.services import with_stand_in
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.unloaded_migrations import unloaded_migrations
from alembic_lockstep.cache.cached_runner import CachedRunner
from alembic_lockstep.cache.record import record
from alembic_lockstep.cache.repository_cache import untraced_reasons
from alembic_lockstep.cache.verdict_records import VerdictRecords
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.comparison import Comparison, compare, recompare
from alembic_lockstep.dryrun.pinned_models import count_pinned_models
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.dryrun.schema_operations import Operation, subtract
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import (
    Facts,
    Histories,
    link_environments,
    read_histories,
)
from alembic_lockstep.findings import Finding
from alembic_lockstep.fix.blocks import fixes_for
from alembic_lockstep.git.absent import forgotten_data
from alembic_lockstep.git.change_set import ChangeSet, read_change_set
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.git.unstaged_settings import unstaged_settings
from alembic_lockstep.ignores.ignoring import (
    Directives,
    ignore_differences,
    ignore_findings,
    summarize_ignores,
)
from alembic_lockstep.ignores.influences import named_influences
from alembic_lockstep.other_databases import judge_release, retrace_base
from alembic_lockstep.rules import DRY_RUN_RULES, HISTORY_RULES, Check
from alembic_lockstep.rules.deleted_migration import squashed
from alembic_lockstep.rules.edited_migration import unpublished
from alembic_lockstep.rules.published_edits import retracing_notes
from alembic_lockstep.rules.revision_ids import id_notes
from alembic_lockstep.rules.row_notes import row_notes
from alembic_lockstep.rules.unregistered_model import without_unregistered_tables
from alembic_lockstep.runners import Runners
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict


@dataclass
class Gate:
    """Judges trees of a repository."""

    runners: Runners

    @property
    def context(self) -> RunContext:
        """Return how the run was started."""
        return self.runners.context

    def has_passed(self, base: str, tree: str) -> bool:
        """Return whether a cached verdict says that a tree passes against its base.

        Ranges ask; for what is staged the command line does, before this module is imported.
        """
        cache = None if self.context.release else self.runners.cache
        return cache is not None and VerdictRecords.of(cache, self.context).has_passed(base, tree)

    def judge(self, base: str, tree: str) -> Verdict:
        """Judge a tree against its base (ids of git trees).

        Raises:
            CouldNotJudge: for anything that stands in the way of a verdict.
        """
        try:
            verdict = self._judge(base, tree)
        except CouldNotJudge as error:
            raise error.with_fix(unstaged_settings(self.context, tree), error.config) from error
        hints = "\n".join(finding.hint for finding in verdict.findings)
        notes = overriding_variables(hints, self.context.environ).splitlines()
        notes += filter(None, [unstaged_settings(self.context, tree)])
        return replace(verdict, notes=(*verdict.notes, *notes))

    def _judge(self, base: str, tree: str) -> Verdict:
        change_set = read_change_set(self.context.repository, base, tree)
        settings = self.settings(self._trusted(change_set) or change_set.tree)
        if not change_set.changes and not settings.strict and not self.context.release:
            return Verdict(change_set.base.sha, change_set.tree.sha, ())
        finder = EnvironmentFinder(
            change_set.repository, settings, self.context.environ, change_set
        )
        envs = finder.find(change_set.tree)
        for env in envs:
            debug(f"environment {env.environment}")
        settings, tenants = with_tenant_schemas(settings, envs)
        runner = self.runners.open(change_set.repository, settings)
        runner.begin(envs[0])  # its checkout, while we read the histories
        all_histories = read_histories(finder, envs, change_set)
        if settings.start not in ("", "replay", "base-models"):
            change_set.tree.read(settings.start)
        # Rules read more only for findings, and a verdict with findings is not cached.
        host_reads = change_set.tree.paths_read | change_set.base.paths_read
        all_facts = _side_by_side(partial(self._run, runner), all_histories, runner)
        all_facts = link_environments(all_facts)
        verdict = Verdict(
            change_set.base.sha,
            change_set.tree.sha,
            tuple(self._judge_environment(each, runner) for each in all_facts),
            notes=tuple(tenants),
            unjudged=tuple(finder.unjudged(change_set.tree)),
        )
        debug(f"findings: {[finding.rule for finding in verdict.findings]}")
        if isinstance(runner, CachedRunner):
            trees = {base: change_set.base, tree: change_set.tree}
            verdict = replace(verdict, uncached_because=_uncached_because(all_facts, runner))
            reasons = record((base, tree), trees, host_reads, verdict, runner)
            verdict = replace(verdict, uncached_because=reasons)
        elif self.runners.cache:
            reasons = ("what the setting `run` starts cannot be watched",)
            VerdictRecords.of(self.runners.cache, self.context).note_check(reasons)
            verdict = replace(verdict, uncached_because=reasons)
        return verdict

    def settings(self, tree: Tree) -> Settings:
        """Return the settings that a tree gives this run."""
        settings = self.context.load_settings(tree.read("pyproject.toml"))
        return with_stand_in(settings, tree, self.context.repository.root)

    def _trusted(self, change_set: ChangeSet) -> Tree | None:
        """Return the base if settings and ignores are read from there."""
        return change_set.base if self.context.settings_from_base else None

    def _run(self, runner: DryRunner, histories: Histories) -> Facts:
        """Make the dry run of an environment, if its migrations are valid Python.

        Where the run fails, report what is wrong with the history's files all the same. The run
        is made with an unknown parent, too: env.py may name the folder that holds it.
        """
        if histories.broken:
            return Facts.of(histories, forgotten=histories.uncommitted)
        try:
            return _dry_run(histories, runner)
        except CouldNotJudge as error:
            notes = (f"the dry run failed: {error.message}",)
            facts = Facts.of(histories, forgotten=histories.uncommitted, notes=notes)
            findings, _ = ignore_findings(_apply(HISTORY_RULES, facts), self._directives(facts))
            if findings:
                return facts
            advice = _others_only_advice(histories.elsewhere)
            raise error.with_fix(advice, histories.environment.config) from error

    def _judge_environment(self, facts: Facts, runner: DryRunner) -> EnvironmentVerdict:
        comparison = facts.comparison
        is_run = comparison is not None and not comparison.is_recalled
        connections = comparison.now.connections if comparison and is_run else ()
        dialects = dict.fromkeys(connection["dialect"] for connection in connections)
        servers = tuple(runner.servers.description(dialect) for dialect in dialects)
        notes = [note for dialect in dialects for note in runner.servers.notes(dialect)]
        if connections:
            python = runner.launcher.interpreter(facts.environment)
            notes = [*filter(None, [python.note]), *notes]
        verdict = conclude(facts, runner.settings.ignore, self._directives(facts))
        verdict = replace(verdict, servers=servers, notes=(*verdict.notes, *notes))
        return self._with_release(verdict, facts, runner) if self.context.release else verdict

    def _with_release(
        self, verdict: EnvironmentVerdict, facts: Facts, runner: DryRunner
    ) -> EnvironmentVerdict:
        """Return a verdict with the findings on databases of an older release."""
        finder = EnvironmentFinder(facts.repository, runner.settings, self.context.environ)
        all_findings, notes = judge_release(facts, self.context.release, finder, runner)
        findings, _ = ignore_findings(all_findings, self._directives(facts))
        return replace(
            verdict,
            findings=in_order((*verdict.findings, *findings)),
            notes=(*verdict.notes, *notes),
        )

    def _directives(self, facts: Facts) -> Directives:
        return Directives(facts.repository, facts.tree, self._trusted(facts.change_set))


def conclude(facts: Facts, globs: Mapping[str, str], directives: Directives) -> EnvironmentVerdict:
    """Apply the rules to the facts, without what the project ignores.

    Args:
        globs: The setting `ignore`: from globs of differences to reasons.
    """
    remaining, ignored_differences = ignore_differences(facts, globs, directives)
    remaining = without_unregistered_tables(remaining)
    all_findings = _apply(HISTORY_RULES, remaining) + _apply(DRY_RUN_RULES, remaining)
    findings, ignored_findings = ignore_findings(all_findings, directives)
    influences = named_influences(facts) if directives.trusted else ()
    ignored = [*ignored_differences, *ignored_findings]
    return EnvironmentVerdict(
        facts.environment,
        in_order(findings),
        tuple(fixes_for(remaining, findings)),
        facts.comparison,
        servers=(),
        notes=(
            *facts.notes,
            *unpublished(facts),
            *squashed(facts),
            *retracing_notes(facts),
            *id_notes(facts),
            *row_notes(facts),
            *influences,
        ),
        ignores=summarize_ignores(facts, globs, directives, all_findings, ignored),
        facts=remaining,
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by location."""
    return tuple(sorted(findings, key=lambda each: (each.location.path, each.location.line)))


def _dry_run(histories: Histories, runner: DryRunner) -> Facts:
    """Compare models and database, and see whether a forgotten file would fix what is missing."""
    comparison = compare(runner, histories.now, histories.in_base)
    changed = {path for change in histories.changes for path in (change.path, change.old_path)}
    for observation in filter(None, (comparison.now, comparison.before)):
        check_loaded(observation, changed)
    scripts = comparison.now.scripts
    loaded = histories.with_loaded_version_locations(scripts)
    notes = unloaded_migrations(histories.now, scripts) if loaded is not histories else ()
    with_pinned, pinned = count_pinned_models(loaded, comparison)
    forgotten = loaded.uncommitted
    fixed: list[Operation] = []
    if comparison.introduced:
        folder = loaded.environment.script_location
        forgotten = (*forgotten, *forgotten_data(loaded.repository, comparison.now.reads, folder))
        fixed = _fixed_by(forgotten, loaded, comparison, runner) if forgotten else []
    return Facts.of(
        loaded,
        comparison=with_pinned,
        forgotten=forgotten,
        fixed=tuple(fixed),
        notes=(*notes, *pinned),
        retraced=retrace_base(loaded, comparison, runner),
    )


def _fixed_by(
    forgotten: Sequence[str], histories: Histories, comparison: Comparison, runner: DryRunner
) -> list[Operation]:
    """Return the introduced operations that would not be there if the files were added."""
    tree = histories.repository.tree_with(histories.tree.sha, forgotten)
    added = EnvironmentAtTree(histories.environment, Tree(histories.repository, tree))
    with_them = recompare(runner, added, histories.in_base, comparison)
    if with_them.now.error:
        return []
    return subtract(comparison.introduced, with_them.introduced)


def _apply(rules: Mapping[str, Check], facts: Facts) -> list[Finding]:
    return [finding for check in rules.values() for finding in check(facts)]


def _others_only_advice(others: Sequence[Environment]) -> str:
    if not others:
        return ""
    names = ", ".join(f'"{environment.name}"' for environment in others)
    return (
        "Or, if this environment is never run by itself, judge the others only:\n"
        f"[tool.alembic-lockstep]\nconfig = [{names}]"
    )


def _uncached_because(all_facts: Sequence[Facts], runner: DryRunner) -> tuple[str, ...]:
    """Return why the verdict may not hold for the next run; empty if it does."""
    branches = dict.fromkeys(each.published_in for each in all_facts if unpublished(each))
    unsettled = (f"{branch} may get what it lacks" for branch in branches)
    return (*untraced_reasons(runner.launcher.observations), *unsettled)


def _side_by_side(
    run: Callable[[Histories], Facts], histories: Sequence[Histories], runner: DryRunner
) -> list[Facts]:
    """Run the environments at the same time, as many as there are processors."""
    if len(histories) == 1:
        return [run(histories[0])]
    threads = ThreadPoolExecutor(os.cpu_count())
    try:
        return list(threads.map(run, histories))
    except BaseException:  # also Ctrl-C
        runner.launcher.stop()
        raise
    finally:
        threads.shutdown(cancel_futures=True)

"""The gate: from two git trees to a verdict. Read it top to bottom to know the product."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat

from alembic_lockstep.cache import Cache, cache_root
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.comparison import BASE_MODELS, compare, recompare
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.failures import check_loaded
from alembic_lockstep.dryrun.lacks import server_lacks
from alembic_lockstep.dryrun.launcher import Launcher, Progress
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.operations import subtract
from alembic_lockstep.dryrun.policy import work_folder
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.dryrun.services import with_stand_in
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts, as_loaded, know_each_other, read_facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.fix import fixes_for
from alembic_lockstep.git.absent import looked_for
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.submodules import with_submodules
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.ignores import (
    Directives,
    account,
    ignore_differences,
    ignore_findings,
)
from alembic_lockstep.influences import named_influences
from alembic_lockstep.memory.cached_runner import CachedRunner
from alembic_lockstep.memory.memory import Memory, untraced
from alembic_lockstep.memory.verdicts import Verdicts
from alembic_lockstep.pins import with_pinned_models
from alembic_lockstep.rules import DRY_RUN_RULES, HISTORY_RULES, Check
from alembic_lockstep.rules.edited_migration import unpublished
from alembic_lockstep.rules.unregistered_model import without_unregistered_tables
from alembic_lockstep.sides import Side, SideFinder
from alembic_lockstep.unstaged import unstaged_settings
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict


@dataclass
class Gate:
    """Judges trees of a repository. What one judgement started, the next ones use again.

    Attributes:
        progress: Told of each revision before it runs.
        early: The project's Python may be in there, started already.
        cache: Where to look for what earlier runs left, and to leave what this one found.
    """

    context: RunContext
    progress: Progress
    early: EarlyProbes
    cache: Cache | None
    _running: tuple[object, DryRunner, Memory | None] | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def verdicts(self) -> Verdicts | None:
        """What was found before; None where nothing shall be remembered."""
        return Verdicts(self.cache, self.context) if self.cache else None

    def judge(self, base: str, tree: str) -> Verdict:
        """Judge a tree against its base (ids of git trees).

        Raises:
            CouldNotJudge: for anything that stands in the way of a verdict.
        """
        try:
            verdict = self._judge(base, tree)
        except CouldNotJudge as error:
            raise error.of(error.config, unstaged_settings(self.context, tree)) from error
        note = unstaged_settings(self.context, tree)
        return replace(verdict, notes=(*verdict.notes, note)) if note else verdict

    def _judge(self, base: str, tree: str) -> Verdict:
        names = (base, tree)
        repository, base, tree = with_submodules(self.context.repository, base, tree)
        changes = tuple(repository.changes(base, tree))
        debug(f"judging tree {tree} against {base}: {len(changes)} files changed")
        now, before = Tree(repository, tree), Tree(repository, base)
        settings = self.settings(before if self.context.settings_from_base else now)
        if not changes and not settings.strict:
            return Verdict(base, tree, ())
        finder = SideFinder(repository, settings, self.context.environ)
        sides = finder.find(now)
        for side in sides:
            debug(f"environment {side.environment}")
        runner, memory = self._runner(repository, settings)
        if (sides[0].environment, tree) not in runner.replayed:
            runner.launcher.begin(sides[0], "tree")
        facts = read_facts(finder, sides, before, changes)
        asked = now.asked | before.asked
        seen = know_each_other(_side_by_side(self._look, facts, runner))
        judged = tuple(self._judge_environment(one, runner) for one in seen)
        fleeting = (f"{one.published_in} may get what it lacks" for one in seen if unpublished(one))
        debug(f"findings: {[finding.rule for one in judged for finding in one.findings]}")
        reasons = (*untraced(runner.launcher.seen), *dict.fromkeys(fleeting))
        verdict = Verdict(base, tree, judged, reasons if memory else ())
        if memory and not verdict.untraced:
            trees = dict(zip(names, (before, now), strict=True))
            _remember(memory, names, trees, asked, verdict, runner)
        return verdict

    def settings(self, tree: Tree) -> Settings:
        """The settings that a tree gives, under these circumstances."""
        settings = self.context.load_settings(tree.read("pyproject.toml"))
        return with_stand_in(settings, tree, self.context.repository.root)

    def _runner(
        self, repository: Repository, settings: Settings
    ) -> tuple[DryRunner, Memory | None]:
        """What makes dry runs: that of the last judgement, if it was made for the same."""
        wanted = (repository, settings)
        if self._running is None or self._running[0] != wanted:
            self._stack.close()
            memory = None
            if self.cache and not settings.run:
                memory = Memory(self.cache, self.context, settings)
            given = (self.context.environ, self.progress, self.early)
            making = _dry_runner(repository, settings, *given, memory)
            self._running = wanted, self._stack.enter_context(making), memory
        _, runner, memory = self._running
        runner.launcher.noted.clear()
        return runner, memory

    def _look(self, facts: Facts, runner: DryRunner) -> Facts:
        """The facts with what the dry run found, where the history allows one."""
        if facts.broken:
            return facts
        try:
            return _try_dry_run(facts, runner, self._directives(facts))
        except CouldNotJudge as error:
            others_only = _the_others_only(facts.elsewhere)
            raise error.of(facts.environment.config, or_else=others_only) from error

    def _judge_environment(self, facts: Facts, runner: DryRunner) -> EnvironmentVerdict:
        seen = facts.comparison
        connections = seen.now.connections if seen and not seen.untouched else ()
        dialects = dict.fromkeys(connection["dialect"] for connection in connections)
        servers = tuple(runner.servers.description(dialect) for dialect in dialects)
        notes = tuple(note for dialect in dialects for note in runner.servers.notes(dialect))
        if connections:
            python = runner.launcher.interpreter(facts.environment)
            notes = (*filter(None, [python.note]), *notes)
        verdict = conclude(facts, runner.settings.ignore, self._directives(facts))
        return replace(verdict, servers=servers, notes=(*verdict.notes, *notes))

    def _directives(self, facts: Facts) -> Directives:
        trusted = facts.base if self.context.settings_from_base else None
        return Directives(facts.repository, facts.tree, trusted)


def conclude(facts: Facts, globs: Mapping[str, str], directives: Directives) -> EnvironmentVerdict:
    """What the rules say of what is known, less what the project wants to be ignored."""
    facts = with_pinned_models(facts)
    counted, differences = ignore_differences(facts, globs, directives)
    counted = without_unregistered_tables(counted)
    found = _apply(HISTORY_RULES, counted) + _apply(DRY_RUN_RULES, counted)
    influences = named_influences(facts) if directives.trusted else ()
    findings, others = ignore_findings(found, directives)
    return EnvironmentVerdict(
        facts.environment,
        in_order(findings),
        tuple(fixes_for(counted, findings)),
        facts.comparison,
        (),
        (*facts.notes, *unpublished(facts), *influences),
        account(facts, globs, directives, found, [*differences, *others]),
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order of their places."""
    return tuple(sorted(findings, key=lambda one: (one.location.path, one.location.line)))


def _remember(
    memory: Memory,
    names: tuple[str, str],
    trees: Mapping[str, Tree],
    asked: Collection[str],
    verdict: Verdict,
    runner: DryRunner,
) -> None:
    """Leave what was found to later runs: what was seen in the trees, and that one passed.

    Args:
        names: The ids of the base and of the tree, without submodules filled in.
        trees: They themselves by these ids.
        asked: The paths that were looked for in either.
    """
    (base, name), launcher = names, runner.launcher
    known = memory.known(name, trees[name], asked, launcher.seen)
    if known.trace.has_changed(memory.context.repository.root, memory.since):
        debug("not remembered: something that was read has changed since this run began")
        return
    every = {one.environment.name for one in verdict.environments}
    if len(every) > 1:
        # What the others read is nothing to an environment. Of Python, we ourselves read for its
        # dry run what its own description tells already.
        asked = [path for path in asked if not path.endswith(".py")]
    for one in verdict.environments:
        # A fresh database of this tree would be another than one that the base's revisions made.
        if one.comparison is None or one.comparison.now.outdated:
            continue
        seen = launcher.seen_without(every - {one.environment.name})
        python = launcher.interpreter(one.environment).path
        for tree, observed in _observed(one, base, name, runner):
            # A failure is looked at anew, unless it says that the history does not replay; another
            # server may have what this one lacks.
            is_lasting = not observed.error or (
                one.comparison.start == BASE_MODELS and not server_lacks(observed)
            )
            # Another tree was run in the base's place where its configuration is new.
            if is_lasting and one.environment.config in trees[tree].files:
                is_known = tree == name and len(every) == 1
                read = known if is_known else memory.known(tree, trees[tree], asked, seen)
                memory.observations.remember(one.environment, python, observed, read)
    if not verdict.findings:
        settings = known.blob("pyproject.toml")
        memory.verdicts.remember(base, known, launcher.interpreters, settings)


def _observed(
    verdict: EnvironmentVerdict, base: str, tree: str, runner: DryRunner
) -> Iterator[tuple[str, Observation]]:
    """Yield the trees whose history was replayed, each with what was seen."""
    comparison = verdict.comparison
    if comparison and comparison.start == BASE_MODELS:
        for name in (tree, base):
            if failed := runner.replayed.get((verdict.environment, name)):
                yield name, failed
    elif comparison:
        yield tree, comparison.now
        if comparison.before:
            yield base, comparison.before


def _the_others_only(others: Sequence[Environment]) -> str:
    if not others:
        return ""
    names = ", ".join(f'"{one.name}"' for one in others)
    return (
        "Or, if nobody runs this environment by itself, judge the others only:\n"
        f"[tool.alembic-lockstep]\nconfig = [{names}]"
    )


def _side_by_side(
    look: Callable[[Facts, DryRunner], Facts],
    facts: Sequence[Facts],
    runner: DryRunner,
) -> list[Facts]:
    """Look at the environments at the same time, as many as there are processors."""
    if len(facts) == 1:
        return [look(facts[0], runner)]
    threads = ThreadPoolExecutor(os.cpu_count())
    try:
        return list(threads.map(look, facts, repeat(runner)))
    except BaseException:  # also Ctrl-C
        runner.launcher.stop()
        raise
    finally:
        threads.shutdown(cancel_futures=True)


def _try_dry_run(facts: Facts, runner: DryRunner, directives: Directives) -> Facts:
    """Make the dry run; where that fails, what the history's files show wrong is still said.

    It is made with an unknown parent, too: env.py may know the folder that holds it.
    """
    try:
        return _dry_run(facts, runner)
    except CouldNotJudge as error:
        findings, _ = ignore_findings(_apply(HISTORY_RULES, facts), directives)
        if not findings:
            raise
        return replace(facts, notes=(*facts.notes, f"the dry run failed: {error.what}"))


def _dry_run(facts: Facts, runner: DryRunner) -> Facts:
    """Compare, and where something is missing, see whether a forgotten file would fix it."""
    comparison = compare(runner, facts.now, facts.in_base)
    changed = {path for change in facts.changes for path in (change.path, change.old_path)}
    for seen in filter(None, (comparison.now, comparison.before)):
        check_loaded(seen, changed)
    facts = replace(as_loaded(facts, comparison.now.scripts), comparison=comparison)
    if not comparison.introduced:
        return facts
    data = looked_for(facts.repository, comparison.now.reads, facts.environment.script_location)
    facts = replace(facts, forgotten=(*facts.forgotten, *data))
    if not facts.forgotten:
        return facts
    candidate = facts.repository.tree_with(facts.tree.sha, facts.forgotten)
    added = Side(facts.environment, Tree(facts.repository, candidate))
    with_them = recompare(runner, added, facts.in_base, comparison)
    if with_them.now.error:
        return facts
    return replace(facts, fixed=tuple(subtract(comparison.introduced, with_them.introduced)))


def _apply(rules: Mapping[str, Check], facts: Facts) -> list[Finding]:
    return [finding for check in rules.values() for finding in check(facts)]


@contextmanager
def _dry_runner(
    repository: Repository,
    settings: Settings,
    environ: Mapping[str, str],
    progress: Progress,
    early: EarlyProbes,
    memory: Memory | None,
) -> Iterator[DryRunner]:
    urls, setup = settings.scratch_urls, settings.scratch_setup
    work = work_folder(early.slot)
    with (
        ThreadPoolExecutor() as threads,
        ScratchServers(urls=urls, setup=setup, directory=work, cache=cache_root()) as servers,
    ):
        launcher = Launcher(repository, settings, environ, early.slot, progress, early, threads)
        if memory is None:
            yield DryRunner(settings, launcher, servers)
        else:
            snapshots, observations = memory.snapshots(servers), memory.observations
            yield CachedRunner(settings, launcher, servers, snapshots, observations=observations)

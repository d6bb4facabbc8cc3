"""Write to the cache what a verdict was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.comparison import BASE_MODELS
from alembic_lockstep.dryrun.lacks import server_lacks
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.memory.memory import Memory
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict


def record(
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
        for tree, observed in _replayed(one, base, name, runner):
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


def _replayed(
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

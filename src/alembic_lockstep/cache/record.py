"""Write a verdict and its observations to the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alembic_lockstep.advice.lacks import server_lacks
from alembic_lockstep.cache.cached_runner import CachedRunner
from alembic_lockstep.cache.digests import deleted_since
from alembic_lockstep.cache.tree_trace import is_always_read, pins_versions
from alembic_lockstep.dryrun.comparison import BASE_MODELS, REPLAY, Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.pinned_models import has_packaged_models
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict


def record(
    tree_ids: tuple[str, str],
    trees: Mapping[str, Tree],
    host_reads: Collection[str],
    verdict: Verdict,
    runner: CachedRunner,
) -> tuple[str, ...]:
    """Cache the observations of both trees and, without findings, the verdict.

    Nothing is cached if the verdict says why it may not hold for the next run. Without findings in
    the tree and without errors in the base, the base is cached as a verdict on itself, so that it
    answers again once the commit was given up.

    Returns:
        Why the verdict is not cached, in words for people; empty if it is, or has findings.

    Args:
        tree_ids: The ids of the base and of the tree, without submodules filled in.
        trees: The trees by these ids.
        host_reads: The paths that we ourselves read or looked for in either.
    """
    if verdict.uncached_because:
        runner.cache.verdicts.note_check(verdict.uncached_because)
        return verdict.uncached_because
    (base, name), launcher, cache = tree_ids, runner.launcher, runner.cache
    pins = any(has_packaged_models(each.comparison) for each in verdict.environments)
    observations = launcher.observations
    judged = cache.cached_tree(name, trees[name], host_reads, observations, pins=pins)
    root = cache.context.repository.root
    changed = judged.trace.changed_file(root, cache.since)
    # A file that only the project itself made was never there.
    opened = {path for run in observations for path in run.reads["opened"] if path[-1:] != "/"}
    untracked = opened.difference(*(tree.files for tree in trees.values()))
    vanished = deleted_since([f"{root}/{path}" for path in sorted(untracked)], cache.since)
    changed = changed or vanished.removeprefix(f"{root}/")
    if changed:
        reasons = (f"{changed} was read, and changed during the check",)
        cache.verdicts.note_check(reasons)
        return reasons
    environments = {each.environment.name for each in verdict.environments}
    own_reads = host_reads
    if len(environments) > 1:
        # Files that only other environments read do not matter to one of them. The Python files
        # that we ourselves read for its dry run are in its own description.
        own_reads = [path for path in host_reads if not path.endswith(".py")]
    for each in verdict.environments:
        runs = launcher.observations_except(environments - {each.environment.name})
        python = launcher.interpreter(each.environment).path
        for tree, observation in _replayed(each, base, name, runner):
            # If the configuration is new, another tree was run in the base's place.
            if each.environment.config in trees[tree].files:
                cached_tree = judged
                if tree != name or len(environments) > 1:
                    cached_tree = cache.cached_tree(tree, trees[tree], own_reads, runs, pins=pins)
                cache.observations.store(each.environment, python, observation, cached_tree)
    verdicts, settings = cache.verdicts, judged.blob("pyproject.toml")
    if _is_base_observed(verdict, base, name, trees, runner):
        on_base = cache.cached_tree(base, trees[base], host_reads, observations, pins=pins)
        if not on_base.trace.changed_file(cache.context.repository.root, cache.since):
            verdicts.store(base, on_base, launcher.interpreters, settings)
    if verdict.findings:
        verdicts.note_check(("it found something",))
        return ()
    failure = verdicts.store(base, judged, launcher.interpreters, settings)
    verdicts.note_check(tuple(filter(None, [failure])))
    return tuple(filter(None, [failure]))


def _is_base_observed(
    verdict: Verdict, base: str, tree: str, trees: Mapping[str, Tree], runner: DryRunner
) -> bool:
    """Return whether all environments ran in the base, too, so that its trace is known.

    A commit on the base that touches nothing of this trace introduces nothing; unless the setting
    `strict` has the base's own differences count.
    """
    before, now = trees[base].files, trees[tree].files
    changed = (path for path in {**before, **now} if before.get(path) != now.get(path))
    has_settings = any(is_always_read(path) or pins_versions(path) for path in changed)
    if base == tree or runner.settings.strict or has_settings:
        return False  # the base has other settings, or other environments
    comparisons = [each.comparison for each in verdict.environments]
    return all(
        comparison
        and comparison.start == REPLAY
        and comparison.before
        and not comparison.before.error
        and not comparison.now.outdated
        for comparison in comparisons
    )


def _replayed(
    verdict: EnvironmentVerdict, base: str, tree: str, runner: DryRunner
) -> Iterator[tuple[str, Observation]]:
    """Yield the trees whose history was replayed, each with an observation to cache."""
    comparison = verdict.comparison
    # A fresh database of this tree would differ from one that the base's revisions made.
    if comparison is None or comparison.now.outdated:
        return
    observations = [(tree, comparison.now), (base, comparison.before)]
    if comparison.start == BASE_MODELS:
        replayed = runner.replayed
        observations = [(name, replayed.get((verdict.environment, name))) for name in (tree, base)]
    for name, observation in observations:
        if observation and _is_lasting(observation, comparison):
            yield name, observation


def _is_lasting(observation: Observation, comparison: Comparison) -> bool:
    """Return whether a later dry run would observe the same.

    Another server may have what this one lacks, and any failure may pass, unless it showed that
    the history does not replay.
    """
    if not observation.error:
        return True
    return comparison.start == BASE_MODELS and not server_lacks(observation)

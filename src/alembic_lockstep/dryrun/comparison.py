"""Compare a tree with its base: differences that the commit introduces, and old ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alembic_lockstep.advice.failures import (
    could_not_judge,
    is_machine_failure,
    missing_column,
)
from alembic_lockstep.advice.lacks import server_lacks
from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.dryrun.changed_migrations import (
    changed_texts,
    fails_on_import,
    is_unchanged,
    names_table,
)
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.dryrun.schema_operations import (
    Operation,
    operations,
    subtract,
    without_leftovers,
    without_uncompared,
)
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.isolation.cell import Guard

REPLAY, BASE_MODELS = "replay", "base-models"


@dataclass(frozen=True)
class Comparison:
    """The outcome of the dry runs of one environment.

    Attributes:
        now: The observation of the tree. If its `error` is set, an upgrade failed because of the
            commit.
        before: The observation of the base; None if there is none or it was not needed.
        start: The start of the scratch database: replay, base-models or an SQL file.
        introduced: Differences that only the tree has.
        old: Differences that the base also has.
        notes: Notes for the summary on how this was judged.
    """

    now: Observation
    before: Observation | None
    start: str
    introduced: tuple[Operation, ...] = ()
    old: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_recalled(self) -> bool:
        """Return whether the observation is recalled: an earlier run read the same."""
        return self.now.is_recalled

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the addresses that the project was refused and did without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused))

    @property
    def refused_writes(self) -> tuple[str, ...]:
        """Return the files that the project was refused to change and did without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused_writes))

    @property
    def refused_programs(self) -> tuple[str, ...]:
        """Return the programs that the project was refused to start and did without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused_programs))

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Return the guards of the runs; none where all observations are recalled."""
        return tuple(dict.fromkeys(run.guard for run in self._runs if run.guard))

    @property
    def _runs(self) -> tuple[Observation, ...]:
        return (self.now, self.before) if self.before else (self.now,)


def compare(
    runner: DryRunner, env: EnvironmentAtTree, base: EnvironmentAtTree | None
) -> Comparison:
    """Run an environment in its tree and, where that has differences, in the base.

    Args:
        base: None where the base has no such environment.
    """
    comparison = _compare(runner, env, base)
    outdated = comparison.now.outdated
    if not outdated:
        return comparison
    others = f" and {len(outdated) - 1} more" if len(outdated) > 1 else ""
    how = (
        "they ran in the base's checkout, as they did on your databases"
        if comparison.now.is_on_base
        else "they ran in this commit's all the same, as the base's made no database to go on "
        "from; a difference may be hidden"
    )
    cause = f"the base's migrations take from {outdated[0]}{others}, which this commit changes"
    return replace(comparison, notes=(*comparison.notes, f"{cause}: {how}"))


def _compare(
    runner: DryRunner, env: EnvironmentAtTree, base: EnvironmentAtTree | None
) -> Comparison:
    start = runner.settings.start
    if start == BASE_MODELS and base is not None:
        return _from_base_models(runner, env, base, "")
    now = runner.replay(env, base, role="tree")
    if now.error:
        return _failed(runner, env, base, now)
    differences = operations(now)
    is_whole = not any(database["twin"]["unmade"] for database in now.databases)
    if base is None or runner.settings.strict or (not differences and is_whole):
        return Comparison(now, None, start, tuple(without_leftovers(differences, None)))
    before = runner.replay(base, role="base")
    if before.error and before.phase == "upgrade" and not runner.settings.run:
        return _compare_with_base_models(runner, env, base, now, before)
    return subtracted(now, before, start)


def recompare(
    runner: DryRunner,
    env: EnvironmentAtTree,
    base: EnvironmentAtTree | None,
    comparison: Comparison,
) -> Comparison:
    """Judge another tree against the same base as in an earlier comparison."""
    if comparison.start == BASE_MODELS:
        return compare(runner, env, base)
    now = runner.replay(env, base, role="tree")
    if now.error or comparison.before is None:
        return Comparison(
            now, None, comparison.start, tuple(without_leftovers(operations(now), None))
        )
    return subtracted(now, comparison.before, comparison.start)


def subtracted(
    now: Observation, before: Observation, start: str, notes: Sequence[str] = ()
) -> Comparison:
    """Split the tree's differences into introduced and old ones."""
    if before.error:
        unjudged = (
            "the base itself cannot be judged "
            f"({before.error['type']}: {_first_line(before.error['message'])}), "
            "so no difference was put down to it"
        )
        notes = (*notes, unjudged)
    comparison = Comparison(now, before, start, notes=tuple(notes))
    return _split(comparison, without_leftovers(operations(now), before), operations(before))


def _split(
    comparison: Comparison, differences: Sequence[Operation], base: Sequence[Operation]
) -> Comparison:
    introduced = without_uncompared(subtract(differences, base), comparison.before)
    old = tuple(operation for operation in differences if operation not in introduced)
    return replace(comparison, introduced=tuple(introduced), old=old)


def _compare_with_base_models(
    runner: DryRunner,
    env: EnvironmentAtTree,
    base: EnvironmentAtTree,
    now: Observation,
    before: Observation,
) -> Comparison:
    """Judge the tree where the base's migrations fail, above all for a commit that fixes them.

    A difference between the base's models and the tree's database is old. But not on a table that
    this commit's migrations name: they may have made the difference.
    """
    with_base_models = runner.compare_models(migrations=env, models=base)
    start = runner.settings.start
    if with_base_models.error:
        return subtracted(now, before, start)
    note = (
        f"the base's migrations fail at {before.revision or before.phase} "
        f"({_first_line(before.error['message'])}), so its models were compared with the database "
        "of this commit's migrations, to know what is old"
    )
    own = "\n".join(changed_texts(env, base))
    old = [
        operation
        for operation in operations(with_base_models)
        if not names_table(own, operation.table)
    ]
    differences = without_leftovers(operations(now), with_base_models)
    return _split(Comparison(now, before, start, notes=(note,)), differences, old)


def _failed(
    runner: DryRunner, env: EnvironmentAtTree, base: EnvironmentAtTree | None, now: Observation
) -> Comparison:
    start = runner.settings.start
    if fails_on_import(now, env, base):
        return Comparison(now, None, start)
    if missing_column(now) and base is not None:
        before = runner.replay(base, role="base")
        if not before.error:
            return Comparison(now, before, start)
    if now.phase != "upgrade" or not now.revision or is_machine_failure(now):
        raise _unjudged(runner, env, now)
    if base is None:
        if server_lacks(now):
            raise _unjudged(runner, env, now)
        return Comparison(now, None, start)
    before = runner.replay(base, role="base")
    has_same_file = is_unchanged(now.revision, env, base)
    if before.error and before.phase != "upgrade" and has_same_file:
        raise _base_does_not_start(runner, base, now, before)
    fails_alike = before.revision == now.revision or has_same_file
    if before.phase == "upgrade" and before.revision and fails_alike:
        return _from_base_models(runner, env, base, _does_not_replay(before, now))
    if server_lacks(now):
        raise _unjudged(runner, env, now)
    return Comparison(now, before, start)


def _does_not_replay(before: Observation, now: Observation) -> str:
    return (
        f"revision {before.revision} fails in the base too "
        f"({_first_line(now.error['message'])}), so the history was not replayed: "
        "the scratch database started from the base's models"
    )


def _base_does_not_start(
    runner: DryRunner, base: EnvironmentAtTree, now: Observation, before: Observation
) -> CouldNotJudge:
    """Explain why an old revision that fails cannot be judged: the base does not start."""
    return CouldNotJudge(
        f"revision {now.revision} fails ({_first_line(now.error['message'])}), and whether it "
        "did so before this commit is not known: the base does not start "
        f"({before.error['type']}: {_first_line(before.error['message'])})",
        tried=runner.launcher.tried(base.environment),
        fix=start_file_advice(now.connections[-1]["dialect"] if now.connections else ""),
    )


def _from_base_models(
    runner: DryRunner, env: EnvironmentAtTree, base: EnvironmentAtTree, note: str
) -> Comparison:
    scratch: dict[str, str] = {}
    before = runner.create(base, scratch, role="base")
    if before.error:
        raise _unjudged(runner, base, before)
    names = ", ".join(before.extensions)
    lack = f"the base's models need the extension {names}, which the scratch database was given"
    notes = tuple(filter(None, [note, names and lack]))
    now = runner.upgrade(env, base, scratch, role="tree")
    if not now.error:
        return subtracted(now, before, BASE_MODELS, notes)
    if fails_on_import(now, env, base):
        return Comparison(now, None, runner.settings.start)
    is_no_fault = is_machine_failure(now) or server_lacks(now)
    if now.phase != "upgrade" or not now.revision or is_no_fault:
        raise _unjudged(runner, env, now)
    return Comparison(now, before, BASE_MODELS, notes=notes)


def _unjudged(runner: DryRunner, env: EnvironmentAtTree, observation: Observation) -> CouldNotJudge:
    return could_not_judge(
        observation,
        env,
        runner.launcher.repository,
        tried=runner.launcher.tried(env.environment),
        is_elsewhere=bool(runner.settings.run),
    )


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "no message"

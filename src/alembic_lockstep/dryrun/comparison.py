"""What a commit introduces: the tree's differences less those that the base already has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alembic_lockstep.dryrun.failures import (
    could_not_judge,
    is_of_the_machine,
    lacks_column,
)
from alembic_lockstep.dryrun.lacks import server_lacks
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.operations import (
    Operation,
    of_models,
    operations,
    subtract,
    without_unseen,
)
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.dryrun.start_file import start_file_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.history.revisions import migration_files
from alembic_lockstep.isolation.cell import Guard
from alembic_lockstep.sides import Side

BASE_MODELS = "base-models"


@dataclass(frozen=True)
class Comparison:
    """The outcome of the dry runs of one environment.

    Attributes:
        now: What was seen in the tree. If its `error` is set, an upgrade failed, and the
            commit is to blame for it.
        before: What was seen in the base; None where it was not needed or does not exist.
        start: Where the scratch database started from: replay, base-models or an SQL file.
        introduced: Differences that this commit brings.
        old: Differences that the base already has.
        notes: What the summary should say about how this was judged.
    """

    now: Observation
    before: Observation | None
    start: str
    introduced: tuple[Operation, ...] = ()
    old: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def untouched(self) -> bool:
        """Return whether the tree reads like one that was run before."""
        return self.now.is_recalled

    @property
    def refused(self) -> tuple[str, ...]:
        """Addresses that the project wanted to reach, did not, and went on without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused))

    @property
    def refused_writes(self) -> tuple[str, ...]:
        """Files that the project wanted to change, did not, and went on without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused_writes))

    @property
    def refused_programs(self) -> tuple[str, ...]:
        """Programs that the project wanted to start, did not, and went on without."""
        return tuple(dict.fromkeys(name for run in self._runs for name in run.refused_programs))

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The guards that were at work; none where all is remembered."""
        return tuple(dict.fromkeys(run.guard for run in self._runs if run.guard))

    @property
    def _runs(self) -> tuple[Observation, ...]:
        return (self.now, self.before) if self.before else (self.now,)


def compare(runner: DryRunner, now: Side, base: Side | None) -> Comparison:
    """Judge one side against its base, which is None where the base has no such environment."""
    comparison = _compare(runner, now, base)
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
    what = f"the base's migrations take from {outdated[0]}{others}, which this commit changes"
    return replace(comparison, notes=(*comparison.notes, f"{what}: {how}"))


def _compare(runner: DryRunner, now: Side, base: Side | None) -> Comparison:
    start = runner.settings.start
    if start == BASE_MODELS and base is not None:
        return _from_base_models(runner, now, base, "")
    seen = runner.replay(now, base, role="tree")
    if seen.error:
        return _failed(runner, now, base, seen)
    found = operations(seen)
    is_alike = not found and not any(one["twin"]["unmade"] for one in seen.databases)
    if is_alike or base is None or runner.settings.strict:
        return Comparison(seen, None, start, tuple(of_models(found, None)))
    before = runner.replay(base, role="base")
    if before.phase == "upgrade" and before.error and not runner.settings.run:
        return _beside_broken_base(runner, now, base, seen, before)
    return subtracted(seen, before, start)


def recompare(runner: DryRunner, now: Side, base: Side | None, known: Comparison) -> Comparison:
    """Judge another tree against the same base, of which the outcome is known."""
    if known.start == BASE_MODELS:
        return compare(runner, now, base)
    seen = runner.replay(now, base, role="tree")
    if seen.error or known.before is None:
        return Comparison(seen, None, known.start, tuple(of_models(operations(seen), None)))
    return subtracted(seen, known.before, known.start)


def subtracted(now: Observation, before: Observation, start: str, note: str = "") -> Comparison:
    """Split the tree's differences into introduced and old ones."""
    found = of_models(operations(now), before)
    notes = [note] if note else []
    if before.error:
        notes.append(
            "the base itself cannot be judged "
            f"({before.error['type']}: {_first_line(before.error['message'])}), "
            "so no difference was put down to it"
        )
    return _split(Comparison(now, before, start, notes=tuple(notes)), found, operations(before))


def _split(
    comparison: Comparison, found: Sequence[Operation], known: Sequence[Operation]
) -> Comparison:
    introduced = without_unseen(subtract(found, known), comparison.before)
    old = tuple(operation for operation in found if operation not in introduced)
    return replace(comparison, introduced=tuple(introduced), old=old)


def _beside_broken_base(
    runner: DryRunner, now: Side, base: Side, seen: Observation, before: Observation
) -> Comparison:
    """Judge the tree where the base's migrations fail: the commit that mends them, above all.

    What the base's models lack of the tree's database, too, is old. But not on a table of which
    this commit's own migrations speak: they may have made it so.
    """
    crossed = runner.compare_models(migrations=now, models=base)
    start = runner.settings.start
    if crossed.error:
        return subtracted(seen, before, start)
    note = (
        f"the base's migrations fail at {before.revision or before.phase} "
        f"({_first_line(before.error['message'])}), so its models were compared with the database "
        "of this commit's migrations, to know what is old"
    )
    own = "\n".join(_own_migrations(now, base))
    known = [one for one in operations(crossed) if not _speaks_of(own, one.table)]
    found = of_models(operations(seen), crossed)
    return _split(Comparison(seen, before, start, notes=(note,)), found, known)


def _own_migrations(now: Side, base: Side) -> Iterator[str]:
    """The text of the migrations that the base has not, or has otherwise."""
    for path in (revision.path for revision in now.history.revisions):
        if now.tree.files[path] != base.tree.files.get(path):
            yield now.tree.read(path) or ""


def _speaks_of(text: str, table: str) -> bool:
    name = re.escape(table.rpartition(".")[2])
    return re.search(rf"\b{name}\b", text) is not None


def _failed(runner: DryRunner, now: Side, base: Side | None, seen: Observation) -> Comparison:
    if _fails_on_import(seen, now, base):
        return Comparison(seen, None, runner.settings.start)
    if lacks_column(seen) and base is not None:
        started = runner.replay(base, role="base")
        if not started.error:
            return Comparison(seen, started, runner.settings.start)
    if seen.phase != "upgrade" or not seen.revision or is_of_the_machine(seen):
        raise _unjudged(runner, now, seen)
    before = None
    if base is not None:
        before = runner.replay(base, role="base")
        if before.error and before.phase != "upgrade" and _is_unchanged(seen.revision, now, base):
            raise _blames_nobody(runner, base, seen, before)
        same = before.revision == seen.revision or _is_unchanged(seen.revision, now, base)
        if before.phase == "upgrade" and before.revision and same:
            return _from_base_models(runner, now, base, _does_not_replay(before, seen))
    if server_lacks(seen):
        raise _unjudged(runner, now, seen)
    return Comparison(seen, before, runner.settings.start)


def _does_not_replay(before: Observation, seen: Observation) -> str:
    return (
        f"revision {before.revision} fails in the base too "
        f"({_first_line(seen.error['message'])}), so the history was not replayed: "
        "the scratch database started from the base's models"
    )


def _blames_nobody(
    runner: DryRunner, base: Side, seen: Observation, before: Observation
) -> CouldNotJudge:
    """Explain why an old revision that fails is put down neither to this commit nor to the base."""
    return CouldNotJudge(
        f"revision {seen.revision} fails ({_first_line(seen.error['message'])}), and whether it "
        "did so before this commit is not known: the base does not start "
        f"({before.error['type']}: {_first_line(before.error['message'])})",
        tried=runner.launcher.tried(base.environment),
        fix=start_file_advice(seen.connections[-1]["dialect"] if seen.connections else ""),
    )


def _is_unchanged(revision: str, now: Side, base: Side) -> bool:
    """Whether the base has the very same file: where parents change, others may run first."""
    found = (one.path for one in now.history.revisions if one.id == revision)
    return any(now.tree.files[path] == base.tree.files.get(path) for path in found)


def _fails_on_import(seen: Observation, now: Side, base: Side | None) -> bool:
    """Whether a migration that this commit brings or edits cannot even be imported.

    What lacks a module is not its fault alone: the module may be forgotten, or not installed.
    """
    if seen.phase != "upgrade" or seen.revision or seen.error["type"] == "ModuleNotFoundError":
        return False
    path = next((frame["path"] for frame in reversed(seen.error["frames"]) if frame["path"]), "")
    locations, recursive = now.environment.version_locations, now.environment.recursive
    before = base.tree.files.get(path) if base else None
    changed = now.tree.files.get(path) != before
    return changed and bool(migration_files([path], locations, recursive=recursive))


def _from_base_models(runner: DryRunner, now: Side, base: Side, note: str) -> Comparison:
    scratch: dict[str, str] = {}
    before = runner.create(base, scratch, role="base")
    if before.error:
        raise _unjudged(runner, base, before)
    seen = runner.upgrade(now, base, scratch, role="tree")
    if not seen.error:
        return subtracted(seen, before, BASE_MODELS, note)
    if _fails_on_import(seen, now, base):
        return Comparison(seen, None, runner.settings.start)
    is_no_fault = is_of_the_machine(seen) or server_lacks(seen)
    if seen.phase != "upgrade" or not seen.revision or is_no_fault:
        raise _unjudged(runner, now, seen)
    return Comparison(seen, before, BASE_MODELS, notes=(note,) if note else ())


def _unjudged(runner: DryRunner, side: Side, seen: Observation) -> CouldNotJudge:
    tried = runner.launcher.tried(side.environment)
    is_elsewhere = bool(runner.settings.run)
    repository = runner.launcher.repository
    return could_not_judge(seen, side, repository, tried=tried, is_elsewhere=is_elsewhere)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "no message"

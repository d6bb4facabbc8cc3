"""What the rules judge from."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.findings import Location
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.history.revisions import (
    Broken,
    History,
    Revision,
    migration_files,
    read_revisions,
)
from alembic_lockstep.report.text import listed
from alembic_lockstep.sides import Side, SideFinder


@dataclass(frozen=True)
class Facts:
    """One environment, seen in two trees.

    Attributes:
        elsewhere: Environments other than this one.
        loaded_elsewhere: Files that the dry runs of those loaded.
        in_base: The environment as the base has it; None if it is new.
        new: Revisions that the tree has and the base lacks, parents first.
        broken: Migration files of the tree that are not valid Python.
        base_broken: Those of the base.
        forgotten: Migration files on disk that the tree lacks or has in another state, and other
            files that the dry run looked for.
        comparison: What the dry run found; None when the history forbids one.
        fixed: Of the introduced operations, those that `forgotten` would fix.
        notes: What the summary should say about what was read.
    """

    repository: Repository
    environment: Environment
    elsewhere: tuple[Environment, ...]
    tree: Tree
    base: Tree
    in_base: Side | None
    changes: tuple[Change, ...]
    history: History
    base_history: History
    new: tuple[Revision, ...]
    broken: tuple[Broken, ...] = ()
    forgotten: tuple[str, ...] = ()
    comparison: Comparison | None = None
    fixed: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()
    loaded_elsewhere: frozenset[str] = frozenset()
    base_broken: tuple[Broken, ...] = ()

    @cached_property
    def published_in(self) -> str:
        """The full name of the branch whose revisions other databases have; "" if unknown."""
        return self.repository.references.default_branch

    @cached_property
    def published(self) -> frozenset[str] | None:
        """The ids of the revisions that other databases may have.

        Without a default branch those are the base's, but not where two branches are being merged:
        then it may be either's, and this is None.
        """
        if not self.published_in:
            merging = (self.repository.git_dir / "MERGE_HEAD").exists()
            return None if merging else self.base_history.ids
        tree = Tree(self.repository, self.repository.tree_of(self.published_in))
        places = (self.environment, *([self.in_base.environment] if self.in_base else []))
        return frozenset().union(*(Side(place, tree).history.ids for place in places))

    @property
    def now(self) -> Side:
        """What is judged."""
        return Side(self.environment, self.tree)

    @property
    def unfixed(self) -> tuple[Operation, ...]:
        """The introduced operations that no file on disk would fix."""
        introduced = self.comparison.introduced if self.comparison else ()
        return tuple(operation for operation in introduced if operation not in self.fixed)


def read_facts(
    finder: SideFinder, sides: Sequence[Side], base: Tree, changes: Sequence[Change]
) -> list[Facts]:
    """The facts of all environments of a tree, its `sides`, against the base.

    Raises:
        CouldNotJudge: the project's own command does not find one of the environments any more.
    """
    before = [finder.in_base(side, base, changes) for side in sides]
    finder.refuse_lost(sides, before, base, changes)
    return [
        _read(
            finder.repository,
            side,
            in_base,
            base,
            changes,
            [one.environment for one in sides if one is not side],
        )
        for side, in_base in zip(sides, before, strict=True)
    ]


def _read(
    repository: Repository,
    now: Side,
    in_base: Side | None,
    base: Tree,
    changes: Sequence[Change],
    elsewhere: Sequence[Environment],
) -> Facts:
    """Read the two histories statically, and find the migration files that were forgotten."""
    history, base_history = now.history, in_base.history if in_base else History(())
    on_disk = [*repository.untracked(), *repository.unstaged()]
    files = now.tree.files
    return Facts(
        repository,
        now.environment,
        tuple(elsewhere),
        now.tree,
        base,
        in_base,
        tuple(changes),
        history,
        base_history,
        new=tuple(history.new_since(base_history)),
        broken=tuple(one for one in now.broken if files[one.path] != base.files.get(one.path)),
        forgotten=tuple(now.migration_files(on_disk)),
        base_broken=tuple(in_base.broken if in_base else ()),
    )


def know_each_other(all_facts: Sequence[Facts]) -> list[Facts]:
    """The facts of several environments, each with what the dry runs of the others loaded."""
    loaded = [frozenset(_loaded(facts)) for facts in all_facts]
    return [
        replace(facts, loaded_elsewhere=frozenset().union(*loaded[:place], *loaded[place + 1 :]))
        for place, facts in enumerate(all_facts)
    ]


def _loaded(facts: Facts) -> Sequence[str]:
    databases = facts.comparison.now.databases if facts.comparison else ()
    modules: Sequence[str] = merged_catalogue(databases)["modules"]
    return modules


def as_loaded(facts: Facts, scripts: Sequence[str]) -> Facts:
    """The facts again, if env.py set other version locations than the configuration names.

    Args:
        scripts: The migration files of the tree that Alembic loaded.
    """
    folders = tuple(sorted({posixpath.dirname(path) for path in scripts}))
    read = {posixpath.dirname(revision.path) for revision in facts.history.revisions}
    if not scripts or read == set(folders):
        return facts
    again = _read(
        facts.repository,
        _located(facts.now, folders),
        _located(facts.in_base, (*folders, *facts.in_base.environment.version_locations))
        if facts.in_base
        else None,
        facts.base,
        facts.changes,
        facts.elsewhere,
    )
    return replace(again, notes=_not_loaded(facts.now, scripts))


def _located(side: Side, folders: tuple[str, ...]) -> Side:
    environment = replace(side.environment, version_locations=folders, recursive=False)
    return replace(side, environment=environment)


def _not_loaded(side: Side, scripts: Sequence[str]) -> tuple[str, ...]:
    """Say which other migrations lie there: those of another dialect, perhaps."""
    environment = side.environment
    places = (environment.script_location, *environment.version_locations)
    files = migration_files(side.tree.files, filter(None, places), recursive=True)
    others, _ = read_revisions((one for one in files if one not in scripts), side.tree.read)
    folders = sorted({posixpath.dirname(revision.path) for revision in others})
    if not folders:
        return ()
    count = f"{len(others)} migration{'s' if len(others) > 1 else ''}"
    return (f"not judged: {count} in {listed(folders)}, which env.py did not load",)


def location_in(tree: Tree, path: str, line: int = 1, column: int = 1, length: int = 0) -> Location:
    """Return a location whose source line is read from the tree."""
    lines = (tree.read(path) or "").splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return Location(path, line, column, source, length)


def merged_catalogue(databases: Sequence[Mapping[str, Any]], name: str = "") -> dict[str, Any]:
    """The model catalogues of all databases of an environment as one, or of those of one name."""
    catalogues = [one["catalogue"] for one in databases if name in ("", one["name"])]
    return {
        "tables": {key: table for one in catalogues for key, table in one["tables"].items()},
        "bases": [base for one in catalogues for base in one["bases"]],
        "modules": sorted({module for one in catalogues for module in one["modules"]}),
    }

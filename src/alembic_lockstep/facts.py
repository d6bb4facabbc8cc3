"""Facts about one environment: its histories in both trees, and what the dry run observed."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import Broken, History, Revision
from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.retraced import Retraced
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.findings import Location
from alembic_lockstep.git.change_set import ChangeSet
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.report.text import listed


@dataclass(frozen=True)
class Histories:
    """An environment in a tree and in its base, read statically.

    Attributes:
        now: The environment in the tree.
        in_base: The environment as the base has it; None if it is new.
        elsewhere: The tree's other environments.
        release: The older release whose tree is the base here, and which databases follow; "" if
            the base is that of the commit.
        published_tags: Globs of the tags whose revisions other databases have; empty: they have
            the default branch's.
    """

    change_set: ChangeSet
    now: EnvironmentAtTree
    in_base: EnvironmentAtTree | None
    elsewhere: tuple[Environment, ...] = ()
    release: str = ""
    published_tags: tuple[str, ...] = ()

    @property
    def repository(self) -> Repository:
        """Return the repository that can read both trees."""
        return self.change_set.repository

    @property
    def tree(self) -> Tree:
        """Return the tree that is judged."""
        return self.change_set.tree

    @property
    def base(self) -> Tree:
        """Return the tree that the judged one is compared with."""
        return self.change_set.base

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return the files in which the trees differ."""
        return self.change_set.changes

    @property
    def environment(self) -> Environment:
        """Return the environment as the tree configures it."""
        return self.now.environment

    @property
    def history(self) -> History:
        """Return the revisions of the tree."""
        return self.now.history

    @property
    def base_name(self) -> str:
        """Return the base's name for people."""
        return self.release or "the base"

    @property
    def base_history(self) -> History:
        """Return the revisions of the base; none if the environment is new."""
        return self.in_base.history if self.in_base else History(())

    @cached_property
    def new(self) -> tuple[Revision, ...]:
        """Return the revisions that the tree has and the base lacks, parents first."""
        return tuple(self.history.new_since(self.base_history))

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """Return the migration files that are not valid Python, because of this change."""
        files, before = self.tree.files, self.base.files
        return tuple(
            broken for broken in self.now.broken if files[broken.path] != before.get(broken.path)
        )

    @property
    def base_broken(self) -> tuple[Broken, ...]:
        """Return the base's migration files that are not valid Python."""
        return tuple(self.in_base.broken) if self.in_base else ()

    @cached_property
    def uncommitted(self) -> tuple[str, ...]:
        """Return the migration files on disk that the tree lacks or has in another state."""
        on_disk = [*self.repository.untracked(), *self.repository.unstaged()]
        return tuple(self.now.migration_files(on_disk))

    @property
    def published_in(self) -> str:
        """Return what other databases follow: a branch's full name, or tags; "" if unknown."""
        if self.published_tags:
            return f"a tag like {listed(self.published_tags)}"
        return self.repository.references.default_branch

    @cached_property
    def published_tree(self) -> Tree | None:
        """Return the tree of the branch that other databases follow.

        None if it is unknown, if they follow tags, or if its last commit is judged.
        """
        name, references = self.published_in, self.repository.references
        if self.release or self.published_tags or not name:
            return None
        sha = self.repository.tree_of(name)
        is_judged = sha == self.tree.sha and references.names[name] == references.head
        return None if is_judged else Tree(self.repository, sha)

    @cached_property
    def published(self) -> frozenset[str] | None:
        """Return the ids of the revisions that other databases may have.

        Without a default branch those are the base's. While two branches are being merged it may be
        either branch's, and this is None.
        """
        if self.release:
            return self.base_history.ids
        if self.published_tags:
            return frozenset().union(*(history.ids for history in self._tagged))
        tree = self.published_tree
        if tree is None:
            is_known = bool(self.published_in)
            merging = (self.repository.git_dir / "MERGE_HEAD").exists()
            return None if merging and not is_known else self.base_history.ids
        return frozenset().union(*(history.ids for history in self._histories_in(tree)))

    @cached_property
    def published_heads(self) -> frozenset[str]:
        """Return the ids that other databases are at: the base's heads, and those of the tags."""
        heads = (history.heads for history in (self.base_history, *self._tagged))
        return frozenset().union(*heads)

    @property
    def default_heads(self) -> tuple[str, ...]:
        """Return the heads of the default branch; none if it is unknown or judged itself."""
        tree = self.published_tree
        histories = self._histories_in(tree) if tree else []
        return histories[0].heads if histories else ()

    @cached_property
    def _tagged(self) -> tuple[History, ...]:
        names = self.repository.references.names
        tags = (name for name in names if name.startswith("refs/tags/"))
        trees = {
            self.repository.tree_of(tag)
            for tag in tags
            if any(fnmatch(tag.removeprefix("refs/tags/"), glob) for glob in self.published_tags)
        }
        all_histories = (self._histories_in(Tree(self.repository, sha)) for sha in sorted(trees))
        return tuple(history for histories in all_histories for history in histories)

    def _histories_in(self, tree: Tree) -> list[History]:
        """Return the environment's history in another tree, where either tree has it."""
        environments = dict.fromkeys(
            (self.environment, *([self.in_base.environment] if self.in_base else []))
        )
        return [EnvironmentAtTree(environment, tree).history for environment in environments]

    def with_loaded_version_locations(self, scripts: Sequence[str]) -> Histories:
        """Return the histories in the version locations that env.py set, if it changed them.

        Args:
            scripts: The migration files of the tree that Alembic loaded.
        """
        folders = tuple(sorted({posixpath.dirname(path) for path in scripts}))
        read = {posixpath.dirname(revision.path) for revision in self.history.revisions}
        if not scripts or read == set(folders):
            return self
        in_base = self.in_base
        if in_base:
            in_base = _located(in_base, (*folders, *in_base.environment.version_locations))
        return replace(self, now=_located(self.now, folders), in_base=in_base)


@dataclass(frozen=True)
class Facts(Histories):
    """The histories and the dry runs of an environment, from which the rules judge.

    Attributes:
        comparison: The outcome of the dry runs; None when the history forbids one.
        forgotten: Files on disk that the tree lacks or has in another state: migrations, and files
            that the dry run looked for.
        fixed: Of the introduced operations, those that `forgotten` would fix.
        notes: Notes for the summary on what was read.
        loaded_elsewhere: Files that the dry runs of other environments loaded.
        retraced: What became of a database of the base's migrations, if published ones changed.
    """

    comparison: Comparison | None = None
    forgotten: tuple[str, ...] = ()
    fixed: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()
    loaded_elsewhere: frozenset[str] = frozenset()
    retraced: Retraced | None = None

    @classmethod
    def of(cls, histories: Histories, **observed: Any) -> Facts:
        """Add observed facts (the fields of this class) to an environment's histories."""
        static = {field.name: getattr(histories, field.name) for field in fields(Histories)}
        return cls(**static, **observed)

    @property
    def unfixed(self) -> tuple[Operation, ...]:
        """Return the introduced operations that no file on disk would fix."""
        introduced = self.comparison.introduced if self.comparison else ()
        return tuple(operation for operation in introduced if operation not in self.fixed)


def read_histories(
    finder: EnvironmentFinder, envs: Sequence[EnvironmentAtTree], change_set: ChangeSet
) -> list[Histories]:
    """Read the histories of a tree's environments in both trees.

    Raises:
        CouldNotJudge: the project's own command does not find one of the environments any more.
    """
    base, changes = change_set.base, change_set.changes
    before = [finder.find_in_base(env, base, changes) for env in envs]
    finder.refuse_lost_environments(envs, before, base, changes)
    environments = [env.environment for env in envs]
    return [
        Histories(
            change_set,
            now=env,
            in_base=in_base,
            elsewhere=tuple(peer for peer in environments if peer is not env.environment),
            published_tags=finder.settings.published,
        )
        for env, in_base in zip(envs, before, strict=True)
    ]


def link_environments(all_facts: Sequence[Facts]) -> list[Facts]:
    """Return the facts of several environments, each with modules that the others loaded."""
    if len(all_facts) == 1:
        return list(all_facts)
    loaded = [frozenset(_loaded(facts)) for facts in all_facts]
    return [
        replace(facts, loaded_elsewhere=frozenset().union(*loaded[:index], *loaded[index + 1 :]))
        for index, facts in enumerate(all_facts)
    ]


def _loaded(facts: Facts) -> Sequence[str]:
    databases = facts.comparison.now.databases if facts.comparison else ()
    modules: Sequence[str] = merged_catalogue(databases)["modules"]
    return modules


def _located(env: EnvironmentAtTree, folders: tuple[str, ...]) -> EnvironmentAtTree:
    environment = replace(env.environment, version_locations=folders, recursive=False)
    return replace(env, environment=environment)


def location_in(tree: Tree, path: str, line: int = 1, column: int = 1, length: int = 0) -> Location:
    """Return a location whose source line is read from the tree."""
    lines = (tree.read(path) or "").splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return Location(path, line, column, source, length)


def merged_catalogue(databases: Sequence[Mapping[str, Any]], name: str = "") -> dict[str, Any]:
    """Merge the model catalogues of an environment's databases, or of those of one name."""
    catalogues = [database["catalogue"] for database in databases if name in ("", database["name"])]
    return {
        "tables": {
            key: table for catalogue in catalogues for key, table in catalogue["tables"].items()
        },
        "bases": [base for catalogue in catalogues for base in catalogue["bases"]],
        "modules": sorted({module for catalogue in catalogues for module in catalogue["modules"]}),
    }

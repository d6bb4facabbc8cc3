"""The history of an environment in the working tree, with the date and author of each revision."""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from alembic_lockstep.advice.services import with_stand_in
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.alembic_env.revisions import (
    History,
    Revision,
    migration_files,
    read_revisions,
)
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.parsing import INVALID, parse_python


@dataclass(frozen=True)
class Authorship:
    """The date (YYYY-MM-DD) and author of the commit that added a file."""

    date: str
    author: str


#: Of a file that no commit has.
UNCOMMITTED = Authorship("", "not committed")


@dataclass(frozen=True)
class CodeHistory:
    """The history of an environment as it is on disk: Alembic's own command sees the same.

    Attributes:
        env: The environment in the tree of the files on disk.
        settings: The settings of that tree.
    """

    repository: Repository
    env: EnvironmentAtTree
    settings: Settings

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.env.environment.name

    @property
    def history(self) -> History:
        """Return the revisions."""
        return self.env.history

    @cached_property
    def by_id(self) -> Mapping[str, Revision]:
        """Return the revisions by their ids."""
        return {revision.id: revision for revision in self.history.revisions}

    @cached_property
    def newest_first(self) -> tuple[Revision, ...]:
        """Return the revisions, each before those that it builds on."""
        return tuple(reversed(self.history.new_since(History(()))))

    def pending(self, applied: Collection[str]) -> tuple[Revision, ...]:
        """Return the revisions that an upgrade of a database runs, the newest first.

        Args:
            applied: The revisions that the database is at.
        """
        done = self.history.up_to(*applied)
        return tuple(revision for revision in self.newest_first if revision.id not in done)

    def title(self, revision: Revision) -> str:
        """Return a migration's message: the first line of its docstring."""
        try:
            text = ast.get_docstring(parse_python(self.env.tree.read(revision.path) or "")) or ""
        except INVALID:
            return ""
        return text.partition("\n")[0]

    @cached_property
    def authorships(self) -> Mapping[str, Authorship]:
        """Return who added each migration file that a commit of HEAD's history has, by path."""
        folders = sorted({revision.path.rpartition("/")[0] for revision in self.history.revisions})
        if not folders or not self.repository.has_commit("HEAD"):
            return {}
        log = ("log", "--no-renames", "--diff-filter=A", "--name-only", "--format=%x01%as%x02%an")
        listed = self.repository.git("-c", "core.quotePath=false", *log, "--", *folders)
        authorships: dict[str, Authorship] = {}
        for entry in os.fsdecode(listed).split("\x01")[1:]:
            head, *paths = entry.splitlines()
            date, _, author = head.partition("\x02")
            for path in filter(None, paths):
                authorships.setdefault(path, Authorship(date, author))
        return authorships

    def authorship(self, revision: Revision) -> Authorship:
        """Return who added a migration, and when."""
        return self.authorships.get(revision.path, UNCOMMITTED)


def read_code(context: RunContext) -> list[CodeHistory]:
    """Read the histories of the working tree's environments, without running anything.

    Raises:
        CouldNotJudge: there is none, or a configuration cannot be read.
    """
    repository = context.repository
    tree = Tree(repository, repository.tree_on_disk())
    settings = with_stand_in(
        context.load_settings(tree.read("pyproject.toml")), tree, repository.root
    )
    finder = EnvironmentFinder(repository, settings, context.environ)
    envs = map(_with_all_migrations, finder.find(tree))
    return [CodeHistory(repository, env, settings) for env in envs]


def _with_all_migrations(env: EnvironmentAtTree) -> EnvironmentAtTree:
    """Return an environment with the version locations that only its env.py names."""
    script_location = env.environment.script_location
    if env.history.revisions or not script_location:
        return env
    files = migration_files(env.tree.files, (script_location,), recursive=True)
    revisions, _ = read_revisions(files, env.tree.read)
    folders = {revision.path.rpartition("/")[0] for revision in revisions}
    located = replace(env.environment, version_locations=tuple(sorted(folders)), recursive=False)
    return EnvironmentAtTree(located, env.tree)


def code_of(codes: Sequence[CodeHistory], revisions: Iterable[str]) -> CodeHistory:
    """Return the environment to which a database belongs: the one that has its revisions.

    Raises:
        CouldNotJudge: several may be it.
    """
    ids = set(revisions)
    fitting = [code for code in codes if ids & code.history.ids] or list(codes)
    if len(fitting) == 1:
        return fitting[0]
    names = [code.name for code in fitting]
    raise CouldNotJudge(
        "this repository has several Alembic environments, to which the database may belong",
        tried=names,
        fix=f"Name its own: --config {names[0]}",
    )

"""Revisions that no file of a tree defines, where git still has them, and how to bring them back.

The rules ask about parents that a commit lacks, and about revisions that a database is at.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.config_sources import join
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import parse_revision
from alembic_lockstep.git.lost_files import LostFile, find_lost_file
from alembic_lockstep.git.pathspec import add_command, from_anywhere
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree


@dataclass(frozen=True)
class LostRevision:
    """A revision that git has and a tree lacks.

    Attributes:
        file: Its migration file.
        paths: That file and those of its ancestors that the tree lacks, too.
        command: The command that brings them back and stages them.
    """

    file: LostFile
    paths: tuple[str, ...]
    command: str


def find_lost_revision(
    repository: Repository, environment: Environment, revision: str, present: Collection[str]
) -> LostRevision | None:
    """Return where git has the migration of a revision; None if nowhere.

    Args:
        present: Ids of revisions that the tree defines.

    Raises:
        CouldNotJudge: git took too long to tell.
    """
    folders = environment.version_locations or (environment.script_location,)

    def is_migration(path: str, text: str) -> bool:
        if revision not in text:
            return False
        parsed = parse_revision(path or f"{revision}.py", text)
        return parsed is not None and parsed.id == revision

    file = find_lost_file(repository, folders, is_migration)
    if file is None:
        return None
    if not file.source:
        name = re.sub(r"[^\w-]", "_", revision)
        path = join(folders[0], f"{name}.py")
        return LostRevision(file, (path,), _write_command(file.blob, path))
    there = EnvironmentAtTree(environment, Tree(repository, repository.tree_of(file.source)))
    lacking = there.history.up_to(revision) - set(present)
    files = {each.path for each in there.history.revisions if each.id in lacking} | {file.path}
    paths = tuple(sorted(files))
    command = f"git checkout {shlex.quote(file.source)} -- {from_anywhere(paths)}"
    return LostRevision(file, paths, command)


def _write_command(blob: str, path: str) -> str:
    """Return the command that writes and stages a file of which git has the content alone."""
    target = f'"$(git rev-parse --show-cdup)"{shlex.quote(path)}'
    return f"git cat-file blob {blob[:12]} > {target} && {add_command([path])}"

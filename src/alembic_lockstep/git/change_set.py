"""What is judged: a tree, its base, and the files in which they differ."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_lockstep.debug import debug
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.submodules import with_submodules
from alembic_lockstep.git.tree import Tree


@dataclass(frozen=True)
class ChangeSet:
    """A tree against its base, with the content of submodules filled in.

    Attributes:
        repository: Can read the filled trees.
    """

    repository: Repository
    base: Tree
    tree: Tree
    changes: tuple[Change, ...]


def read_change_set(repository: Repository, base: str, tree: str) -> ChangeSet:
    """Read how a tree differs from its base (ids of git trees).

    Raises:
        CouldNotJudge: as `with_submodules`.
    """
    repository, base, tree = with_submodules(repository, base, tree)
    changes = tuple(repository.changes(base, tree))
    debug(f"judging tree {tree} against {base}: {len(changes)} files changed")
    return ChangeSet(repository, Tree(repository, base), Tree(repository, tree), changes)

"""What the rules judge from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.findings import Location
from alembic_lockstep.git.repository import Change, Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.history.revisions import Broken, History, Revision


@dataclass(frozen=True)
class Facts:
    """One environment, seen in two trees.

    Attributes:
        new: Revisions that the tree has and the base lacks, parents first.
        broken: Migration files of the tree that are not valid Python.
        forgotten: Migration files on disk that the tree lacks or has in another state.
        comparison: What the dry run found; None when the history forbids one.
        cured: Of the introduced operations, those that `forgotten` would cure.
        elsewhere: Environments other than this one.
    """

    repository: Repository
    environment: Environment
    elsewhere: tuple[Environment, ...]
    tree: Tree
    base: Tree
    changes: tuple[Change, ...]
    history: History
    base_history: History
    new: tuple[Revision, ...]
    broken: tuple[Broken, ...] = ()
    forgotten: tuple[str, ...] = ()
    comparison: Comparison | None = None
    cured: tuple[Operation, ...] = ()

    @property
    def uncured(self) -> tuple[Operation, ...]:
        """What the commit introduces and no file on disk would cure."""
        introduced = self.comparison.introduced if self.comparison else ()
        return tuple(operation for operation in introduced if operation not in self.cured)


def at(tree: Tree, path: str, line: int = 1, column: int = 1, length: int = 0) -> Location:
    """A location with its source line read from the tree."""
    lines = (tree.read(path) or "").splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return Location(path, line, column, source, length)


def merged_catalogue(databases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The model catalogues of all databases of an environment as one."""
    catalogues = [database["catalogue"] for database in databases]
    return {
        "tables": {key: table for one in catalogues for key, table in one["tables"].items()},
        "bases": [base for one in catalogues for base in one["bases"]],
        "modules": sorted({module for one in catalogues for module in one["modules"]}),
    }

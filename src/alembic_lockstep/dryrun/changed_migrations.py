"""Migrations that a commit adds or changes: their texts, and whether a failure is theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.dryrun.observation import Observation


def changed_texts(env: EnvironmentAtTree, base: EnvironmentAtTree) -> Iterator[str]:
    """Yield the text of each migration that the commit adds or changes."""
    for path in (revision.path for revision in env.history.revisions):
        if env.tree.files[path] != base.tree.files.get(path):
            yield env.tree.read(path) or ""


def names_table(text: str, table: str) -> bool:
    """Return whether a text has a table's name."""
    name = re.escape(table.rpartition(".")[2])
    return re.search(rf"\b{name}\b", text) is not None


def is_unchanged(revision: str, env: EnvironmentAtTree, base: EnvironmentAtTree) -> bool:
    """Return whether the base has the same file; after a change of parents it may run later."""
    revisions = env.history.revisions
    paths = (script.path for script in revisions if script.id == revision)
    return any(env.tree.files[path] == base.tree.files.get(path) for path in paths)


def fails_on_import(
    observation: Observation, env: EnvironmentAtTree, base: EnvironmentAtTree | None
) -> bool:
    """Return whether the import of a migration fails that this commit adds or edits.

    A missing module does not count: it may be forgotten, or not installed.
    """
    error = observation.error
    if observation.phase != "upgrade" or observation.revision:
        return False
    if error["type"] == "ModuleNotFoundError":
        return False
    path = next((frame["path"] for frame in reversed(error["frames"]) if frame["path"]), "")
    is_changed = env.tree.files.get(path) != (base.tree.files.get(path) if base else None)
    return is_changed and bool(env.migration_files([path]))

"""Migrations of a tree that its env.py does not load."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.revisions import migration_files, read_revisions
from alembic_lockstep.report.text import listed


def unloaded_migrations(env: EnvironmentAtTree, scripts: Sequence[str]) -> tuple[str, ...]:
    """Return a note on migrations that env.py did not load: of another dialect, perhaps.

    Args:
        scripts: The migration files that Alembic loaded.
    """
    environment = env.environment
    locations = (environment.script_location, *environment.version_locations)
    files = migration_files(env.tree.files, filter(None, locations), recursive=True)
    others, _ = read_revisions((path for path in files if path not in scripts), env.tree.read)
    folders = sorted({posixpath.dirname(revision.path) for revision in others})
    if not folders:
        return ()
    count = f"{len(others)} migration{'s' if len(others) > 1 else ''}"
    return (f"not judged: {count} in {listed(folders)}, which env.py did not load",)

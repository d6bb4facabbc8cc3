"""What migrations take from the rest of the project, which a commit may change under them."""

from __future__ import annotations

import re
from collections.abc import Collection

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.cache.imported_files import imported_files
from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree

_DRIVERS_OWN = re.compile(
    r"\b(cursor|raw_connection|driver_connection|dbapi_connection|executescript|copy_expert)\b"
    r"|\.connection\.connection\b"
)


def files_taken(env: EnvironmentAtTree, seen: Observation) -> set[str]:
    """Return the files of a tree that the revisions of a run imported, directly or not, or read."""
    tree = env.tree
    opened = [path for path in seen.reads["opened"] if path in tree.files]
    return imported_files(seen.paths.values(), opened, tree.read) | data_read(env, seen)


def data_read(env: EnvironmentAtTree, seen: Observation) -> set[str]:
    """Return the files of a tree that were read, and not imported, while revisions ran."""
    during = seen.reads["during"]
    read = {path for path in during["opened"] if not path.endswith(".py")}
    return {path for path in (*read, *during["texts"]) if path in env.tree.files}


def passes_engines_by(
    env: EnvironmentAtTree, base: EnvironmentAtTree, taken: Collection[str]
) -> bool:
    """Tell whether an old revision, or what it takes, may use a driver's own cursor.

    What is sent that way is not in the transcript.
    """
    old = {revision.path for revision in env.history.revisions if revision.id in base.history.ids}
    return any(_DRIVERS_OWN.search(env.tree.read(path) or "") for path in (*old, *taken))


def changed_files(
    paths: Collection[str], tree: Tree, base: Tree, repository: Repository
) -> list[str]:
    """Return those paths of a tree that the base has otherwise, or not at all."""
    return [
        path
        for path in sorted(paths)
        if not is_same_code(path, base.files.get(path), tree.files.get(path), repository)
    ]


def common_revisions(
    env: EnvironmentAtTree, base: EnvironmentAtTree, repository: Repository
) -> frozenset[str]:
    """Return the ids of what both trees have alike, with all that it builds on."""
    before = {revision.id: revision.path for revision in base.history.revisions}
    ids = {
        revision.id
        for revision in env.history.revisions
        if revision.id in before
        and is_same_code(
            revision.path,
            base.tree.files.get(before[revision.id]),
            env.tree.files.get(revision.path),
            repository,
        )
    }
    labels = {
        label: revision.id for revision in env.history.revisions for label in revision.branch_labels
    }
    while True:
        lost = {
            revision.id
            for revision in env.history.revisions
            if revision.id in ids
            and not {labels.get(name, name) for name in (*revision.down, *revision.depends_on)}
            <= ids
        }
        if not lost:
            return frozenset(ids)
        ids -= lost

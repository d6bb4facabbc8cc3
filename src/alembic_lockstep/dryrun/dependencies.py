"""Files that migrations import or read of the rest of the project, which a commit may change."""

from __future__ import annotations

import re
from collections.abc import Collection

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.cache.imported_files import imported_files
from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.starting_points import Snapshot, SnapshotStore
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree

_DRIVERS_OWN = re.compile(
    r"\b(cursor|raw_connection|driver_connection|dbapi_connection|executescript|copy_expert)\b"
    r"|\.connection\.connection\b"
)


def files_taken(env: EnvironmentAtTree, observation: Observation) -> set[str]:
    """Return the files of a tree that the revisions of a run read or imported, also indirectly."""
    tree = env.tree
    opened = [path for path in observation.reads["opened"] if path in tree.files]
    return imported_files(observation.paths.values(), opened, tree.read) | data_read(
        env, observation
    )


def data_read(env: EnvironmentAtTree, observation: Observation) -> set[str]:
    """Return the files of a tree that were read, and not imported, while revisions ran."""
    during = observation.reads["during"]
    read = {path for path in during["opened"] if not path.endswith(".py")}
    return {path for path in (*read, *during["texts"]) if path in env.tree.files}


def passes_engines_by(
    env: EnvironmentAtTree, base: EnvironmentAtTree, taken: Collection[str]
) -> bool:
    """Return whether an old revision, or a file that it uses, may use a driver's own cursor.

    Statements sent that way are not in the transcript.
    """
    old = {revision.path for revision in env.history.revisions if revision.id in base.history.ids}
    return any(_DRIVERS_OWN.search(env.tree.read(path) or "") for path in (*old, *taken))


def changed_files(
    paths: Collection[str], tree: Tree, base: Tree, repository: Repository
) -> list[str]:
    """Return those paths of a tree whose code differs in the base or is missing there."""
    return [
        path
        for path in sorted(paths)
        if not is_same_code(path, base.files.get(path), tree.files.get(path), repository)
    ]


def outdated_files(
    env: EnvironmentAtTree,
    base: EnvironmentAtTree,
    observation: Observation,
    *,
    start: Snapshot | None,
    snapshots: SnapshotStore,
    repository: Repository,
) -> list[str]:
    """Return the changed files for which the base's revisions may have done otherwise in the base.

    Args:
        observation: A run of this tree's revisions, on top of `start`.
    """
    # No old revision uses a file of a revision that did not exist when it was written.
    revisions = env.history.revisions
    new = {revision.path for revision in revisions if revision.id not in base.history.ids}
    taken = {*files_taken(env, observation), *(start.taken if start else ())} - new
    changed = changed_files(taken, env.tree, base.tree, repository)
    if not changed:
        return []
    before = snapshots.find(base, ())
    data = {*data_read(env, observation), *(start.data if start else ())}
    if (
        before
        and not changed_files(data, env.tree, base.tree, repository)
        and not passes_engines_by(env, base, taken)
    ):
        transcript = {**(start.transcript if start else {}), **observation.transcript}
        common = transcript.keys() & base.history.ids
        if all(before.transcript.get(name) == transcript[name] for name in common):
            return []
    return changed


def common_revisions(
    env: EnvironmentAtTree, base: EnvironmentAtTree, repository: Repository
) -> frozenset[str]:
    """Return the ids of revisions that are alike in both trees, with all their ancestors."""
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

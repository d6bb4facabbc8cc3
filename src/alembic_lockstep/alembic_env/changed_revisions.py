"""Revisions of the base that a tree changes: edited, deleted, or under another id."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.pysource.upgrade_code import same_upgrade

_ASSIGNED_ID = re.compile(r"(?m)^(revision|down_revision)\b.*$")


@dataclass(frozen=True)
class ChangedRevision:
    """A revision of the base whose upgrade the tree edits or deletes.

    Attributes:
        before: The revision as the base has it.
        now: As the tree has it; None if its id is gone.
        renamed: The new revision of the tree that has the same file or the same code under another
            id; None if there is none, or if the id is not gone.
    """

    before: Revision
    now: Revision | None
    renamed: Revision | None = None


def changed_revisions(
    env: EnvironmentAtTree, base: EnvironmentAtTree, among: Collection[str]
) -> list[ChangedRevision]:
    """Return the changed revisions, in the order of the base's files.

    Args:
        among: The ids to look at.
    """
    now = {revision.id: revision for revision in env.history.revisions}
    new = [revision for revision in env.history.revisions if revision.id not in base.history.ids]
    changed = []
    for before in base.history.revisions:
        if before.id not in among:
            continue
        if before.id not in now:
            renamed = next((each for each in new if _is_renamed(env, base, before, each)), None)
            changed.append(ChangedRevision(before, None, renamed))
        elif not _is_same(env, base, before, now[before.id]):
            changed.append(ChangedRevision(before, now[before.id]))
    return changed


def _is_same(
    env: EnvironmentAtTree, base: EnvironmentAtTree, before: Revision, now: Revision
) -> bool:
    if base.tree.files[before.path] == env.tree.files[now.path]:
        return True
    return same_upgrade(base.tree.read(before.path) or "", env.tree.read(now.path) or "")


def _is_renamed(
    env: EnvironmentAtTree, base: EnvironmentAtTree, before: Revision, new: Revision
) -> bool:
    if before.path == new.path:
        return True
    texts = (base.tree.read(before.path) or "", env.tree.read(new.path) or "")
    return same_upgrade(*(_ASSIGNED_ID.sub("", text) for text in texts))

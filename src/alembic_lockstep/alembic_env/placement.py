"""Place a missing migration in an environment of several branches or version locations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import History


@dataclass(frozen=True)
class Placement:
    """Options for the command that creates a revision.

    Attributes:
        head: The revision to build on, as `branch@head` where its branch has a label; "" if there
            is only one.
        version_path: The version location for its file, from the root; "" if there is only one.
    """

    head: str = ""
    version_path: str = ""


def place_revision(
    environment: Environment,
    history: History,
    read: Callable[[str], str | None],
    tables: Collection[str],
) -> Placement:
    """Return the placement of a migration of these tables: the branch whose revisions name them.

    Without `--head` Alembic refuses several heads; without `--version-path` it refuses several
    version locations as long as they are empty.
    """
    heads = history.heads
    locations = environment.version_locations
    if len(heads) < 2 and len(locations) < 2:
        return Placement()
    own = {head: history.up_to(head) - history.up_to(*(set(heads) - {head})) for head in heads}
    texts = {revision.id: read(revision.path) or "" for revision in history.revisions}

    def rank(head: str) -> int:
        return sum(_names(texts.get(id_, ""), table) for id_ in own[head] for table in tables)

    head = max(heads, key=rank, default="")
    path = next((revision.path for revision in history.revisions if revision.id == head), "")
    of_head = [location for location in locations if path.startswith(f"{location}/")]
    # A version location may lie below another.
    version_path = max(of_head or locations[:1], key=len, default="")
    return Placement(
        head=_head_name(history, head, own[head]) if len(heads) > 1 else "",
        version_path=version_path if len(locations) > 1 else "",
    )


def _names(text: str, table: str) -> bool:
    return re.search(rf"\b{re.escape(table.rpartition('.')[2])}\b", text) is not None


def _head_name(history: History, head: str, own: Collection[str]) -> str:
    """Return `label@head`, valid after further revisions, if only this branch has a label."""
    revisions = (revision for revision in history.revisions if revision.id in own)
    labels = [label for revision in revisions for label in revision.branch_labels]
    return f"{labels[0]}@head" if labels else head

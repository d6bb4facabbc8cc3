"""Where the missing migration goes, in an environment of several branches or version locations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import History


@dataclass(frozen=True)
class Placement:
    """What a command that creates a revision has to be told.

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
    """Return where a migration of these tables goes: on the branch whose revisions name them.

    Without `--head` Alembic refuses several heads; without `--version-path` it refuses several
    version locations as long as they are empty.
    """
    heads = history.heads
    locations = environment.version_locations
    if len(heads) < 2 and len(locations) < 2:
        return Placement()
    own = {head: history.up_to(head) - history.up_to(*(set(heads) - {head})) for head in heads}
    texts = {one.id: read(one.path) or "" for one in history.revisions}

    def rank(head: str) -> int:
        return sum(_names(texts.get(one, ""), table) for one in own[head] for table in tables)

    head = max(heads, key=rank, default="")
    path = next((one.path for one in history.revisions if one.id == head), "")
    held = [one for one in locations if path.startswith(f"{one}/")]
    # A version location may lie below another.
    chosen = max(held or locations[:1], key=len, default="")
    return Placement(
        _named(history, head, own[head]) if len(heads) > 1 else "",
        chosen if len(locations) > 1 else "",
    )


def _names(text: str, table: str) -> bool:
    return re.search(rf"\b{re.escape(table.rpartition('.')[2])}\b", text) is not None


def _named(history: History, head: str, own: Collection[str]) -> str:
    """Return a head's name that holds when it moves on, if its branch has one to itself."""
    labels = [label for one in history.revisions if one.id in own for label in one.branch_labels]
    return f"{labels[0]}@head" if labels else head

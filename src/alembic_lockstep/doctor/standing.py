"""Where a database stands in a history, by the rows of its version table alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.report.text import plural

UP_TO_DATE, BEHIND, EMPTY = "up-to-date", "behind", "empty"
UNKNOWN_REVISION, SEVERAL_ROWS, NO_REVISION = "unknown-revision", "several-rows", "no-revision"
UNREAD = "unread"

#: The kinds in words, the most urgent first.
KINDS = {
    UNREAD: "could not be read",
    UNKNOWN_REVISION: "at a revision that the code does not have",
    SEVERAL_ROWS: "several rows in the version table",
    NO_REVISION: "tables, and no revision",
    BEHIND: "behind the code",
    EMPTY: "empty",
    UP_TO_DATE: "up to date",
}


@dataclass(frozen=True)
class Standing:
    """Where a database stands.

    Attributes:
        kind: One of `KINDS`.
        revisions: The ids in its version table.
        pending: The ids that an upgrade would run, the newest first.
        words: The predicate of a sentence about it.
        reason: Why it could not be read.
    """

    kind: str
    revisions: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    words: str = ""
    reason: str = ""


def standing_of(
    revisions: Sequence[str], history: History, order: Sequence[str], *, has_tables: bool
) -> Standing:
    """Return where a database stands.

    Args:
        revisions: The ids in its version table.
        order: The ids of the history, the newest first.
        has_tables: It has tables besides Alembic's.
    """
    ids = tuple(revisions)
    unknown = [name for name in ids if name not in history.ids]
    done = history.up_to(*ids) if not unknown else set(order)
    pending = tuple(name for name in order if name not in done)
    if not ids:
        return _without_revision(pending, has_tables)
    if unknown:
        words = f"is at {', '.join(unknown)}, which the code does not have"
        return Standing(UNKNOWN_REVISION, ids, pending, words)
    covered = sorted(name for name in ids if name in _ancestors(history, ids, name))
    if covered:
        others = ", ".join(name for name in ids if name not in covered)
        words = f"has {plural(len(ids), 'row')} in its version table: {others} includes "
        return Standing(SEVERAL_ROWS, ids, pending, words + ", ".join(covered))
    if pending:
        words = f"is at {', '.join(ids)}, {plural(len(pending), 'revision')} behind the code"
        return Standing(BEHIND, ids, pending, words)
    heads = "the head" if len(ids) == 1 else "the heads"
    return Standing(UP_TO_DATE, ids, (), f"is at {heads} of the code, {', '.join(ids)}")


def _without_revision(pending: tuple[str, ...], has_tables: bool) -> Standing:
    if not has_tables:
        return Standing(EMPTY, (), pending, "has no tables yet")
    return Standing(NO_REVISION, (), pending, "has tables, and no revision is noted in it")


def _ancestors(history: History, ids: Sequence[str], name: str) -> set[str]:
    """Return what the revisions other than `name` build on, themselves included."""
    return history.up_to(*(other for other in ids if other != name))

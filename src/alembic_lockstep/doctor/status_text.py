"""`status` for people: the history where a database stands in it, and a table of many databases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.doctor.database_status import DatabaseStatus, by_kind
from alembic_lockstep.doctor.revision_graph import graph_rows
from alembic_lockstep.doctor.standing import BEHIND, EMPTY, UP_TO_DATE
from alembic_lockstep.report.text import plural

#: Revisions that are listed of a history.
_LISTED = 20
#: States that `doctor` has nothing to say about.
PLAIN = (UP_TO_DATE, BEHIND, EMPTY)


def history_lines(code: CodeHistory) -> Iterator[str]:
    """Yield the heads of an environment and its newest revisions."""
    history = code.history
    heads = plural(len(history.heads), "head")
    count = plural(len(history.revisions), "revision")
    yield f"{code.name}: {count}, {heads}: {', '.join(history.heads) or 'none'}"
    shown = code.newest_first[:_LISTED]
    if shown:
        yield ""
        yield from revision_lines(code, shown)
        more = len(code.newest_first) - len(shown)
        yield from [f"  … and {more} earlier"] if more else []


def database_lines(status: DatabaseStatus) -> Iterator[str]:
    """Yield where one database stands, and the revisions from there to the heads."""
    standing, code = status.standing, status.code
    assert code is not None
    yield f"{status.shown} {standing.words}."
    shown = [code.by_id[name] for name in standing.pending]
    shown += [code.by_id[name] for name in standing.revisions if name in code.by_id]
    if shown and standing.kind in PLAIN:
        yield ""
        yield from revision_lines(code, shown[:_LISTED], standing.revisions)
        more = len(shown) - _LISTED
        yield from [f"  … and {more} more"] if more > 0 else []
    if standing.kind not in PLAIN:
        yield "What is wrong, and how to fix it: alembic-lockstep doctor --database URL"


def table_lines(statuses: Sequence[DatabaseStatus]) -> Iterator[str]:
    """Yield a line for each of many databases, in groups."""
    width = max(len(status.shown) for status in statuses)
    for number, (kind, group) in enumerate(by_kind(statuses).items()):
        yield from [""] if number else []
        yield f"{kind}: {plural(len(group), 'database')}"
        for status in group:
            yield f"  {status.shown:<{width}}  {cell(status)}".rstrip()


def cell(status: DatabaseStatus) -> str:
    """Return in some words where a database of a group stands."""
    standing = status.standing
    revisions = ", ".join(standing.revisions)
    behind = f", {len(standing.pending)} behind" if standing.kind == BEHIND else ""
    return standing.reason or f"{revisions}{behind}"


def revision_lines(
    code: CodeHistory, revisions: Sequence[Revision], applied: Collection[str] = ()
) -> Iterator[str]:
    """Yield a line for each revision: id, date, author, message, and what it is.

    Args:
        revisions: The newest first.
        applied: Those that a database is at.
    """
    names = [revision.id for revision in revisions]
    parents = {revision.id: sorted(code.history.parents(revision)) for revision in revisions}
    rows = graph_rows(names, parents)
    width = max(len(marks) for marks, _ in rows)
    ids = max(map(len, names))
    authors = max(len(code.authorship(revision).author) for revision in revisions)
    for marks, name in rows:
        if not name:
            yield f"  {marks}"
            continue
        revision = code.by_id[name]
        written = code.authorship(revision)
        notes = ["the database"] if name in applied else ["pending"] if applied else []
        notes += ["head"] if name in code.history.heads else []
        note = f"  ({', '.join(notes)})" if notes else ""
        graph = f"{marks:<{width}}  " if width else ""
        yield (
            f"  {graph}{name:<{ids}}  {written.date:<10}  {written.author:<{authors}}  "
            f"{code.title(revision)}{note}"
        ).rstrip()

"""`status` for programs, and as a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.doctor.database_status import DatabaseStatus, by_kind
from alembic_lockstep.doctor.status_text import cell, history_lines
from alembic_lockstep.report.markdown import fenced, prose

#: Rises when a name changes or is removed.
VERSION = 1


def render_json(codes: Sequence[CodeHistory], statuses: Sequence[DatabaseStatus]) -> str:
    """Return all data as one object."""
    content = {
        "version": VERSION,
        "environments": [_environment(code) for code in codes],
        "databases": [_database(status) for status in statuses],
    }
    return json.dumps(content, indent=2) + "\n"


def render_markdown(codes: Sequence[CodeHistory], statuses: Sequence[DatabaseStatus]) -> str:
    """Return a page: the databases in groups, or without any the histories."""
    blocks = (
        [*_table(statuses)] if statuses else [fenced("\n".join(history_lines(c))) for c in codes]
    )
    return "\n\n".join(["## alembic-lockstep status", *blocks]) + "\n"


def _table(statuses: Sequence[DatabaseStatus]) -> Iterator[str]:
    rows = [
        f"| {prose(kind)} | {prose(status.shown)} | {prose(cell(status))} |"
        for kind, group in by_kind(statuses).items()
        for status in group
    ]
    yield "\n".join(["| state | database | at |", "| --- | --- | --- |", *rows])


def _environment(code: CodeHistory) -> dict[str, Any]:
    revisions = [
        {
            "id": revision.id,
            "parents": list(revision.down),
            "path": revision.path,
            "message": code.title(revision),
            "date": code.authorship(revision).date,
            "author": code.authorship(revision).author,
        }
        for revision in code.newest_first
    ]
    return {"config": code.name, "heads": list(code.history.heads), "revisions": revisions}


def _database(status: DatabaseStatus) -> dict[str, Any]:
    standing = status.standing
    return {
        "database": status.shown,
        "environment": status.code.name if status.code else "",
        "state": standing.kind,
        "revisions": list(standing.revisions),
        "pending": list(standing.pending),
        "error": standing.reason,
    }

"""The page that `status` prints, in each format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.doctor.database_status import DatabaseStatus
from alembic_lockstep.doctor.status_data import render_json, render_markdown
from alembic_lockstep.doctor.status_text import database_lines, history_lines, table_lines
from alembic_lockstep.report.text import printable, without_commands


def render_status(
    name: str, codes: Sequence[CodeHistory], statuses: Sequence[DatabaseStatus]
) -> str:
    """Return the page in a format: `full`, `json` or `markdown`."""
    if name == "full":
        text = "".join(f"{printable(line)}\n" for line in _lines(codes, statuses))
        return without_commands(text)
    text = {"json": render_json, "markdown": render_markdown}[name](codes, statuses)
    return without_commands(text, is_json=name == "json")


def _lines(codes: Sequence[CodeHistory], statuses: Sequence[DatabaseStatus]) -> Iterator[str]:
    if not statuses:
        for number, code in enumerate(codes):
            yield from [""] if number else []
            yield from history_lines(code)
    elif len(statuses) == 1:
        yield from database_lines(statuses[0])
    else:
        yield from table_lines(statuses)

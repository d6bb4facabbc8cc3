"""Lines of the models and of the migrations that make a part of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alembic_lockstep.described_schema import SchemaPart
from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.pysource.locate import locate
from alembic_lockstep.pysource.migration import find_in_migration
from alembic_lockstep.report.text import position

_KINDS = {
    "check": "add_constraint",
    "column": "add_column",
    "foreign key": "add_fk",
    "index": "add_index",
    "table": "add_table",
    "unique": "add_constraint",
}


def part_lines(part: SchemaPart, code: CodeHistory, catalogue: Mapping[str, Any]) -> Iterator[str]:
    """Yield `path:line` of the model that has a part, and of the migration that makes it.

    Args:
        catalogue: The models' tables, as the probe reports them.
    """
    kind, table = _KINDS.get(part.kind), part.owner or part.name
    if kind is None:
        return
    operation = {"kind": kind, "table": table, "name": part.name, "columns": []}
    location = locate(operation, catalogue, code.env.tree.read)
    if location:
        yield position(location)
    if not part.name:
        return
    # A table is made once, before others mention it; a part of it may be dropped and made again.
    newest = code.newest_first
    for revision in newest if part.owner else reversed(newest):
        text = code.env.tree.read(revision.path) or ""
        span = find_in_migration(text, table, part.name if part.owner else "")
        if span and part.name in span.source:
            yield f"{revision.path}:{span.line}"
            return

"""Schema and rows that migrations made, and how two databases differ in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from alembic_lockstep.described_schema.schema_parts import SchemaPart, compare_schemas
from alembic_lockstep.described_schema.schema_reading import read_schema
from alembic_lockstep.rows import ReadTable, Rows, open_rows_database, read_rows

#: What each run makes anew: moments and random ids, in a default or in a row.
_OF_THE_RUN = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d(:?\d\d)?|Z)?)?"
    r"|[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
)
_EXAMPLE_LENGTH = 60


@dataclass(frozen=True)
class DatabaseContent:
    """Schema and rows of a database, without what each run makes anew."""

    schema: frozenset[SchemaPart]
    rows: Rows

    @classmethod
    def read(cls, url: str, is_chosen: Callable[[str], bool]) -> DatabaseContent:
        """Read a scratch database.

        Args:
            is_chosen: Whether to read a table's rows, by its name.

        Raises:
            ConnectionError, StatementError: it cannot be opened or read.
        """
        with open_rows_database(url) as database:
            rows = read_rows(database, ())
            chosen = [name for name in rows.names if is_chosen(name.name)]
            rows = read_rows(database, chosen) if chosen else rows
            parts = read_schema(database)
        return cls(frozenset(_lasting(part) for part in parts), rows)


def content_differences(old: DatabaseContent, fresh: DatabaseContent) -> list[str]:
    """Return in what an old database differs from a fresh one: "lacks column games.winners"."""
    parts = compare_schemas(old.schema, fresh.schema)
    return [
        *(f"lacks {words}" for words in parts.left),
        *(f"has {words} as well" for words in parts.lost),
        *parts.changed,
        *_row_differences(old.rows, fresh.rows),
    ]


def _lasting(part: SchemaPart) -> SchemaPart:
    return replace(part, definition=_OF_THE_RUN.sub("…", part.definition))


def _row_differences(old: Rows, fresh: Rows) -> Iterator[str]:
    for name in sorted(old.tables.keys() & fresh.tables.keys()):
        before, after = old.tables[name], fresh.tables[name]
        if before.reason or after.reason or not (before.is_whole and after.is_whole):
            continue
        columns = [column.name for column in before.columns if column in after.columns]
        values, others = _values(before, columns), _values(after, columns)
        for row in list((others - values).elements())[:1]:
            yield f"lacks rows of {name}: {_shown(row)}"
        for row in list((values - others).elements())[:1]:
            yield f"has other rows in {name}: {_shown(row)}"


def _values(table: ReadTable, columns: list[str]) -> Counter[tuple[str, ...]]:
    """Return the rows as texts of some columns, without moments and random ids."""
    at = [index for index, column in enumerate(table.columns) if column.name in columns]
    return Counter(
        tuple("NULL" if row[i] is None else _OF_THE_RUN.sub("…", str(row[i])) for i in at)
        for row in table.rows
    )


def _shown(row: tuple[str, ...]) -> str:
    text = ", ".join(row)
    return f"({text if len(text) < _EXAMPLE_LENGTH else text[: _EXAMPLE_LENGTH - 1] + '…'})"

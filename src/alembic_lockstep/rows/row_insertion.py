"""Insert planned rows: all at once, else one by one, changed until the database accepts them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from alembic_lockstep.rows.column_choices import Choice
from alembic_lockstep.rows.described_tables import RowTable
from alembic_lockstep.rows.row_plan import Row, RowPlan
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError

#: How many changed rows are tried for a row that the database refuses, and for a table.
_MOST_TRIES, _MOST_TRIES_OF_TABLE = 60, 150
#: Rows that suffice, if others are refused.
_ENOUGH = 3


class RowInsertion:
    """Inserts rows into one table."""

    def __init__(self, database: RowsDatabase, table: RowTable, columns: Sequence[str]) -> None:
        self._database = database
        self._table = table
        self._columns = columns
        self._tries = 0
        self.message = ""

    def insert(self, rows: Sequence[Row], plan: RowPlan, choices: dict[str, Choice]) -> int:
        """Insert what the database accepts of the rows, or of rows like them; return how many.

        `message` holds the first reason for a refusal.
        """
        if self._accepts(rows):
            return len(rows)
        accepted: list[Row] = []
        for row in rows:
            if self._accepts([row]):
                accepted.append(row)
            elif len(accepted) < _ENOUGH:
                accepted += self._accepted_variation(row, accepted, plan, choices)
        return len(accepted)

    def statement(self, rows: Sequence[Row]) -> str:
        """Return the INSERT of rows; without columns, that of a single row of defaults."""
        name = self._database.quoted_table(self._table.name)
        if not self._columns:
            values = "() VALUES ()" if self._database.dialect == "mysql" else "DEFAULT VALUES"
            return f"INSERT INTO {name} {values}"
        listed = self._database.quoted_columns(self._columns)
        overriding = (
            " OVERRIDING SYSTEM VALUE"
            if self._database.dialect == "postgresql" and self._sets_counted()
            else ""
        )
        values = ", ".join(f"({', '.join(row[name] for name in self._columns)})" for row in rows)
        return f"INSERT INTO {name} ({listed}){overriding} VALUES {values}"

    def _sets_counted(self) -> bool:
        return any(self._table.column(name).is_counted for name in self._columns)

    def _accepts(self, rows: Sequence[Row]) -> bool:
        try:
            for part in [rows] if self._columns else [[row] for row in rows]:
                self._database.attempt(self.statement(part))
        except StatementError as error:
            if len(rows) == 1 or not self.message:
                self.message = str(error)
            return False
        return True

    def _accepted_variation(
        self, row: Row, accepted: Sequence[Row], plan: RowPlan, choices: dict[str, Choice]
    ) -> list[Row]:
        """Return the first row like the refused one that the database accepts, or none."""
        reason = self.message
        names = _suspects(self._table, reason, list(choices))
        variations = (
            other for other in plan.variations(row, names) if plan.is_distinct(other, accepted)
        )
        for other in islice(variations, _MOST_TRIES):
            self._tries += 1
            if self._tries > _MOST_TRIES_OF_TABLE:
                break
            if self._accepts([other]):
                return [other]
        self.message = reason
        return []


def _suspects(table: RowTable, message: str, names: list[str]) -> list[str]:
    """Return the columns, those first that a message names or whose conditions hold for it."""

    def rank(name: str) -> int:
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message):
            return 0
        if any(name in condition.columns for condition in table.conditions):
            return 1
        return 2 if name in message else 3

    return sorted(names, key=rank)

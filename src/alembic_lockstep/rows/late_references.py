"""Make rows refer to rows that came after them: of their own table, or around a circle."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from alembic_lockstep.rows.condition_judge import NULL
from alembic_lockstep.rows.described_tables import Reference, RowTable
from alembic_lockstep.rows.referable_values import ReferableValues
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError


class LateReferences:
    """References that were left NULL when their tables were filled."""

    def __init__(self, database: RowsDatabase, values: ReferableValues) -> None:
        self._database = database
        self._values = values
        self._waiting: list[tuple[RowTable, Reference]] = []

    def add(self, table: RowTable, reference: Reference) -> None:
        """Note a reference that waits for rows of its target."""
        self._waiting.append((table, reference))

    def settle(self) -> None:
        """Update the rows that can refer to something; a few stay NULL."""
        for table, reference in self._waiting:
            statements = self._statements(table, reference)
            try:
                with self._database.unit():
                    for statement in statements:
                        self._database.run(statement)
            except StatementError:
                for statement in statements:
                    with suppress(StatementError):
                        self._database.attempt(statement)

    def _statements(self, table: RowTable, reference: Reference) -> list[str]:
        """Return updates of some rows of a table with a primary key."""
        key = table.primary_key
        own = [
            name for name in reference.columns if table.column(name).is_nullable and name not in key
        ]
        others = [r for r in table.references if r != reference]
        own = [name for name in own if not any(name in other.columns for other in others)] or own
        if not key or not own:
            return []
        parents = self._values.read_again(reference.table, reference.targets)
        rows = self._values.read(table, key, tuple(reference.columns))
        statements = []
        for number, row in enumerate(rows):
            values = dict(zip(reference.columns, row[len(key) :], strict=True))
            parent = self._parent(reference, parents, values, own, number)
            if parent and number not in (0, 2):  # roots
                statements.append(self._update(table, own, parent, row[: len(key)]))
        return statements

    def _parent(
        self,
        reference: Reference,
        parents: Sequence[tuple[str, ...]],
        values: dict[str, str],
        own: Sequence[str],
        number: int,
    ) -> dict[str, str] | None:
        """Return the values of a parent that agrees with the columns that stay as they are."""
        for step in range(len(parents)):
            parent = parents[(number - 1 + step) % len(parents)]
            pairs = dict(zip(reference.columns, parent, strict=True))
            if all(values[name] == text for name, text in pairs.items() if name not in own):
                return {name: pairs[name] for name in own}
        return None

    def _update(
        self, table: RowTable, own: Sequence[str], parent: dict[str, str], key: Sequence[str]
    ) -> str:
        quoted = self._database.quoted
        changes = [f"{quoted(name)} = {parent[name]}" for name in own]
        if self._database.dialect == "mysql":  # no ON UPDATE CURRENT_TIMESTAMP
            times = [c.name for c in table.columns if c.type.kind == "timestamp"]
            changes += [f"{quoted(name)} = {quoted(name)}" for name in times if name not in own]
        tests = [
            f"{quoted(name)} = {text}"
            for name, text in zip(table.primary_key, key, strict=True)
            if text != NULL
        ]
        name = self._database.quoted_table(table.name)
        return f"UPDATE {name} SET {', '.join(changes)} WHERE {' AND '.join(tests)}"

"""Read the values that other tables may refer to."""

from __future__ import annotations

from alembic_lockstep.rows.described_tables import RowColumn, RowTable, TableName, Tables
from alembic_lockstep.rows.rows_database import RowsDatabase

#: How many rows others refer to at most.
_MOST_PARENTS = 16
_BINARY = {"bytes", "bits"}


class ReferableValues:
    """The values of keys, as literals, read once."""

    def __init__(self, database: RowsDatabase, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._literals: dict[tuple[TableName, tuple[str, ...]], list[tuple[str, ...]]] = {}

    def literals(self, name: TableName, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return the literals of columns of a filled table, a tuple for each row without NULLs."""
        key = (name, columns)
        table = self._tables.get(name)
        if key not in self._literals:
            self._literals[key] = self.read(table, columns) if table else []
        return self._literals[key]

    def read_again(self, name: TableName, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return the literals of columns of a table as they are now."""
        self._literals.pop((name, columns), None)
        return self.literals(name, columns)

    def has_rows(self, name: TableName) -> bool:
        """Return whether a table holds a row."""
        quoted = self._database.quoted_table(name)
        return bool(self._database.query(f"SELECT 1 FROM {quoted} LIMIT 1"))

    def read(
        self,
        table: RowTable,
        columns: tuple[str, ...],
        others: tuple[str, ...] = (),
    ) -> list[tuple[str, ...]]:
        """Return the literals of columns, ordered by them, and of others that may be NULL."""
        listed = [self._literal(table.column(name)) for name in (*columns, *others)]
        quoted = [self._database.quoted(name) for name in columns]
        tests = " AND ".join(f"{name} IS NOT NULL" for name in quoted)
        grouped = ", ".join([*quoted, *map(self._database.quoted, others)])
        sql = (
            f"SELECT {', '.join(listed)} FROM {self._database.source(table)} "
            f"WHERE {tests} GROUP BY {grouped} ORDER BY {', '.join(quoted)} LIMIT {_MOST_PARENTS}"
        )
        return [tuple(map(str, row)) for row in self._database.query(sql)]

    def _literal(self, column: RowColumn) -> str:
        name = self._database.quoted(column.name)
        if self._database.dialect == "postgresql":
            return f"COALESCE(quote_literal({name}::text), 'NULL')"
        if self._database.dialect == "sqlite":
            return f"quote({name})"
        if column.type.kind in _BINARY:
            return f"COALESCE(CONCAT('x''', HEX({name}), ''''), 'NULL')"
        return f"QUOTE({name})"

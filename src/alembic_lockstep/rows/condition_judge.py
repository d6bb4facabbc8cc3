"""Have the database evaluate conditions on values that no row has yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from alembic_lockstep.rows.described_tables import Condition, RowTable, TableName, Tables
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError

NULL = "NULL"
#: Name of a column: table and name.
ColumnName = tuple[TableName, str]

_INDEX = "lockstep_row"
#: Kinds that SQLite stores as numbers, whatever the literal.
_NUMERIC = {"integer", "decimal", "float"}
#: SQLite takes 500 parts of a compound SELECT, and no server a query of any length.
_MOST_ROWS, _MOST_QUERIES = 400, 60


class ValueJudge:
    """Judges the values of single columns."""

    def __init__(self, database: RowsDatabase, tables: Tables) -> None:
        self._database = database
        self._tables = tables

    def conditions(self, name: TableName, column: str) -> list[Condition]:
        """Return the conditions on a column alone."""
        return [c for c in self._tables[name].conditions if c.columns == (column,)]

    def accepted(self, literals: Mapping[ColumnName, Sequence[str]]) -> dict[ColumnName, list[str]]:
        """Return the literals of each column with which no condition on it alone is false.

        A column whose conditions cannot be evaluated is left out.
        """
        queries = {
            (name, column): condition_query(
                self._database,
                self._tables[name],
                [{column: text} for text in texts],
                self.conditions(name, column),
            )
            for (name, column), texts in literals.items()
            if texts
        }
        names = list(queries)
        numbers: dict[ColumnName, list[int]] = {}
        for start in range(0, len(names), _MOST_QUERIES):
            numbers.update(self._asked(names[start : start + _MOST_QUERIES], queries))
        return {at: [literals[at][n] for n in sorted(listed)] for at, listed in numbers.items()}

    def _asked(
        self, names: Sequence[ColumnName], queries: Mapping[ColumnName, str]
    ) -> Iterator[tuple[ColumnName, list[int]]]:
        text = " UNION ALL ".join(
            f"SELECT {at}, {_INDEX} FROM ({queries[name]}) AS part{at}"
            for at, name in enumerate(names)
        )
        answers: dict[ColumnName, list[int]] = {name: [] for name in names}
        try:
            for at, number in self._database.query(text):
                answers[names[at]].append(number)
        except StatementError:
            if len(names) == 1:
                return
            for name in names:
                yield from self._asked([name], queries)
            return
        yield from answers.items()


class RowJudge:
    """Judges rows of a table by its conditions on several columns."""

    def __init__(self, database: RowsDatabase, table: RowTable) -> None:
        self._database = database
        self._table = table

    def accepted(
        self, rows: Sequence[dict[str, str]], conditions: Sequence[Condition]
    ) -> set[int] | None:
        """Return the numbers of the rows for which no condition is false; None: not known."""
        names = sorted({name for condition in conditions for name in condition.columns})
        parts = [{name: row.get(name, NULL) for name in names} for row in rows]
        if not parts:
            return set()
        sql = condition_query(self._database, self._table, parts, conditions)
        try:
            with self._database.unit():
                return {number for (number,) in self._database.query(sql)}
        except StatementError:
            return None


def condition_query(
    database: RowsDatabase,
    table: RowTable,
    rows: Sequence[dict[str, str]],
    conditions: Sequence[Condition],
) -> str:
    """Return the SELECT of the numbers of the rows that conditions accept."""
    true = "true" if database.dialect == "postgresql" else "1"
    tests = [f"COALESCE(({condition.sql}), {true})" for condition in conditions]
    where = " AND ".join(tests) or true
    source = _rows(database, table, rows[:_MOST_ROWS])
    name = database.quoted(table.name.name)
    return f"SELECT {_INDEX} FROM ({source}) AS {name} WHERE {where}"


def _rows(database: RowsDatabase, table: RowTable, rows: Sequence[dict[str, str]]) -> str:
    names = list(rows[0])
    if database.dialect == "mysql":
        fields = (
            ", ".join(f"{row[name]} AS {database.quoted(name)}" for name in names) for row in rows
        )
        return " UNION ALL ".join(
            f"SELECT {at} AS {_INDEX}, {field}" for at, field in enumerate(fields)
        )
    values = ", ".join(
        f"({at}, {', '.join(_typed(database, table, name, row[name]) for name in names)})"
        for at, row in enumerate(rows)
    )
    listed = database.quoted_columns([_INDEX, *names])
    if database.dialect == "sqlite":
        return f"WITH listed({listed}) AS (VALUES {values}) SELECT * FROM listed"
    return f"SELECT * FROM (VALUES {values}) AS listed({listed})"


def _typed(database: RowsDatabase, table: RowTable, name: str, text: str) -> str:
    """Return a literal as the column stores it."""
    kind = table.column(name).type
    if database.dialect == "postgresql":
        return f"CAST({text} AS {kind.spelling})"
    return f"CAST({text} AS NUMERIC)" if kind.kind in _NUMERIC and text != NULL else text

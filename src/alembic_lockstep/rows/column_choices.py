"""Choose the values of columns: by type, then as far as their conditions accept them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alembic_lockstep.rows.check_literals import literals_for, spare_values
from alembic_lockstep.rows.condition_judge import NULL, ValueJudge
from alembic_lockstep.rows.described_tables import RowColumn, RowTable, TableName, Tables
from alembic_lockstep.rows.rows_database import RowsDatabase
from alembic_lockstep.rows.value_samples import Expression, Value
from alembic_lockstep.rows.value_series import series

#: How many labels are put into rows, one row each.
MOST_LABELS = 38


@dataclass
class Choice:
    """Literals for a column.

    Attributes:
        usual: Different ones.
        edges: The longest, the least and the like.
        labels: All that the column takes, where these are few; else none.
        suggested: Literals out of conditions on several columns.
        others: Literals that a condition may ask for.
    """

    column: RowColumn
    usual: list[str]
    edges: list[str]
    labels: list[str]
    suggested: list[str]
    others: list[str]

    @property
    def pool(self) -> list[str]:
        """Return all literals that may fit, best first."""
        return literals_in(self.labels, self.suggested, self.usual, self.edges, self.others)

    def pick(self, number: int) -> str:
        """Return the literal for a row; row 3 repeats row 0, and row 2 has the NULLs."""
        if self.column.is_nullable and number == 2:
            return NULL
        if self.labels:
            rank = number - (self.column.is_nullable and number > 2)
            return self.labels[rank % len(self.labels)]
        if not self.usual:
            return self.edges[number % len(self.edges)] if self.edges else NULL
        if number in (0, 3) or not self.edges:
            return self.usual[0 if number == 3 else number % len(self.usual)]
        if number in (1, 2):
            return self.edges[(number - 1) % len(self.edges)]
        rank = number - (3 if self.column.is_nullable else 2)
        rest = self.edges[1 if self.column.is_nullable else 2 :]
        return rest[rank - 1] if rank <= len(rest) else self.usual[rank % len(self.usual)]


def literal(value: Value | None, dialect: str) -> str:
    """Return a value as a literal of SQL."""
    if value is None:
        return NULL
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'" if dialect == "postgresql" else f"x'{value.hex()}'"
    text = value.replace("'", "''")
    if dialect == "mysql":
        text = text.replace("\\", "\\\\")
    return f"'{text}'"


def choose(
    database: RowsDatabase, columns: Mapping[TableName, Collection[str]], tables: Tables
) -> dict[TableName, dict[str, Choice]]:
    """Return the choices for columns, by table and name; outside of a transaction."""
    drafts = {
        (name, column.name): _Draft(column, tables[name], database.dialect)
        for name, listed in columns.items()
        for column in tables[name].columns
        if column.name in listed
    }
    judge = ValueJudge(database, tables)
    judged = [at for at in drafts if judge.conditions(*at)]
    accepted = judge.accepted({at: drafts[at].literals for at in judged})
    poor = [at for at in judged if not accepted.get(at) and drafts[at].spare]
    more = judge.accepted({at: drafts[at].spare for at in poor})
    choices: dict[TableName, dict[str, Choice]] = {name: {} for name in columns}
    for (name, column), draft in drafts.items():
        at = (name, column)
        choices[name][column] = draft.choice(accepted.get(at) or more.get(at) or None)
    return choices


class _Draft:
    """Literals that a column may have."""

    def __init__(self, column: RowColumn, table: RowTable, dialect: str) -> None:
        self._column = column
        self._dialect = dialect
        is_key = column.is_counted or column.name in table.primary_key
        by_type = series(column, dialect)

        def literals(values: Iterable[Value]) -> list[str]:
            return list(dict.fromkeys(literal(value, dialect) for value in values))

        self._usual = literals(by_type.usual)
        self._edges = literals(by_type.edges)
        if is_key:  # the server may come to count from the greatest; programs use no empty keys
            self._edges = [] if column.type.kind == "integer" else self._edges[:1]
        self._labels = literals(by_type.labels)
        self._suggested = literals(literals_for(column, table.conditions))
        self.literals = literals_in(self._usual, self._edges, self._labels, self._suggested)

    @property
    def spare(self) -> list[str]:
        """Return literals that a condition may ask for, beside those that it holds."""
        return [literal(value, self._dialect) for value in spare_values(self._column)]

    def choice(self, accepted: list[str] | None) -> Choice:
        """Return the choice of the accepted literals; of all by type, if that is None."""
        usual, edges, labels = self._usual, self._edges, self._labels
        if accepted is None:
            return Choice(self._column, usual, edges, labels, self._suggested, self.spare)
        usual, labels = _within(usual, accepted), _within(labels, accepted)
        edges = _within(literals_in(self._suggested, edges), accepted)
        if not usual and not labels:
            labels, edges = accepted[:MOST_LABELS], []
        return Choice(self._column, usual, edges, labels, [], accepted)


def literals_in(*lists: Sequence[str]) -> list[str]:
    """Return the literals of several lists, each once."""
    return list(dict.fromkeys(text for texts in lists for text in texts))


def _within(literals: Sequence[str], accepted: Collection[str]) -> list[str]:
    return [text for text in literals if text in accepted]

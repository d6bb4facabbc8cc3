"""What only a person can know about a migration: renames, and values for rows that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from alembic_lockstep.dryrun.operation import Operation
from alembic_lockstep.fix.row_steps import CHOOSE
from alembic_lockstep.probe.rendering import escape_colons
from alembic_lockstep.probe.twin.code import literal_of

_VALUE = re.compile(
    r"(?P<before>.* SET .+? = )(?P<value>.*)(?P<after> WHERE .* IS NULL)", re.DOTALL
)


@dataclass(frozen=True)
class RenamedColumn:
    """A column that goes, and one of the same type that comes: perhaps the same, renamed."""

    table: str
    old: str
    new: str

    @property
    def question(self) -> str:
        """Return the question to a person."""
        return f"{self.table}.{self.old} goes and {self.table}.{self.new} comes: was it renamed?"


@dataclass(frozen=True)
class Value:
    """A column that becomes NOT NULL, and needs a value in the rows that exist.

    Attributes:
        sql: The value that is proposed.
    """

    table: str
    column: str
    sql: str

    @property
    def question(self) -> str:
        """Return the question to a person."""
        return f"{self.table}.{self.column} is NOT NULL. Its value in rows that exist, as SQL?"


@dataclass(frozen=True)
class Choices:
    """A person's answers.

    Attributes:
        renamed: Of pairs of columns, whether they are one that was renamed.
        values: The values of columns by `(table, column)`.
    """

    renamed: dict[RenamedColumn, bool] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)


def possible_renames(missing: Sequence[Operation]) -> list[RenamedColumn]:
    """Return the columns that may be renamed ones."""
    gone = {(each.table, each.name) for each in missing if each.kind == "remove_column"}
    pairs = (RenamedColumn(each.table, each.renames, each.name) for each in missing if each.renames)
    return [pair for pair in pairs if (pair.table, pair.old) in gone]


def values_to_choose(missing: Iterable[Operation]) -> list[Value]:
    """Return the columns for which a value is only proposed."""
    return [
        Value(operation.table, operation.name, value)
        for operation in missing
        if operation.fills
        for line in operation.code
        for value in _proposed_value(line)
    ]


def _proposed_value(line: str) -> Iterator[str]:
    parts = _VALUE.fullmatch(_statement(line)) if line.endswith(CHOOSE) else None
    if parts:
        yield parts["value"]


def with_value(line: str, value: str) -> str:
    """Return a line that fills a column, with the value that a person chose."""
    parts = _VALUE.fullmatch(_statement(line)) if line.endswith(CHOOSE) else None
    if parts is None:
        return line
    return f"op.execute({literal_of(parts['before'] + escape_colons(value) + parts['after'])})"


def _statement(line: str) -> str:
    """Return the SQL of a line `op.execute("…")`, its colons escaped as there."""
    call = ast.parse(line).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    return str(ast.literal_eval(call.value.args[0]))

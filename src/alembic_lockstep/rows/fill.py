"""Fill tables with a few valid rows, the same in every run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from alembic_lockstep.rows.column_choices import Choice, choose
from alembic_lockstep.rows.condition_judge import NULL, RowJudge
from alembic_lockstep.rows.described_tables import Reference, RowTable, TableName, Tables
from alembic_lockstep.rows.late_references import LateReferences
from alembic_lockstep.rows.referable_values import ReferableValues
from alembic_lockstep.rows.row_catalogue import VERSION_TABLE, read_tables
from alembic_lockstep.rows.row_insertion import RowInsertion
from alembic_lockstep.rows.row_plan import Parents, Row, RowPlan
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError
from alembic_lockstep.rows.table_order import is_required, ordered_groups, related

#: Tables of a circle get more rows than the first ones, if these are fewer.
_FEW = 3


@dataclass(frozen=True)
class FilledTable:
    """Table that was to be filled.

    Attributes:
        rows: How many rows were put into it.
        reason: Why it holds no row at all; empty if it does.
    """

    name: TableName
    rows: int
    reason: str = ""


@dataclass(frozen=True)
class Filled:
    """The tables that were to be filled, in the order of their references."""

    tables: tuple[FilledTable, ...]

    @property
    def unfilled(self) -> tuple[FilledTable, ...]:
        """Return the tables that hold no rows."""
        return tuple(table for table in self.tables if table.reason)


def fill(
    database: RowsDatabase,
    names: Collection[TableName] | None = None,
    version_tables: Collection[str] = (VERSION_TABLE,),
    *,
    only_empty: bool = False,
) -> Filled:
    """Put rows into tables, into those that reference them, and into all that these reference.

    Args:
        names: The tables; all if None. Names that the database has not are left out.
        only_empty: Whether tables that hold rows get no more.

    Raises:
        StatementError: the catalogue cannot be read, or the connection was lost.
    """
    tables = read_tables(database, version_tables)
    chosen = set(tables) if names is None else related(tables, with_partitions(tables, names))
    groups = [[tables[name] for name in group] for group in ordered_groups(tables, chosen)]
    filling = _Filling(database, tables, groups, only_empty)
    with database.transaction():
        for group in groups:
            filling.fill_group(group)
        filling.late.settle()
    return Filled(tuple(filling.filled))


def with_partitions(tables: Tables, names: Iterable[TableName]) -> set[TableName]:
    """Return names of tables, with the table in the place of its partitions."""
    roots = {part: table.name for table in tables.values() for part in table.partitions}
    return {roots.get(name, name) for name in names}


class _Filling:
    """The state of one run of `fill`."""

    def __init__(
        self,
        database: RowsDatabase,
        tables: Tables,
        groups: Sequence[Sequence[RowTable]],
        only_empty: bool,
    ) -> None:
        self._database = database
        self._only_empty = only_empty
        self._required = [_required_within(group) for group in groups]
        targets: dict[TableName, set[str]] = {}
        for reference in (r for required in self._required for r in required):
            targets.setdefault(reference.table, set()).update(reference.targets)
        self._targets = targets
        settable = {
            table.name: _settable(table, targets.get(table.name, ()))
            for group in groups
            for table in group
        }
        self._choices = choose(database, settable, tables)
        self._values = ReferableValues(database, tables)
        self._done: set[TableName] = set()
        self.filled: list[FilledTable] = []
        self.late = LateReferences(database, self._values)

    def fill_group(self, group: Sequence[RowTable]) -> None:
        """Fill a table, or several whose references are circular and required."""
        required = _required_within(group)
        self._database.set_mark()
        try:
            if self._only_empty and all(self._values.has_rows(table.name) for table in group):
                self.filled += [FilledTable(table.name, 0) for table in group]
            elif required:
                self._fill_circle(group, required)
            else:
                self._fill_alone(group[0])
        except StatementError as error:
            self._database.back_to_mark()
            names = {part.name for part in self.filled}
            for table in group:
                if table.name not in names:
                    self._report(table, 0, str(error))
        self._database.remove_mark()
        self._done.update(table.name for table in group)

    def _fill_alone(self, table: RowTable) -> None:
        if table.obstacle:
            self.filled.append(FilledTable(table.name, 0, table.obstacle))
            return
        count, message = self._insert_into(table, self._choices[table.name])
        self._report(table, count, message)

    def _insert_into(self, table: RowTable, choices: dict[str, Choice]) -> tuple[int, str]:
        """Insert rows into a table; return how many, and why others were refused."""
        plan = RowPlan(table, choices, self._parents(table), {})
        rows = plan.rows(RowJudge(self._database, table))
        if not rows:
            return 0, self._lack(table)
        insertion = RowInsertion(self._database, table, list(choices))
        count = insertion.insert(rows, plan, choices)
        return count, insertion.message

    def _fill_circle(self, group: Sequence[RowTable], required: set[Reference]) -> None:
        """Fill tables whose first rows refer to each other: they go in before any is checked."""
        fixed = self._fixed_first_rows(group, required)
        try:
            with self._database.unit():
                self._defer()
                planned = [self._planned(table, fixed, required) for table in group]
                self._insert_together(group, planned)
                counts = list(map(len, planned))
        except StatementError as error:
            counts, message = [0] * len(group), str(error)
        else:
            message = ""
        finally:
            if self._database.dialect == "mysql":
                self._database.run("SET SESSION foreign_key_checks = 1")
        self._done.update(table.name for table in group)
        for table, count in zip(group, counts, strict=True):
            if count and self._database.dialect == "postgresql":
                self._count_on(table)
            more = self._more_rows(table) if 0 < count < _FEW else 0
            self._report(table, count + more, message or self._lack(table))

    def _more_rows(self, table: RowTable) -> int:
        """Insert rows that refer to what is there now, where a circle allowed few."""
        settable = _settable(table, ())
        choices = {
            name: choice for name, choice in self._choices[table.name].items() if name in settable
        }
        return self._insert_into(table, choices)[0]

    def _fixed_first_rows(
        self, group: Sequence[RowTable], required: set[Reference]
    ) -> dict[TableName, Row]:
        """Return what the first rows of tables have in the columns that others refer to."""
        choices = self._choices
        fixed: dict[TableName, Row] = {
            table.name: {
                name: choices[table.name][name].pick(0)
                for name in sorted(self._targets.get(table.name, ()))
                if name in choices[table.name]
            }
            for table in group
        }
        for table in group:  # a key that is itself a reference to one in the circle
            for reference in sorted(required.intersection(table.references), key=str):
                for name, target in zip(reference.columns, reference.targets, strict=True):
                    if name in fixed[table.name]:
                        fixed[table.name][name] = fixed[reference.table].get(target, NULL)
        return fixed

    def _planned(
        self, table: RowTable, fixed: dict[TableName, Row], required: set[Reference]
    ) -> list[Row]:
        parents = self._parents(table)
        for reference in required.intersection(table.references):
            row = fixed[reference.table]
            parents[reference] = [tuple(row.get(name, NULL) for name in reference.targets)]
        plan = RowPlan(table, self._choices[table.name], parents, fixed[table.name])
        return plan.rows(RowJudge(self._database, table))

    def _insert_together(self, group: Sequence[RowTable], planned: Sequence[list[Row]]) -> None:
        """Insert rows of several tables; on PostgreSQL in one statement, after which it checks."""
        statements = [
            RowInsertion(self._database, table, list(rows[0])).statement(rows)
            for table, rows in zip(group, planned, strict=True)
            if rows
        ]
        if self._database.dialect == "postgresql" and len(statements) > 1:
            parts = [f"part{at} AS ({text})" for at, text in enumerate(statements[:-1])]
            statements = [f"WITH {', '.join(parts)} {statements[-1]}"]
        for statement in statements:
            self._database.run(statement)

    def _defer(self) -> None:
        statements = {
            "postgresql": "SET CONSTRAINTS ALL DEFERRED",
            "mysql": "SET SESSION foreign_key_checks = 0",
            "sqlite": "PRAGMA defer_foreign_keys = ON",
        }
        self._database.run(statements[self._database.dialect])

    def _count_on(self, table: RowTable) -> None:
        """Have the sequences of a table go on after what was put in without them."""
        name = self._database.quoted_table(table.name)
        for column in (column.name for column in table.columns if column.is_counted):
            quoted, text = self._database.quoted(column), column.replace("'", "''")
            sequence = f"pg_get_serial_sequence('{name.replace(chr(39), chr(39) * 2)}', '{text}')"
            with suppress(StatementError):
                self._database.attempt(f"SELECT setval({sequence}, max({quoted})) FROM {name}")

    def _parents(self, table: RowTable) -> Parents:
        """Return what a table's references may refer to; note those that have to wait."""
        parents: Parents = {}
        for reference in table.references:
            if reference.table in self._done:
                parents[reference] = self._values.literals(reference.table, reference.targets)
            elif not is_required(table, reference):
                self.late.add(table, reference)
        return parents

    def _lack(self, table: RowTable) -> str:
        lacking = [
            str(reference.table)
            for reference in table.references
            if is_required(table, reference)
            and not self._values.literals(reference.table, reference.targets)
        ]
        if lacking:
            return f"it references {', '.join(lacking)}, which has no row"
        return "no row fits its keys and conditions"

    def _report(self, table: RowTable, count: int, message: str) -> None:
        holds_rows = bool(count) or self._values.has_rows(table.name)
        self.filled.append(FilledTable(table.name, count, "" if holds_rows else message))


def _required_within(group: Sequence[RowTable]) -> set[Reference]:
    """Return the references within a circle of tables that cannot be NULL."""
    names = {table.name for table in group}
    return {
        reference
        for table in group
        for reference in table.references
        if reference.table in names and is_required(table, reference)
    }


def _settable(table: RowTable, fixed: Collection[str]) -> list[str]:
    """Return the columns that get values: others are left to the server."""
    referring = {name for reference in table.references for name in reference.columns}
    return [
        column.name
        for column in table.columns
        if not column.is_computed
        and (not column.is_counted or column.name in fixed or column.name in referring)
    ]

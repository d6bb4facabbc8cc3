"""A change of models on rows: the printed fix, the fix that leads back, and the first one again."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alembic_lockstep.described_schema import SchemaPart, compare_schemas, read_schema
from alembic_lockstep.dryrun.schema_operations import upgrade_functions
from alembic_lockstep.probe.exceptions import describe_error
from alembic_lockstep.pysource.row_statements import deletes, writes
from alembic_lockstep.rows import RowChange, Rows, compare_rows, fill, open_rows_database, read_rows
from alembic_lockstep.rules.unsafe_upgrade import failure_text

from .env_forms import load, store, upgrade
from .rows import rows_of
from .twin_bench import Bench

#: What becomes of rows: the words of the table in docs/what-is-compared.md.
KEEPS, DROPS, UNSAFE, LOSES = "yes", "all others", "unsafe-upgrade", "lost-rows"


@dataclass
class Round:
    """The outcome of a round.

    Attributes:
        word: What the first upgrade does to rows; see above.
        faults: What neither keeps rows nor is a finding that says what, and false findings.
        unfilled: From tables that got no rows to the reasons.
    """

    word: str = KEEPS
    faults: list[str] = field(default_factory=list)
    unfilled: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Look:
    """Rows and schema at one moment, and the rows as SQLAlchemy reads them."""

    rows: Rows
    schema: frozenset[SchemaPart]
    values: dict[str, Counter[tuple[object, ...]]]


class Rounds:
    """Makes rounds on one dialect; on SQLite env.py begins the transaction: see `env_forms`."""

    def __init__(self, bench: Bench, folder: Path, form: str = "begin") -> None:
        self._bench = bench
        self._folder = folder
        self._form = form

    def run(self, before: sa.MetaData, after: sa.MetaData) -> Round:
        """Make the database of the first models, fill it, and go to the second ones and back."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        both = (before, after)
        outcome = Round()
        with self._bench.empty() as connection:
            before.create_all(connection)
            connection.commit()
            filled = self._fill(connection)
            outcome.unfilled = {str(table.name): table.reason for table in filled.unfilled}
            first = self._look(connection, both)
            forth = self._fix(connection, after)
            error = self._failure(connection, after, forth)
            if error is not None:
                outcome.word = UNSAFE
                text = failure_text(error)
                if not any(name in text for name in _names(after)):
                    outcome.faults.append(f"nobody says which rows: {text}\n{forth}")
                return outcome
            second = self._look(connection, both, first)
            self._judge_forth(outcome, first, second, forth)
            back = self._fix(connection, before)
            error = self._failure(connection, before, back)
            if error is not None:
                # New values that the old models have no place for: none are here.
                outcome.faults.append(f"back: {error}\n{back}")
                return outcome
            third = self._look(connection, both, first)
            self._judge_back(outcome, (first, second, third), back)
            error = self._failure(connection, after, forth)
            if error is not None:
                outcome.faults.append(f"again: {error}\n{forth}")
                return outcome
            again = compare_schemas(second.schema, self._look(connection, both, first).schema)
            outcome.faults += [f"again: {words}" for words in again.all]
        return outcome

    @property
    def _file(self) -> Path:
        return self._folder / "rows.db"

    @contextmanager
    def _database(self, connection: sa.Connection) -> Iterator[Any]:
        """Open the database of a connection as the product does."""
        if self._bench.dialect != "sqlite":
            url = self._bench.engine.url.render_as_string(hide_password=False)
            with open_rows_database(url) as database:
                yield database
            return
        store(connection, self._file)
        with open_rows_database(f"sqlite:///{self._file}") as database:
            yield database
        load(self._file, connection)

    def _fill(self, connection: sa.Connection) -> Any:
        with self._database(connection) as database:
            return fill(database)

    def _look(
        self,
        connection: sa.Connection,
        models: tuple[sa.MetaData, ...],
        first: _Look | None = None,
    ) -> _Look:
        with self._database(connection) as database:
            rows = read_rows(database, before=first.rows if first else None)
            schema = read_schema(database)
        read = rows_of(connection, *models, ordered=False)
        return _Look(rows, schema, {name: _values(rows) for name, rows in read.items()})

    def _fix(self, connection: sa.Connection, models: sa.MetaData) -> str:
        operations = self._bench.ask(connection, models).merged
        return upgrade_functions(operations)

    def _failure(self, connection: sa.Connection, models: sa.MetaData, code: str) -> Any:
        """Run a fix; return what the probe says of the error."""
        if "def upgrade" not in code:
            return None
        try:
            if self._bench.dialect == "sqlite":
                store(connection, self._file)
                folder = self._folder / "migrations"
                shutil.rmtree(folder, ignore_errors=True)
                upgrade(folder, self._file, code, self._form)
                load(self._file, connection)
                connection.exec_driver_sql("DROP TABLE alembic_version")
                connection.commit()
            else:
                self._bench.migrate(connection, models, code)
        except Exception as error:
            connection.rollback()
            return describe_error(error, str(self._folder))
        return None

    def _judge_forth(self, outcome: Round, first: _Look, second: _Look, code: str) -> None:
        changes = compare_rows(first.rows, second.rows)
        unasked = [change for change in changes if not _is_asked_for(change, code)]
        drops = [change for change in changes if change.kind.startswith(("column-", "table-"))]
        if unasked:
            outcome.word = LOSES
        elif drops:
            outcome.word = DROPS
        lost = {name for name in _lost(first, second) if not _is_written(name, code)}
        for name in lost - {_bare(change) for change in changes}:
            outcome.faults.append(f"nobody says that {name} lost rows or values\n{code}")
        for change in unasked:
            if _bare(change) not in lost:
                outcome.faults.append(f"nothing was lost: {change}\n{code}")

    def _judge_back(self, outcome: Round, looks: tuple[_Look, _Look, _Look], code: str) -> None:
        first, second, third = looks
        gone = {(each.table, each.column) for each in compare_rows(first.rows, second.rows)}
        tables = {table for table, column in gone if not column}
        for change in compare_rows(first.rows, third.rows):
            is_gone = change.table in tables or (change.table, change.column) in gone
            if not is_gone and not _is_asked_for(change, code):
                outcome.faults.append(f"back: {change}\n{code}")
        difference = compare_schemas(first.schema, third.schema)
        outcome.faults += [f"back: {words}" for words in difference.all]


def _is_asked_for(change: RowChange, code: str) -> bool:
    """Return whether the change is what the models ask for, or what a statement does on purpose."""
    table = str(change.table)
    if change.kind in ("column-dropped", "table-dropped"):
        return not change.successor
    if change.kind == "column-computed":
        return True
    if change.kind == "rows-vanished":
        return deletes(code, table)
    return writes(code, table, change.column)


def _is_written(table: str, code: str) -> bool:
    """Return whether a fix gives NULLs a value, or renames labels."""
    return (
        bool(re.search(rf"(?i)UPDATE [`\"]?{re.escape(table)}\b", code)) or "RENAME VALUE" in code
    )


def _names(models: sa.MetaData) -> set[str]:
    """Return the names of tables, columns and constraints."""
    return {
        str(part.name)
        for table in models.tables.values()
        for part in (table, *table.columns, *table.constraints, *table.indexes)
        if part.name
    }


def _bare(change: RowChange) -> str:
    return change.table.name


def _values(rows: list[tuple[Any, ...]]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(map(_plain, row)) for row in rows)


def _plain(value: Any) -> object:
    """Return a value as both types of a column that changes have it."""
    if isinstance(value, (list, dict)):
        return repr(value)
    if value is None or isinstance(value, (bytes, memoryview)):
        return value if value is None else bytes(value)
    try:
        return Decimal(str(int(value) if isinstance(value, bool) else value).strip()).normalize()
    except (InvalidOperation, ValueError):
        return str(value)


def _lost(first: _Look, second: _Look) -> set[str]:
    """Return the tables of which rows of the first look are not among those of the second."""
    return {
        name.rpartition(".")[2]
        for name, rows in first.values.items()
        if rows - second.values.get(name, Counter())
    }

"""Rows before and after migrations, built by hand: what took the place of what."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_lockstep.rows import RowChange, Rows, TableName, compare_rows
from alembic_lockstep.rows.content import ReadColumn, ReadTable, Value

KINDS = {"id": "integer", "logs": "json", "number": "integer"}


def read(**tables: tuple[str, Sequence[tuple[Value, ...]]]) -> Rows:
    """Return tables, each of the names of its columns and of its rows; the key is `id`."""
    parts = {}
    for name, (columns, rows) in tables.items():
        listed = tuple(
            ReadColumn(column, KINDS.get(column, "text"), KINDS.get(column, "text"))
            for column in columns.split()
        )
        at = TableName("", name)
        parts[at] = ReadTable(at, listed, ("id",), tuple(rows), len(rows))
    return Rows(parts, frozenset(parts))


def kinds(changes: list[RowChange]) -> list[tuple[str, str, str, str]]:
    return [(each.kind, str(each.table), each.column, each.successor) for each in changes]


def test_like_tables_that_are_renamed_together_lose_nothing() -> None:
    runs = ("id status began", [("1", "running", "2001"), ("2", "done", "2002")])
    targets = ("id status began", [("1", "open", "2005"), ("2", "closed", "2006")])
    before = read(runs=runs, targets=targets)
    assert compare_rows(before, read(a_targets=targets, b_runs=runs)) == []
    assert compare_rows(before, read(a_runs=runs, b_targets=targets)) == []


def test_a_renamed_table_in_which_values_change_is_the_one_with_most_of_them() -> None:
    before = read(runs=("id status began", [("1", "running", "2001"), ("2", "done", "2002")]))
    changed = ("id status began", [("1", "running", "2001"), ("2", "done", "2009")])
    other = ("id status began", [("1", "open", "2005"), ("2", "closed", "2006")])
    changes = compare_rows(before, read(a=other, b=changed))
    assert kinds(changes) == [("value-changed", "runs", "began", "")]
    assert (changes[0].before, changes[0].after) == ("'2002'", "'2009'")


def test_a_column_that_has_the_values_of_one_is_no_successor_of_another() -> None:
    before = read(builds=("id build url", [("1", "b1", "u1"), ("2", "b2", "u2")]))
    after = read(builds=("id task logs", [("1", "b1", None), ("2", "b2", None)]))
    assert kinds(compare_rows(before, after)) == [("column-dropped", "builds", "url", "")]


def test_a_column_without_its_values_may_be_the_successor() -> None:
    before = read(builds=("id build url", [("1", "b1", "u1"), ("2", "b2", "u2")]))
    after = read(builds=("id task address", [("1", "b1", None), ("2", "b2", None)]))
    assert kinds(compare_rows(before, after)) == [("column-dropped", "builds", "url", "address")]

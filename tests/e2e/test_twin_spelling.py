"""A database writes SQL in its own way: only a schema that is another one is reported.

All of a dialect's tables stand in one database, which is read once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from .handwritten_tables import HANDWRITTEN_TABLES, HandwrittenTable
from .twin_bench import Bench, bench, servers

__all__ = ["bench", "servers"]


@pytest.mark.parametrize("compares", [False, True], ids=["", "compare_server_default"])
def test_only_differences_are_reported(bench: Bench, compares: bool) -> None:
    cases = dict(HANDWRITTEN_TABLES[bench.dialect])
    if compares and bench.dialect == "postgresql":
        del cases["json"], cases["text"]  # Alembic itself falls over them
    models, parent = sa.MetaData(), "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY)"
    sa.Table("parent", models, sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False))
    with bench.empty() as connection:
        execute(bench, connection, models, parent)
        for table, case, statements in tables(cases):
            sa.Table(table, models, *case.parts(table))
            execute(bench, connection, models, statements.replace("{t}", table))
        opinions = bench.ask(connection, models, compare_server_default=compares)
    assert not opinions.failure
    kinds_by_table: dict[str, list[str]] = {}
    for operation in opinions.merged:
        kinds_by_table.setdefault(operation.table, []).append(
            operation.kind.replace("identity", "default")
        )
    # The host judges what no table of the models has.
    kinds_by_table.pop("", None)
    assert {table: " ".join(sorted(set(kinds))) for table, kinds in kinds_by_table.items()} == {
        table: case.kinds for table, case, statements in tables(cases) if statements == case.unlike
    }


def tables(cases: dict[str, HandwrittenTable]) -> Iterator[tuple[str, HandwrittenTable, str]]:
    for name, case in cases.items():
        plain = "".join(character if character.isalnum() else "_" for character in name)
        yield f"same_{plain}", case, case.same
        yield f"unlike_{plain}", case, case.unlike


def execute(bench: Bench, connection: sa.Connection, models: sa.MetaData, statements: str) -> None:
    sql, _, code = statements.partition("\n")
    raw = connection.execution_options(no_parameters=True)
    for statement in filter(None, sql.split(";")):
        raw.exec_driver_sql(statement.strip())
        connection.commit()
    if code:
        body = code.replace("\n", "\n    ")
        bench.migrate(connection, models, f"def upgrade():\n    {body}")

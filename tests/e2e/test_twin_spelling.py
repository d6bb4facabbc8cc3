"""A database spells things its own way: that alarms only where the schema is another one.

All of a dialect's tables stand in one database, which is read once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from .handwritten_tables import SPELLINGS, Spelling
from .twin_bench import Bench, bench, servers

__all__ = ["bench", "servers"]


@pytest.mark.parametrize("compares", [False, True], ids=["", "compare_server_default"])
def test_only_what_differs_is_told(bench: Bench, compares: bool) -> None:
    spellings = dict(SPELLINGS[bench.dialect])
    if compares and bench.dialect == "postgresql":
        del spellings["json"], spellings["text"]  # Alembic itself falls over them
    models, parent = sa.MetaData(), "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY)"
    sa.Table("parent", models, sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False))
    with bench.empty() as connection:
        execute(bench, connection, models, parent)
        for table, spelling, statements in tables(spellings):
            sa.Table(table, models, *spelling.parts(table))
            execute(bench, connection, models, statements.replace("{t}", table))
        found = bench.ask(connection, models, compare_server_default=compares)
    assert not found.failure
    told: dict[str, list[str]] = {}
    for one in found.merged:
        told.setdefault(one.table, []).append(one.kind.replace("identity", "default"))
    # What the models know nothing of is left over for the host to judge.
    told.pop("", None)
    assert {table: " ".join(sorted(set(kinds))) for table, kinds in told.items()} == {
        table: spelling.told
        for table, spelling, statements in tables(spellings)
        if statements == spelling.unlike
    }


def tables(spellings: dict[str, Spelling]) -> Iterator[tuple[str, Spelling, str]]:
    for name, spelling in spellings.items():
        plain = "".join(one if one.isalnum() else "_" for one in name)
        yield f"same_{plain}", spelling, spelling.same
        yield f"unlike_{plain}", spelling, spelling.unlike


def execute(bench: Bench, connection: sa.Connection, models: sa.MetaData, statements: str) -> None:
    sql, _, code = statements.partition("\n")
    raw = connection.execution_options(no_parameters=True)
    for statement in filter(None, sql.split(";")):
        raw.exec_driver_sql(statement.strip())
        connection.commit()
    if code:
        body = code.replace("\n", "\n    ")
        bench.migrate(connection, models, f"def upgrade():\n    {body}")

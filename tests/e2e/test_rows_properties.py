"""Rows for random schemas: all tables get some, and nothing is lost where nothing was done."""

from __future__ import annotations

import os

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from alembic_lockstep.rows import compare_rows, fill, read_rows

from .random_models import two_models
from .rows_bench import Databases, databases, dialect, servers
from .twin_bench import DRIVERS, SCHEMA

__all__ = ["databases", "dialect", "servers"]

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "8"))


def test_random_schemas(databases: Databases, dialect: str) -> None:
    kind = dialect.replace("mysql", "mariadb")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(two_models(kind))
    def check(pair: tuple[sa.MetaData, sa.MetaData]) -> None:
        database = databases.make(dialect, "")
        engine = sa.create_engine(databases.url(dialect).set(drivername=DRIVERS[kind]))
        with engine.begin() as connection:
            if dialect == "postgresql":
                connection.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))
            pair[0].create_all(connection)
        engine.dispose()

        filled = fill(database)
        assert filled.unfilled == ()
        before = read_rows(database)
        assert len(before.tables) == len(pair[0].tables)
        assert compare_rows(before, read_rows(database, before=before)) == []

    check()

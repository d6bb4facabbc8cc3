"""Rows for random schemas: all tables get some, and nothing is lost that nobody names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alembic_lockstep.rows import compare_rows, fill, read_rows

from .combined_changes import kinds_with_fix
from .env_forms import FORMS
from .kinds import Kind
from .random_models import two_models
from .row_rounds import Rounds
from .rows import add_children
from .rows_bench import Databases, databases, dialect, servers
from .test_rows_of_kinds import WITHOUT_WAY_BACK
from .twin_bench import DRIVERS, SCHEMA, Bench, bench

__all__ = ["bench", "databases", "dialect", "servers"]

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "8"))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_a_change_amid_random_tables_loses_nothing_that_nobody_names(
    bench: Bench, tmp_path: Path
) -> None:
    kinds = [each for each in kinds_with_fix(bench.dialect) if each.name not in WITHOUT_WAY_BACK]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(two_models(bench.dialect), st.sampled_from(kinds), st.sampled_from([*FORMS]))
    def check(random: tuple[sa.MetaData, sa.MetaData], kind: Kind, form: str) -> None:
        before, after = amid(random[0], kind)
        outcome = Rounds(bench, tmp_path / "round", form).run(before, after)
        assert outcome.faults == [], (kind.name, form)
        assert outcome.unfilled == {}

    check()


def amid(tables: sa.MetaData, kind: Kind) -> tuple[sa.MetaData, sa.MetaData]:
    """Return both models of a kind with further tables, of which some refer to what changes."""
    both = kind.before(), kind.after()
    add_children(*both)
    for metadata in both:
        for table in tables.sorted_tables:
            if table.key not in metadata.tables:
                table.to_metadata(metadata)
    return both


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
